"""Differences in pairs of equal seeds, and what they are together: above, tied, below."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean
from typing import TypeVar, get_args

from scipy import stats

from lenetlab.analysis.board import Board
from lenetlab.analysis.comparison import Difference, Side, compare, side
from lenetlab.analysis.equal_time import REFERENCE, at_equal_time, limit
from lenetlab.analysis.proportions import holm
from lenetlab.analysis.record import ALPHA
from lenetlab.records.cells import Cell

BySeed = Mapping[int, float]
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Effect:
    """What something has more than what it is compared with, in points of test accuracy.

    difference : None where nothing could be tested, for the `reason`.
    """

    name: str
    family: str
    difference: Difference | None
    reason: str = ""

    @property
    def side(self) -> Side | None:
        """What the tests say, as on a leaderboard; None where there was none."""
        d = self.difference
        return None if d is None else side(d.low, d.high, d.adjusted)


@dataclass(frozen=True)
class Split:
    """Effects that were tested, by what the tests say, the largest mean first."""

    above: tuple[Effect, ...]
    tied: tuple[Effect, ...]
    borderline: tuple[Effect, ...]
    below: tuple[Effect, ...]
    untested: tuple[Effect, ...]

    @property
    def tested(self) -> int:
        """How many were."""
        return len(self.above) + len(self.undecided) + len(self.below)

    @property
    def undecided(self) -> tuple[Effect, ...]:
        """Those of which no claim is made."""
        return (*self.tied, *self.borderline)


def split(effects: Iterable[Effect]) -> Split:
    """`effects` by what the tests say."""
    listed = list(effects)
    tested = sorted((one for one in listed if one.difference), key=_mean, reverse=True)
    sides = {side: tuple(one for one in tested if one.side == side) for side in get_args(Side)}
    return Split(**sides, untested=tuple(one for one in listed if one.difference is None))


def _mean(effect: Effect) -> float:
    assert effect.difference is not None
    return effect.difference.mean


def on_board(board: Board, names: Iterable[str]) -> list[Effect]:
    """Those of `names` that are on the board, against its reference: its own differences, which are
    corrected for everything on it."""
    lines = {line.name: line for line in board.lines}
    return [
        Effect(name, lines[name].cell.place.family, lines[name].difference,
               lines[name].reason or "")
        for name in names if name in lines
    ]  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Two cells, and what the difference of the first to the second is called."""

    name: str
    one: Cell
    other: Cell


def in_pairs(pairs: Sequence[Pair]) -> list[Effect]:
    """The first of each pair less the second, seed by seed; all tested together."""
    reasons = [_untested(pair) for pair in pairs]
    tested = [i for i, reason in enumerate(reasons) if not reason]
    found = differences([(by_seed(pairs[i].one), by_seed(pairs[i].other)) for i in tested])
    by_place = dict(zip(tested, found, strict=True))
    return [
        Effect(pair.name, pair.one.place.family, by_place.get(i), reasons[i])
        for i, pair in enumerate(pairs)
    ]


def in_groups(groups: Mapping[K, Sequence[Pair]]) -> dict[K, list[Effect]]:
    """The pairs of every group; all groups tested together."""
    found = iter(in_pairs([pair for pairs in groups.values() for pair in pairs]))
    return {key: list(islice(found, len(pairs))) for key, pairs in groups.items()}


def differences(pairs: Sequence[tuple[BySeed, BySeed]]) -> list[Difference | None]:
    """`compare` for pairs without a common reference: what each has more, against nothing."""
    more = [{seed: one[seed] - other[seed] for seed in one.keys() & other.keys()}
            for one, other in pairs]  # fmt: skip
    return compare({seed: 0.0 for each in more for seed in each}, more)


def two_samples(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> list[Difference]:
    """The first mean of each pair less the second, without a pairing of seeds: Welch's test, Holm's
    correction and Bonferroni's intervals over all of them. n : of the smaller sample."""
    tests = [stats.ttest_ind(one, other, equal_var=False) for one, other in pairs]
    adjusted = holm([float(test.pvalue) for test in tests])
    found = []
    for (one, other), test, p in zip(pairs, tests, adjusted, strict=True):
        low, high = map(float, test.confidence_interval(1 - ALPHA / len(pairs)))
        n = min(len(one), len(other))
        mean = fmean(one) - fmean(other)
        found.append(Difference(mean, low, high, float(test.pvalue), p, n, float(test.df)))
    return found


def at_equal_seconds(cells: Sequence[Cell], names: Iterable[str]) -> list[Effect]:
    """Those of `names` against plain SGD when it has come to its end and they have had as much CPU
    time, on their way or at their own end; corrected for everything on the board, as after equal
    passes."""
    seconds = limit(cells)
    if seconds is None:
        return []
    found = {at.name: at.by_seed for at in at_equal_time(cells, seconds)}
    sgd = found.pop(REFERENCE, {})
    families = {cell.place.name: cell.place.family for cell in cells}
    tested = dict(zip(found, compare(sgd, list(found.values())), strict=True))
    return [Effect(name, families[name], tested[name]) for name in names if name in tested]


def accuracies(cell: Cell) -> list[float]:
    """Of the finals that have one."""
    return list(by_seed(cell).values())


def by_seed(cell: Cell) -> dict[int, float]:
    """The same by seed."""
    return {row.seed: row.accuracy for row in cell.finals if row.accuracy is not None}


def _untested(pair: Pair) -> str:
    """Why a pair is not compared; empty if it is."""
    for cell in (pair.one, pair.other):
        if failed := sum(not row.done for row in cell.finals):
            return f"{failed} of {len(cell.finals)} runs of {cell.place.name} failed"
    common = len(by_seed(pair.one).keys() & by_seed(pair.other).keys())
    return "" if common > 1 else "fewer than two seeds in common"
