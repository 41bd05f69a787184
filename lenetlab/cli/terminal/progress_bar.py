"""Progress of runs: a bar on a terminal, one plain line per measurement elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lenetlab.cli.terminal.console import err, print_err
from lenetlab.experiments.recipe.recipe import Budget
from lenetlab.experiments.run.training import Training
from lenetlab.report.formats import number

REFRESH = 0.1  # seconds between updates of the bar


class Meter:
    """Shows every step and measurement of one run after the other."""

    def __init__(self, bar: Progress | None, runs: int, evaluations: bool) -> None:
        self._bar = bar
        self._runs = runs
        self._evaluations = evaluations
        self._begun = 0
        self._label = ""
        self._budget = ""
        self._on = "test"
        self._shown = 0.0
        self._accuracy = ""
        self._task = None if bar is None else bar.add_task("", total=1.0, facts="")

    def begin(self, label: str, budget: Budget, held_out: bool = False) -> None:
        """A run starts, measured on the test set or on held-out images."""
        self._on = "held-out" if held_out else "test"
        self._begun += 1
        count = f"[{self._begun}/{self._runs}] " if self._runs > 1 else ""
        self._label, self._budget, self._accuracy = count + label, str(budget), ""
        if self._bar is not None and self._task is not None:
            self._bar.reset(self._task, total=budget.amount, description=self._label, facts="")

    def step(self, t: Training, loss: float) -> None:
        """A step was taken; redrawn ten times a second at most."""
        if self._bar is None or self._task is None:
            return
        now = time.monotonic()
        if now - self._shown < REFRESH:
            return
        self._shown = now
        rate = "" if t.rate is None else f"  learning rate {t.rate:.3g}"
        facts = f"loss {loss:.3f}{self._accuracy}{rate}"
        self._bar.update(self._task, completed=t.position, facts=facts)

    def evaluated(self, t: Training, evaluations: list[dict[str, Any]]) -> None:
        """A measurement was taken."""
        evaluation = evaluations[-1]
        loss = t.losses[-1] if t.losses else None  # a budget may end before the first step
        self._accuracy = f"  {self._on} accuracy {evaluation['accuracy']:.2f} %"
        if self._bar is None and self._evaluations:
            print_err(
                f"{self._label}: {evaluation['at']:g} of {self._budget}, "
                f"loss of the last batch {number(loss, 4)}, "
                f"{self._on} loss {evaluation['loss']:.4f}, "
                f"{self._on} accuracy {evaluation['accuracy']:.2f} %"
            )


@contextmanager
def meter(runs: int = 1, quiet: bool = False, evaluations: bool = True) -> Iterator[Meter]:
    """A meter for `runs` runs on stderr. Without a terminal it prints a line per measurement if
    `evaluations`; if `quiet` it prints nothing."""
    if quiet or not err.is_terminal:
        yield Meter(None, runs, evaluations and not quiet)
        return
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[facts]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    ) as bar:
        yield Meter(bar, runs, evaluations)
