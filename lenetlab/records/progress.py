"""What the coordinator of a study says about itself while it works: `progress.json` in the working
folder, renewed every second and removed when it ends. Times are seconds since 1970.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenetlab.disk import read_json
from lenetlab.errors import UserError
from lenetlab.records.readable import readable

PROGRESS = "progress.json"
PUBLISHED = "published.json"  # in the same folder: where the results are, and what they say
SILENT = 60.0  # seconds without a word after which a coordinator counts as gone


@dataclass(frozen=True)
class ScenarioProgress:
    """How far a scenario is. `best` is accuracy in percent and recipe of the best trial so far, by
    held-out images; None before the first."""

    scenario: str
    done: int
    failed: int
    left: int
    best: tuple[float, str] | None


@dataclass(frozen=True)
class Progress:
    """The coordinator's last word.

    running : label of each run that is computed, and since when.
    failures : the last ones, each in a sentence, the newest last.
    """

    pid: int
    host: str
    started: float
    updated: float
    workers: int
    seconds_left: float | None
    running: tuple[tuple[str, float], ...]
    scenarios: tuple[ScenarioProgress, ...]
    failures: tuple[str, ...]

    def alive(self, now: float) -> bool:
        """Whether the coordinator is at work: heard of lately, and a process if it is here."""
        if now - self.updated > SILENT:
            return False
        return self.host != socket.gethostname() or _exists(self.pid)


def read_progress(folder: Path) -> Progress | None:
    """The coordinator's last word; None where none is at work. `UserError` if it is broken."""
    path = folder / PROGRESS
    try:
        found: Mapping[str, Any] = readable(read_json(path))
    except UserError:
        if path.exists():
            raise
        return None
    try:
        scenarios = []
        for scenario, counts in found["scenarios"].items():
            best = found["best"].get(scenario)
            scenarios.append(
                ScenarioProgress(
                    scenario, counts["done"], counts["failed"],
                    max(counts["planned"] - counts["done"] - counts["failed"], 0),
                    None if best is None else (best["accuracy"], best["label"]),
                )
            )  # fmt: skip
        return Progress(
            pid=found["pid"],
            host=found["host"],
            started=found["started"],
            updated=found["updated"],
            workers=found["workers"],
            seconds_left=found["seconds_left"],
            running=tuple((run["label"], run["since"]) for run in found["running"]),
            scenarios=tuple(scenarios),
            failures=tuple(found["failures"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is not of this version of lenetlab ({error!r}); delete it and run the study "
            "again"
        ) from None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's process
        return True
    return True
