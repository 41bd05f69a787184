"""The end of a process with the one that began it, however that ended: SIGKILL tells nobody."""

import os
import threading
import time
from collections.abc import Callable

EVERY = 0.5  # seconds between two checks


def end_with(parent: int, end: Callable[[], object]) -> None:
    """Call `end` from a thread of this process, within a second of the end of its `parent`."""
    threading.Thread(target=_follow, args=(parent, end), daemon=True).start()


def _follow(parent: int, end: Callable[[], object]) -> None:
    while os.getppid() == parent:
        time.sleep(EVERY)
    end()
