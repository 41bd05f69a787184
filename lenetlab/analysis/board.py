"""A leaderboard: all that a page, a paper or a table says of the methods of one scenario."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from lenetlab.analysis.clocks import one_clock
from lenetlab.analysis.comparison import Difference, compare, side
from lenetlab.analysis.cost import Cost, cost
from lenetlab.analysis.intervals import LEVEL, Summary, summarise
from lenetlab.analysis.record import RecordVerdict, records
from lenetlab.analysis.reference import carried_leader, choose_reference
from lenetlab.analysis.speed import Durations, Reached, durations, reached
from lenetlab.analysis.targets import Target, targets_on
from lenetlab.phrases import plural
from lenetlab.records.cells import Cell, Results, command_for
from lenetlab.records.contest import Contest
from lenetlab.records.finished import ended

Metric = Literal["accuracy", "loss"]
METRICS: tuple[Metric, ...] = ("accuracy", "loss")
Standing = Literal["reference", "tied", "borderline", "behind", "ahead", "untested"]


@dataclass(frozen=True)
class Line:
    """A method's line. What was not measured, or cannot be said, is None.

    rank : by the mean of the board's metric; None without finals, or where some failed.
    standing, reason : to the reference, by significance; and why it was not tested. `borderline`
        where Holm's test calls the difference real and its interval, which is true together with
        all others, has 0 in it.
    runs, failures : finals begun; and of those without figures the seed, status and reason.
    train_accuracy, train_loss : of training images at the end, means over the seeds.
    held_out : accuracy by which its recipe was chosen, in percent: the mean of its confirmations,
        else of the best trial; of single runs, their mean.
    nonzeros : of fc1 and fc2, the most that any seed has.
    tuning, training : of the whole search, confirmations too; of a final on average.
    records : whether each target is beaten.
    words, command : the recipe of the finals (of the best trial, without finals).
    """

    cell: Cell
    rank: int | None
    standing: Standing
    reason: str | None
    runs: int
    failures: tuple[str, ...]
    accuracy: Summary | None
    loss: Summary | None
    starter_average_loss: float | None
    train_accuracy: float | None
    train_loss: float | None
    held_out: float | None
    nonzeros: int | None
    reached: tuple[Reached, ...]
    tuning: Cost | None
    training: Cost | None
    difference: Difference | None
    records: tuple[RecordVerdict, ...]
    words: str | None
    command: str | None

    @property
    def name(self) -> str:
        """The method, and its variant."""
        return self.cell.place.name

    @property
    def tied(self) -> bool:
        """Whether it is the reference, or cannot be told from it."""
        return self.standing in ("reference", "tied")


@dataclass(frozen=True)
class Board:
    """The lines of one contest, the best mean first, failed and missing ones last.

    reference : what every method is compared with. chosen : how it was chosen, in words.
    led : whether it is the leader by held-out images. planned : whether a study planned the runs.
    """

    contest: Contest
    metric: Metric
    level: float
    reference: Cell | None
    chosen: str
    led: bool
    planned: bool
    lines: tuple[Line, ...]

    @property
    def scenario(self) -> str:
        """What is minimised."""
        return self.contest.scenario

    @property
    def rules(self) -> str:
        """What is allowed."""
        return self.contest.rules

    @property
    def compared(self) -> list[Line]:
        """The lines with a tested difference to the reference."""
        return [line for line in self.lines if line.difference is not None]

    @property
    def lead(self) -> Line | None:
        """The reference's line."""
        return next((line for line in self.lines if line.standing == "reference"), None)

    @property
    def measured(self) -> list[Line]:
        """The lines with a mean on the test set, the best first."""
        return [line for line in self.lines if line.accuracy is not None]

    @property
    def begun(self) -> list[Line]:
        """The lines of methods with a run."""
        return [line for line in self.lines if line.cell.begun]

    @property
    def otherwise_timed(self) -> list[Line]:
        """The lines whose seconds are of another engine or device than the reference's, and are
        not compared with them."""
        found = self.reference
        return [line for line in self.begun if found and not one_clock(line.cell, found)]

    @property
    def waiting(self) -> list[str]:
        """The methods without one."""
        return [line.name for line in self.lines if not line.cell.begun]


def board(
    results: Results,
    contest: Contest,
    metric: Metric = "accuracy",
    against: str | None = None,
    level: float = LEVEL,
    targets: Sequence[Target] | None = None,
) -> Board:
    """The leaderboard of `contest`, compared in `metric` with `against`: a method's name, or None
    for the leader by held-out images; without trials the first method of the study, or of single
    runs the one with the most seeds. The best on the test set is never what the others are
    compared with: it was chosen by its luck. `targets` are those of the problem unless given."""
    targets = targets_on(contest.problem) if targets is None else targets
    cells = results.within(contest)
    first = carried_leader(results, contest, cells)
    reference, chosen, led = choose_reference(cells, against, results.planned, first)
    differences, reasons = _tests(cells, reference, metric, level)
    reasons = [
        _too_slow(results, cell) or reason for cell, reason in zip(cells, reasons, strict=True)
    ]
    theirs = durations(reference.finals if reference else (), targets)
    untimed = [{**each, "seconds": {}, "cpu_seconds": {}} for each in theirs]
    lines = []
    for cell, difference, reason in zip(cells, differences, reasons, strict=True):
        standing = _standing(cell is reference, difference, metric, level)
        known = _held_out(results, cell)
        timed = reference is None or one_clock(cell, reference)
        to = theirs if timed else untimed
        lines.append(_line(cell, known, to, standing, difference, reason, level, targets))
    ranked = _ranked(_with_records(lines, targets), metric)
    return Board(contest, metric, level, reference, chosen, led, results.planned, ranked)


def boards_of(results: Results) -> list[Board]:
    """Every leaderboard of a study."""
    return [board(results, contest) for contest in results.leaderboards()]


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are known."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _held_out(results: Results, cell: Cell) -> float | None:
    """What the recipe was chosen by. Of single runs, which differ in their seed alone, the mean:
    the best of them would be the luckiest. Where a study confirms, nothing until it has: a trial is
    of another budget."""
    if not results.planned:
        return _mean(row.accuracy for row in cell.trials)
    stages, runs = results.stages, cell.held_out
    if stages.confirm and len(runs) < stages.confirm_seeds:
        return None
    return _mean(row.accuracy for row in runs)


def _tests(
    cells: Sequence[Cell], reference: Cell | None, metric: Metric, level: float
) -> tuple[list[Difference | None], list[str | None]]:
    """Every cell's difference to the reference, or why there is none."""
    base = by_seed(reference, metric) if reference is not None else {}
    reasons = [_untested(cell, reference, base, metric) for cell in cells]
    places = [i for i, reason in enumerate(reasons) if reason is None]
    tested = compare(base, [by_seed(cells[i], metric) for i in places], level)
    differences: list[Difference | None] = [None] * len(cells)
    for i, difference in zip(places, tested, strict=True):
        differences[i] = difference
        if difference is None:
            reasons[i] = "every seed differs by the same amount: its error is unknown"
    return differences, reasons


def _untested(
    cell: Cell, reference: Cell | None, base: dict[int, float], metric: Metric
) -> str | None:
    """Why `cell` is not compared; empty for the reference itself, None if it is compared."""
    if cell is reference:
        return ""
    if failures := _failures(cell):
        return f"{len(failures)} of {len(cell.finals)} runs failed"
    if not cell.finals:
        return "no run on the test set"
    if reference is None or not reference.finals:
        return "the reference has no run on the test set"
    if _failures(reference):
        return f"runs of {reference.place.name} failed"
    common = len(set(base) & set(by_seed(cell, metric)))
    if common < 2:
        return f"{common or 'no'} {plural(common, 'seed')} in common; two are needed"
    return None


def _too_slow(results: Results, cell: Cell) -> str | None:
    """Why a cell has trials alone, where a whole one would take too long."""
    if (seconds := results.too_slow(cell)) is None or results.cell_limit is None:
        return None
    return (
        f"trials alone: all of it would take {seconds / 60:,.0f} minutes of a core, more than "
        f"the {results.cell_limit / 60:g} of this study"
    )


def by_seed(cell: Cell, metric: Metric) -> dict[int, float]:
    """The metric of the finals that have figures."""
    return {row.seed: float(getattr(row, metric)) for row in cell.finals if row.done}


def _failures(cell: Cell) -> tuple[str, ...]:
    return tuple(
        f"seed {row.seed}: {ended(row.status, row.reason)}" for row in cell.finals if not row.done
    )


def _standing(
    is_reference: bool, difference: Difference | None, metric: Metric, level: float
) -> Standing:
    if is_reference:
        return "reference"
    if difference is None:
        return "untested"
    found = side(difference.low, difference.high, difference.adjusted, level)
    if found == "tied" or found == "borderline":
        return found
    return "ahead" if (found == "above") == (metric == "accuracy") else "behind"


def _line(
    cell: Cell,
    held_out: float | None,
    theirs: Sequence[Durations],
    standing: Standing,
    difference: Difference | None,
    reason: str | None,
    level: float,
    targets: Sequence[Target],
) -> Line:
    done = [row for row in cell.finals if row.done]
    accuracy = [float(row.accuracy) for row in done if row.accuracy is not None]
    nonzeros = [row.nonzeros for row in done if row.nonzeros is not None]
    best, failures = cell.best, _failures(cell)
    shown = min(cell.finals, key=lambda row: row.seed) if cell.finals else best
    return Line(
        cell=cell,
        rank=None,
        standing=standing,
        reason=reason or None,
        runs=len(cell.finals),
        failures=failures,
        accuracy=summarise(accuracy, level),
        loss=summarise([float(row.loss) for row in done if row.loss is not None], level),
        starter_average_loss=_mean(row.starter_average_loss for row in done),
        train_accuracy=_mean(row.train_accuracy for row in done),
        train_loss=_mean(row.train_loss for row in done),
        held_out=held_out,
        nonzeros=max(nonzeros, default=None),
        reached=reached(cell.finals, theirs, targets),
        tuning=cost(cell.search),
        training=cost(done, len(done)),
        difference=difference,
        records=(),
        words=shown.recorded.words() if shown else None,
        command=command_for(cell.finals or (shown,)) if shown else None,
    )


def tries(lines: Sequence[Line], metric: Metric) -> list[tuple[list[float], int]]:
    """For the rule of records: every line's figures, and how many of its runs have none."""
    return [
        ([float(getattr(row, metric)) for row in line.cell.finals if row.done], len(line.failures))
        for line in lines
    ]


def _with_records(lines: Sequence[Line], targets: Sequence[Target]) -> list[Line]:
    """Every line's verdicts; the methods with finals are those that try the targets."""
    tried = [line for line in lines if line.cell.finals]
    if not targets:
        return list(lines)
    values = tries(tried, "accuracy")
    found = zip(*(records(values, target.accuracy) for target in targets), strict=True)
    verdicts = {id(line): judged for line, judged in zip(tried, found, strict=True)}
    return [replace(line, records=tuple(verdicts.get(id(line), ()))) for line in lines]


def _ranked(lines: Sequence[Line], metric: Metric) -> tuple[Line, ...]:
    """In order, and with ranks; equal means share one. What was not measured on the test set comes
    last, by its accuracy on held-out images."""

    def mean(line: Line) -> float:
        summary: Summary | None = getattr(line, metric)
        assert summary is not None
        return -summary.mean if metric == "accuracy" else summary.mean

    measured = [line for line in lines if line.accuracy is not None]
    whole = sorted((line for line in measured if not line.failures), key=mean)
    partly = sorted((line for line in measured if line.failures), key=mean)
    values = [mean(line) for line in whole]
    ranked = [replace(line, rank=values.index(mean(line)) + 1) for line in whole]
    others = sorted((line for line in lines if line.accuracy is None),
                    key=lambda line: -math.inf if line.held_out is None else line.held_out,
                    reverse=True)  # fmt: skip
    return (*ranked, *partly, *others)
