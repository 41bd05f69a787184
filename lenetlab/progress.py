"""What the coordinator of a study says about itself while it works: `progress.json`.

Counts and figures are not in it: those are of the results beside it. Times are seconds since 1970.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError
from lenetlab.records import read_json, replace_json

FORMAT = 1
PROGRESS = "progress.json"
SILENT = 60.0  # seconds without a word after which a coordinator counts as gone
STATES = ("running", "stopped", "finished")


@dataclass(frozen=True)
class Running:
    """A run that is being computed, and since when."""

    label: str
    scenario: str
    since: float


@dataclass(frozen=True)
class Progress:
    """The coordinator's last word.

    state : `running`; `stopped` by a signal or an error; `finished`, nothing is left.
    pid, host : of the coordinator. begun, updated : when it started, when this was written.
    command : what continues the study.
    results : folder of the rows where it is not `results` in the working folder.
    """

    state: str
    pid: int
    host: str
    begun: float
    updated: float
    workers: int
    command: str
    running: tuple[Running, ...] = ()
    results: str | None = None

    def alive(self, now: float) -> bool:
        """Whether the coordinator is at work: heard of lately, and a process if it is here."""
        if self.state != "running" or now - self.updated > SILENT:
            return False
        return self.host != socket.gethostname() or _exists(self.pid)


def write_progress(folder: Path, progress: Progress) -> None:
    """Replace `progress.json` in the working folder, atomically."""
    replace_json(folder / PROGRESS, {"format": FORMAT, **asdict(progress)})


def read_progress(folder: Path) -> Progress | None:
    """The coordinator's last word; None if it never said one. `UserError` if it is broken."""
    path = folder / PROGRESS
    if not path.exists():
        return None
    found: Mapping[str, Any] = read_json(path)
    try:
        fields = dict(found)
        if fields.pop("format") != FORMAT or fields["state"] not in STATES:
            raise ValueError("its format or its state is another")
        running = tuple(Running(**run) for run in fields.pop("running"))
        return Progress(**fields, running=running)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is not of this version of lenetlab ({error}); delete it and run the study again"
        ) from None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's process
        return True
    return True
