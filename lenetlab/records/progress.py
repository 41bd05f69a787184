"""What the coordinator of a study says about itself while it works: `progress.json` in the working
folder, renewed every second and removed when it ends. Times are seconds since 1970.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError
from lenetlab.records.readable import readable
from lenetlab.records.shapes import NUMBER, misfit, read_shaped

PROGRESS = "progress.json"
PUBLISHED = "published.json"  # in the same folder: where the results are, and what they say
NOTE = {"results": str, "cells": dict}  # in it
SHAPE = {
    "pid": int, "host": str, "started": float, "updated": float, "workers": int,
    "seconds_left": NUMBER, "running": [{"label": str, "since": float}], "failures": [str],
    "scenarios": dict, "best": dict,
}  # fmt: skip
COUNTS, BEST = {"planned": int, "done": int, "failed": int}, {"accuracy": float, "label": str}
AGAIN = "delete it and run the study again"
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
        found = readable(read_shaped(path, SHAPE, AGAIN))
    except UserError:
        if path.exists():
            raise
        return None
    for of, shape in (("scenarios", COUNTS), ("best", BEST)):
        for where, inner in found[of].items():
            if wrong := misfit(inner, shape, f"{of}.{where}"):
                raise UserError(f"{path} is broken ({wrong}); {AGAIN}")
    own = {name: found[name] for name in ("pid", "host", "started", "updated", "workers")}
    return Progress(
        **own,
        seconds_left=found["seconds_left"],
        running=tuple((run["label"], run["since"]) for run in found["running"]),
        scenarios=tuple(
            _scenario(name, counts, found["best"].get(name))
            for name, counts in found["scenarios"].items()
        ),
        failures=tuple(found["failures"]),
    )


def _scenario(
    name: str, counts: Mapping[str, int], best: Mapping[str, Any] | None
) -> ScenarioProgress:
    done, failed = counts["done"], counts["failed"]
    return ScenarioProgress(
        name, done, failed, max(counts["planned"] - done - failed, 0),
        None if best is None else (best["accuracy"], best["label"]),
    )  # fmt: skip


def _exists(pid: int) -> bool:
    if pid < 1:  # a group of processes
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # no process has a number as large as that
        return False
    except PermissionError:  # somebody else's process
        return True
    return True
