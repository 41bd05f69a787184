"""Waiting for what other processes and threads do: never for ever, and with a word on what for."""

import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from threading import Thread
from typing import Any

import pytest

PATIENCE = 120.0  # seconds; machines may be busy


def wait_until(
    ready: Callable[[], Any], what: str, process: "Popen[Any] | None" = None, every: float = 0.01
) -> Any:
    """What `ready()` gives as soon as that is true. The test fails if it stays false, or if the
    `process` that it depends on ends before."""
    end = time.monotonic() + PATIENCE
    while not (found := ready()):
        if process is not None and process.poll() is not None and not ready():
            pytest.fail(f"{what}: the process ended with status {process.returncode} before")
        if time.monotonic() > end:
            pytest.fail(f"{what}: waited {PATIENCE:g} s in vain")
        time.sleep(every)
    return found


def join(thread: Thread) -> None:
    """Wait for the end of `thread`; the test fails if it does not come."""
    thread.join(PATIENCE)
    if thread.is_alive():
        pytest.fail(f"thread {thread.name} did not end within {PATIENCE:g} s")


def wait_for_end(pid: int, what: str) -> None:
    """Wait until the process runs no more; one that nobody has asked after counts as ended."""

    def ended() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    wait_until(ended, f"the end of {what}", every=0.1)
