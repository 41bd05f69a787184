"""What `lenetlab study` prints: the plan, how it goes, what came of it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.text import Text

from lenetlab.cli.terminal.console import err, print_err, print_json, print_out
from lenetlab.cli.terminal.duration import duration
from lenetlab.disk import replace_json
from lenetlab.experiments.study.pending import Failure, StudyPlan
from lenetlab.experiments.study.stages import CellPlan
from lenetlab.experiments.study.status import Status, estimate
from lenetlab.phrases import count
from lenetlab.records.finished import ended
from lenetlab.records.progress import PROGRESS

EVERY = 1.0  # seconds between two states of progress.json
SHOWN = 20  # failures that are listed one by one


def print_plan(plan: StudyPlan, workers: int, quiet: bool) -> None:
    """How much there is to do, before anything is done."""
    if quiet:
        return

    study = plan.study
    done = sum(plan.done(task) is not None for cell in plan.every for task in cell.tasks)
    left = estimate(plan)
    parts = [count(len(plan.cells), "cell")]
    if study.tune:
        parts.append(f"{count(study.tune.tried, 'trial')} of {study.tune.passes:g} passes")
    if study.seeds:
        parts.append(f"{count(study.seeds, 'seed')} of {study.passes:g} passes")
    print_err(f"{study.title}: {', '.join(parts)}")
    for line in _stages(plan):
        print_err(f"  {line}")
    seconds = (left.measured + left.usual) / workers
    takes = [duration(seconds)] if seconds or not left.unknown else []
    takes += [f"{count(left.unknown, 'run')} of unknown length"] if left.unknown else []
    by = "; by what the methods took in the package's own study" if left.usual else ""
    print_err(
        f"{count(plan.runs, 'run')}, {done:,} done; estimated time with "
        f"{count(workers, 'worker')}: {' and '.join(takes)}{by}"
    )
    for broken in plan.store.aside:
        print_err(f"{broken}; its run is computed again")


def _stages(plan: StudyPlan) -> Iterator[str]:
    """A line a stage: runs, how many of them are done, effective passes."""
    stages: dict[str, list[float]] = {}
    for share in plan.shares:
        runs, ended, passes = stages.get(share.stage, (0, 0, 0.0))
        ended += sum(plan.done(task) is not None for task in share.tasks)
        stages[share.stage] = [runs + share.runs, ended, passes + share.runs * share.passes]
    for stage, (runs, ended, passes) in stages.items():
        if runs and len(stages) > 1:
            yield f"{stage}: {runs:,.0f} runs, {ended:,.0f} done; {passes:,.6g} passes in all"


@contextmanager
def live(folder: Path, quiet: bool) -> Iterator[Callable[[Status, str | None], None]]:
    """Shows the state on a terminal, a line per complete cell elsewhere; keeps progress.json."""
    written = float("-inf")
    shown = Live(console=err, transient=True) if err.is_terminal and not quiet else None

    def notify(status: Status, line: str | None) -> None:
        nonlocal written
        if time.monotonic() - written >= EVERY:
            written = time.monotonic()
            replace_json(folder / PROGRESS, status.as_json())
        if line is not None and not quiet:
            print_err(line)
        if shown is not None:
            shown.update(_panel(status))

    try:
        if shown is None:
            yield notify
        else:
            with shown:
                yield notify
    finally:
        (folder / PROGRESS).unlink(missing_ok=True)


def _panel(status: Status) -> Text:
    left = status.seconds_left
    text = Text.assemble(
        (f"{status.done:,} of {status.plan.runs:,} runs", "bold"),
        (f", {status.failed} failed" if status.failed else "", "red"),
        f", time left {'unknown' if left is None else duration(left)}",
    )
    now = time.time()
    for task, since in status.running:
        text.append(f"\n  {task.label[:90]}  {duration(now - since)}")
    for scenario, (accuracy, label) in status.best.items():
        text.append(f"\n  best on held-out images, {scenario}: {accuracy:.2f} % {label}")
    return text


def describe(plan: StudyPlan, json: bool) -> bool:
    """What came of the study; whether every cell has finals with figures."""
    failures = list(plan.failures())
    missing = sum(plan.done(task) is None for cell in plan.every for task in cell.tasks)
    without = []
    for cell in plan.cells:
        runs = [plan.store.get(task.id) for task in cell.finals]
        if not any(run is not None and run.done for run in runs):
            without.append(cell)
    if json:
        print_json(_plain(plan, failures, without))
        return not without
    for cell, task, run in failures[:SHOWN]:
        place = cell.place
        how = ended(run.status, run.reason)
        print_err(f"{place.name} in {place.where}, {task.role} {task.number}: {how}")
    if len(failures) > SHOWN:
        err.print(f"and {len(failures) - SHOWN} more; --json lists them all")
    if failures:
        err.print(f"{count(len(failures), 'run')} ended without figures; --retry tries again")
    if not missing:
        for cell in without:
            place = cell.place
            err.print(f"{place.name} in {place.where} has no finals with figures")
    print_out(f"results in {plan.results}")
    if not missing:
        for what in ("compare", "report"):
            print_out(f"  lenetlab {what} {plan.results}")
    return not without


def _plain(plan: StudyPlan, failures: Sequence[Failure], without: Sequence[CellPlan]) -> Any:
    return {
        "study": plan.study.name,
        "planned": plan.runs,
        "done": sum(task.id in plan.store for cell in plan.every for task in cell.tasks),
        "failed": [
            {**_place(cell), "run": f"{task.role} {task.number}", "status": run.status,
             "reason": run.reason}
            for cell, task, run in failures
        ],
        "without_finals": [_place(cell) for cell in without],
        "results": str(plan.results),
    }  # fmt: skip


def _place(plan: CellPlan) -> dict[str, str]:
    place = plan.place
    return {"cell": place.name, "scenario": place.scenario, "problem": place.problem}
