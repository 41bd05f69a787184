"""Where a study stands: counts, what is running, the best so far, how long it will take."""

import os
import socket
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lenetlab.experiments.study.model import Task
from lenetlab.experiments.study.pending import StudyPlan
from lenetlab.experiments.study.stages import CellPlan
from lenetlab.experiments.study.store import Brief
from lenetlab.experiments.tuning.tuned_recipes import usual_pass_seconds
from lenetlab.records.contest import located
from lenetlab.records.finished import ended

FAILURES = 5  # the last ones are shown
STATES = ("planned", "done", "failed")  # of the runs of a scenario


@dataclass
class Status:
    """The state of a study that is running. Clocks on the wall are for people only."""

    plan: StudyPlan
    workers: int
    started: float = field(default_factory=time.time)
    flying: dict[str, tuple[Task, float]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    best: dict[str, tuple[float, str]] = field(default_factory=dict)
    failures: deque[str] = field(default_factory=lambda: deque(maxlen=FAILURES))
    _left: tuple[float, float | None] = (float("-inf"), None)

    def __post_init__(self) -> None:
        for cell in self.plan.every:
            self.opened(cell)

    def opened(self, cell: CellPlan) -> None:
        """A cell was planned: some of its runs may be there."""
        for task in cell.tasks:
            if (run := self.plan.done(task)) is not None:
                self.record(task, run)

    def begin(self, task: Task) -> None:
        """A task was given to the executor."""
        self.flying[task.id] = task, time.time()

    def end(self, task: Task) -> None:
        """A task came back."""
        del self.flying[task.id]

    def record(self, task: Task, run: Brief | None) -> None:
        """A run is in the store."""
        if run is None:
            return
        self.counts[run.status] += 1
        if not run.done:
            self.failures.append(f"{task.label}: {ended(run.status, run.reason)}")
        where = located(task.recipe.scenario, task.recipe.problem.name)
        if task.recipe.split == "inner" and run.accuracy is not None:
            best = self.best.get(where, (float("-inf"), ""))
            self.best[where] = max(best, (run.accuracy, task.recipe.label()))

    @property
    def done(self) -> int:
        """Runs that have ended, whichever way."""
        return sum(self.counts.values())

    @property
    def failed(self) -> int:
        """Runs that ended without figures."""
        return self.done - self.counts["done"]

    @property
    def running(self) -> list[tuple[Task, float]]:
        """Tasks that workers have, with the times at which they were given out."""
        return list(self.flying.values())[: self.workers]

    @property
    def seconds_left(self) -> float | None:
        """An estimate; None while it is unknown. Computed every few seconds at most."""
        now = time.monotonic()
        if now - self._left[0] > 5:
            left = estimate(self.plan)
            seconds = (left.measured + left.usual) / self.workers
            self._left = now, None if left.unknown else seconds
        return self._left[1]

    def line(self, cell: CellPlan) -> str:
        """A complete cell in a line."""
        runs = [r for t in cell.finals if (r := self.plan.store.get(t.id)) is not None]
        figures = [run.accuracy for run in runs if run.accuracy is not None]
        name = f"{cell.place.name} in {cell.place.where}"
        if cell.too_slow is not None:
            took, most = cell.too_slow, self.plan.study.cell_limit
            return f"{name}: a whole cell would take {took:,.0f} CPU seconds, more than {most:,.0f}"
        if cell.without_recipe and cell.source:
            return f"{name}: there is no recipe to carry over, so there are no finals"
        if cell.without_recipe:
            what = "no recipe was confirmed" if cell.confirmations else "no trial has figures"
            return f"{name}: {what}, so there are no finals"
        if cell.further or not self.plan.study.seeds:
            also = " and their confirmations" if cell.confirmations else ""
            return f"{name}: all {len(cell.trials)} trials{also} have ended"
        if not figures:
            return f"{name}: no final run ended with figures"
        mean = sum(figures) / len(figures)
        return f"{name}: {mean:.2f} % on the test set, mean of {len(figures)} of {len(runs)} seeds"

    def as_json(self) -> Mapping[str, Any]:
        """As progress.json has it. Times are seconds since 1970."""
        return {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started": self.started,
            "updated": time.time(),
            "workers": self.workers,
            "running": [{"id": t.id, "label": t.label, "since": since} for t, since in
                        self.running],
            "scenarios": self._scenarios(),
            "failures": list(self.failures),
            "best": {where: {"accuracy": a, "label": label} for where, (a, label) in
                     self.best.items()},
            "seconds_left": self.seconds_left,
        }  # fmt: skip

    def _scenarios(self) -> dict[str, dict[str, int]]:
        """Runs that are planned, done and failed in each scenario; one that two cells have in
        common is there twice in all of them."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for share in self.plan.shares:
            found[share.cell.place.where]["planned"] += share.runs
        for cell in self.plan.every:
            for task in cell.tasks:
                if (run := self.plan.done(task)) is not None:
                    found[cell.place.where]["done" if run.done else "failed"] += 1
        return {where: {word: n[word] for word in STATES} for where, n in found.items()}


class Estimate(NamedTuple):
    """Worker seconds that are left: `measured` by runs of the same cell, else of the same method,
    `usual` by what the method took in the study kept with the package, perhaps on another machine;
    and of how many runs nothing is known."""

    measured: float
    usual: float
    unknown: int


def estimate(plan: StudyPlan) -> Estimate:
    """How long the rest will take, by what a pass took."""
    costs: dict[object, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for cell in plan.every:
        for task in cell.tasks:
            run = plan.done(task)
            for key in (cell.place, cell.place.method):
                if run is not None and run.seconds is not None and run.passes is not None:
                    costs[key][0] += run.seconds
                    costs[key][1] += run.passes
    usual_costs = usual_pass_seconds()
    measured, usual, unknown = 0.0, 0.0, 0
    for share in plan.shares:
        place = share.cell.place
        runs = share.runs - sum(plan.done(task) is not None for task in share.tasks)
        passes = runs * share.passes
        known = [costs[key] for key in (place, place.method) if costs[key][1] > 0]
        if known:
            measured += passes * known[0][0] / known[0][1]
        elif place.method in usual_costs:
            usual += passes * usual_costs[place.method]
        else:
            unknown += runs
    return Estimate(measured, usual, unknown)
