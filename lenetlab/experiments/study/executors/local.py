"""Worker processes on this machine. One may die at any moment without the others noticing.

Each has a pipe of its own and a thread here that waits for it. A pool whose workers share a pipe
is broken, or waits for ever, when one is killed while it holds the pipe.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.run.parent import end_with
from lenetlab.experiments.study.executors import (
    GRACE,
    OverLimit,
    Quit,
    TaskError,
    Work,
    WorkerDied,
)
from lenetlab.experiments.study.model import Task
from lenetlab.experiments.study.worker import Output, Setup, work

SPAWN = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork


class Local:
    """`workers` processes; `work` is what each does with a task.

    grace : seconds beyond a task's limit (which it keeps by itself, between two steps) after
        which its process is killed; loading the data is within them.
    """

    def __init__(self, workers: int, setup: Setup, work: Work = work, grace: float = GRACE) -> None:
        self.workers = workers
        self.slots = workers + 1  # one more than compute, so that no worker waits for its next
        self._setup, self._work, self._grace = setup, work, grace
        self._threads = ThreadPoolExecutor(workers)
        self._own = threading.local()  # the worker of a thread
        self._alive: set[Worker] = set()
        self._closed = False
        self._lock = threading.Lock()  # of the two above

    def submit(self, task: Task) -> "Future[Output]":
        """Have a task computed."""
        return self._threads.submit(self._compute, task)

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._closed = True
            for worker in self._alive:
                worker.end()
        self._threads.shutdown()

    def _compute(self, task: Task) -> Output:
        worker: Worker = getattr(self._own, "worker", None) or self._started()
        try:
            found: Output = worker.compute(
                task, None if task.limit is None else task.limit + self._grace
            )
            return found
        except (WorkerDied, OverLimit, Quit):
            with self._lock:
                self._alive.discard(worker)
            worker.end()
            self._own.worker = None
            raise

    def _started(self) -> "Worker":
        with self._lock:
            if self._closed:
                raise WorkerDied("no more workers are started")
            self._own.worker = worker = Worker(self._work, self._setup)
            self._alive.add(worker)
        return worker


class Worker:
    """A process, and the only pipe to it: when the process ends, however it ends, so does the
    pipe. It does `work(task, setup)` with one task after the other."""

    def __init__(self, work: Callable[[Any, Any], Any], setup: Any) -> None:
        self._pipe, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(
            target=_serve, args=(theirs, work, setup, os.getpid()), daemon=True
        )
        self._process.start()
        theirs.close()
        self._ready = False

    def compute(self, task: Any, seconds: float | None) -> Any:
        """The output of `task`, or what it raised; `OverLimit` if it takes longer than `seconds`,
        `Quit` if it ends the process, `WorkerDied` if something else does. After those three
        there is no process of use."""
        try:
            if not self._ready:
                self._pipe.recv()
                self._ready = True
            self._pipe.send(task)
            if not self._pipe.poll(seconds):
                raise OverLimit(f"its process was killed after {seconds:g} s")
            found = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode
            if self._ready and code is not None and code >= 0:  # not ended by a signal
                raise Quit(f"it ended its own process, with exit code {code}") from None
            raise WorkerDied(f"its process ended with exit code {code}") from None
        if isinstance(found, Exception):
            raise found
        return found

    def signal(self, number: int) -> None:
        """Send the process a signal, if there is one still."""
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End the process, whatever it is doing, and do not wait for it."""
        self._process.kill()

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.kill()
        self._process.join()


def _serve(pipe: Connection, work: Callable[[Any, Any], Any], setup: Any, coordinator: int) -> None:
    """What a worker process does until its coordinator closes the pipe, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator decides what Ctrl-C ends
    # in the middle of a run nobody looks at the pipe
    end_with(coordinator, partial(os._exit, 1))
    pipe.send("ready")
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        pipe.send(_answer(task, work, setup))


def _answer(task: Any, work: Callable[[Any, Any], Any], setup: Any) -> Any:
    try:
        return work(task, setup)
    except UserError as error:
        return error
    except Exception as error:  # its class may be one that only the worker knows
        return TaskError(f"{type(error).__name__}: {error}")
