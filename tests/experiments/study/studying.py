"""Studies for tests: files, an executor in this process, work that takes no time."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.study.coordinator import failed, run_study
from lenetlab.experiments.study.model import Task
from lenetlab.experiments.study.pending import StudyPlan
from lenetlab.experiments.study.publish import Publisher
from lenetlab.experiments.study.run_ids import Naming
from lenetlab.experiments.study.store import Store
from lenetlab.experiments.study.study_file import read_study
from lenetlab.experiments.study.worker import Output, Setup

TINY = """title = "Tiny"
scenarios = ["plain"]
methods = ["sgd", "adamw"]
passes = 0.04
seeds = 2
[tune]
trials = 2
passes = 0.02
"""


class Hashed:
    """Ids without data."""

    def ids(self, recipe: Recipe, seeds: list[int]) -> list[str]:
        text = json.dumps(recipe.canonical(), sort_keys=True)
        return [hashlib.sha256(f"{text}{s}".encode()).hexdigest()[:16] for s in seeds]

    def numerics(self, recipe: Recipe) -> dict[str, Any]:
        return {}


def stub(task: Task, setup: Setup | None = None) -> Output:
    """A run that takes no time; its figures are a function of its id."""
    accuracy = int(task.id[:6], 16) % 10_000 / 100
    row = failed(task, "done", "")
    figures = {"accuracy": accuracy, "loss": 1 - accuracy / 100}
    cost = {"train_seconds": 0.001, "overhead_seconds": 0.0, "passes": 1.0}
    return Output(replace(row, reason=None, **figures, **cost))


def slow_stub(task: Task, setup: Setup | None = None) -> Output:
    """The same in 50 ms."""
    time.sleep(0.05)
    return stub(task)


def hanging(task: Task, setup: Setup | None = None) -> Output:
    """The first trial hangs where no cooperation helps."""
    if task.role == "trial" and task.number == 0:
        time.sleep(1000)
    return stub(task)


class Inline:
    """An executor that computes where it is called; `tasks` are those it was given."""

    workers = slots = 1

    def __init__(self, work: Callable[[Task], Output] = stub) -> None:
        self.work, self.tasks = work, list[Task]()

    def submit(self, task: Task) -> "Future[Output]":
        self.tasks.append(task)
        future: Future[Output] = Future()
        try:
            future.set_result(self.work(task))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        pass


@contextmanager
def planned(
    file: Path,
    folder: Path,
    names: Naming | None = None,
    retry: bool = False,
    results: Path | None = None,
) -> Iterator[StudyPlan]:
    study, recipes = read_study(file)
    folder.mkdir(parents=True, exist_ok=True)
    yield StudyPlan(
        study, recipes, names or Hashed(), Store(folder), results or folder / "results", retry
    )


def go(
    file: Path, folder: Path, executor=None, names=None, retry=False, results=None,
    notify=lambda status, line: None,
) -> StudyPlan:  # fmt: skip
    """One call of the study."""
    with planned(file, folder, names, retry, results) as plan:
        publisher = Publisher(plan, folder / "published.json")
        run_study(plan, executor or Inline(), publisher, notify)
        return plan


def bits(folder: Path) -> dict[str, str]:
    """All records without clock and machine, by id."""
    return {
        path.stem: json.dumps(json.loads(path.read_bytes())["run"])
        for path in folder.glob("records/*/*.json")
    }


def quitting(task: Task, setup: Setup | None = None) -> Output:
    """The first trial ends its process."""
    if task.role == "trial" and task.number == 0:
        os._exit(3)
    return stub(task)


class Odd(Exception):
    """One that does not survive being pickled."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} in {where}")


def raising(task: Task, setup: Setup | None = None) -> Output:
    """What a method may do."""
    raise Odd("a mistake", "the method")
