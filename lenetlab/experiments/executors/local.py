"""Worker processes on this machine (pebble): one may die or be stopped without the others."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as PastLimit

from pebble import ProcessExpired, ProcessPool

from lenetlab.experiments.executors import Lost, OverLimit
from lenetlab.experiments.study import Task
from lenetlab.experiments.work import Output, Setup, work

Work = Callable[[Task, Setup], Output]


class Local:
    """`workers` processes; `work` is what each does with a task.

    grace : seconds beyond a task's limit (which it keeps by itself, between two steps) after
        which its process is killed; loading the data is within them.
    """

    def __init__(self, workers: int, setup: Setup, work: Work = work, grace: float = 15.0) -> None:
        self.workers = workers
        self.slots = workers + 1  # the next one waits at the door
        self._setup, self._work, self._grace = setup, work, grace
        # Spawned, not forked: torch's threads do not survive a fork.
        self._pool = ProcessPool(
            workers,
            initializer=_begin,
            initargs=(os.getpid(),),
            context=multiprocessing.get_context("spawn"),
        )

    def submit(self, task: Task) -> "Future[Output]":
        """Have a task computed."""
        timeout = None if task.limit is None else task.limit + self._grace
        inner = self._pool.submit(self._work, timeout, task, self._setup)
        outer: Future[Output] = Future()
        inner.add_done_callback(lambda done: _pass_on(done, outer, timeout))
        return outer

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        self._pool.stop()
        self._pool.join()


def _pass_on(inner: "Future[Output]", outer: "Future[Output]", timeout: float | None) -> None:
    if inner.cancelled():
        outer.cancel()
        return
    error = inner.exception()
    if isinstance(error, ProcessExpired):
        outer.set_exception(Lost(str(error)))
    elif isinstance(error, PastLimit) and timeout is not None:
        outer.set_exception(OverLimit(f"its process was killed after {timeout:g} s"))
    elif error is not None:
        outer.set_exception(error)
    else:
        outer.set_result(inner.result())


def _begin(coordinator: int) -> None:
    """In a new worker: Ctrl-C is the coordinator's affair; without a coordinator it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(coordinator,), daemon=True).start()


def _follow(coordinator: int) -> None:
    while os.getppid() == coordinator:
        time.sleep(0.5)
    os._exit(1)
