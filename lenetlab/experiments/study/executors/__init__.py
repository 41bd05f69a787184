"""Executors: where tasks are computed. The coordinator knows nothing else about them."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from lenetlab.experiments.study.model import Task
from lenetlab.experiments.study.worker import Output, Setup

Work = Callable[[Task, Setup], Output]  # what a worker does with a task
GRACE = 15.0  # seconds beyond a task's limit in which it may end by itself


class WorkerDied(Exception):
    """Workers, `deaths` of them, died with a task; it can be given to another."""

    def __init__(self, reason: str, deaths: int = 1) -> None:
        super().__init__(reason)
        self.deaths = deaths


class OverLimit(Exception):
    """A task was stopped from outside at its time limit."""


class TaskError(Exception):
    """What a task raised, in words."""


class Quit(TaskError):
    """The code of a task ended its process by itself: it would do so again."""


class Executor(Protocol):
    """Takes tasks, gives futures of their output.

    A future ends with `WorkerDied`, `OverLimit`, what the task raised (itself, or `TaskError`), or
    its output.
    """

    @property
    def slots(self) -> int:
        """How many tasks should be in its hands at once."""
        ...

    @property
    def workers(self) -> int:
        """How many tasks it computes at once."""
        ...

    def submit(self, task: Task) -> "Future[Output]":
        """Have a task computed."""
        ...

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        ...
