"""Methods ranked across problems: in each scenario, by what is ranked on every problem alone.

Two kinds of luck are told apart. An interval of a mean rank is about the seeds, on these problems:
a bootstrap that draws the seeds of every problem anew, the same for all methods (Hesterberg's
expanded percentiles, as in `intervals.bootstrap_band`). The critical difference is about the
problems: whether the order would hold on others (see `ranks`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from lenetlab.analysis.board import Metric, by_seed
from lenetlab.analysis.intervals import DRAWS, LEVEL, expanded_tail, resamples
from lenetlab.analysis.ranks import Friedman, alike, critical_difference, fewest, friedman, ranks
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import Contest


@dataclass(frozen=True)
class RankedMethod:
    """A method on all problems, in their order.

    means : of the metric; None where a run failed, which is ranked last. mean_rank : with the
        interval from `low` to `high`, None with fewer than two seeds that all methods have.
    """

    name: str
    means: tuple[float | None, ...]
    ranks: tuple[float, ...]
    mean_rank: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Ranking:
    """The methods of one scenario that have finals on all `problems`, the best mean rank first.

    contest : what the leaderboards have in common; its problem says nothing.
    difference : the critical one. groups : first and last place of those that it cannot tell apart.
    needed : problems until it could tell the best from the worst. left_out : without finals on a
        problem. seeds : common to all methods on all problems.
    """

    contest: Contest
    metric: Metric
    level: float
    problems: tuple[str, ...]
    methods: tuple[RankedMethod, ...]
    test: Friedman
    difference: float
    groups: tuple[tuple[int, int], ...]
    needed: int
    left_out: tuple[str, ...]
    seeds: int

    @property
    def title(self) -> str:
        """As of a leaderboard, without the problem."""
        return self.contest._replace(problem=DEFAULT).title


def rankings(results: Results, metric: Metric = "accuracy") -> list[Ranking]:
    """One for every scenario that has leaderboards on two problems or more with two methods or more
    in common."""
    boards: dict[Contest, list[Contest]] = {}
    for contest in results.leaderboards():
        boards.setdefault(contest._replace(problem=""), []).append(contest)
    found = (_ranking(results, shared, contests, metric)
             for shared, contests in boards.items() if len(contests) > 1)  # fmt: skip
    return [one for one in found if one is not None]


def _ranking(
    results: Results, shared: Contest, contests: Sequence[Contest], metric: Metric
) -> Ranking | None:
    cells = [{cell.place.name: cell for cell in results.within(contest)} for contest in contests]
    finals = [{name for name, cell in here.items() if cell.finals} for here in cells]
    named = list(dict.fromkeys(name for here in cells for name in here))
    names = [name for name in named if all(name in here for here in finals)]
    if len(names) < 2:
        return None
    sign = 1.0 if metric == "accuracy" else -1.0
    means = [[_mean(here[name], metric) for name in names] for here in cells]
    scores = [[-np.inf if mean is None else sign * mean for mean in here] for here in means]
    ranked = ranks(scores)
    bounds, seeds = _intervals([[here[name] for name in names] for here in cells], metric)
    average = ranked.mean(axis=0)
    order = sorted(range(len(names)), key=lambda j: float(average[j]))
    difference = critical_difference(len(names), len(contests))
    return Ranking(
        contest=shared,
        metric=metric,
        level=LEVEL,
        problems=tuple(contest.problem for contest in contests),
        methods=tuple(
            RankedMethod(
                names[j],
                tuple(here[j] for here in means),
                tuple(float(rank) for rank in ranked[:, j]),
                float(average[j]),
                None if bounds is None else float(bounds[0][j]),
                None if bounds is None else float(bounds[1][j]),
            )
            for j in order
        ),
        test=friedman(ranked),
        difference=difference,
        groups=tuple(alike([float(average[j]) for j in order], difference)),
        needed=fewest(len(names)),
        left_out=tuple(name for name in named if name not in names),
        seeds=seeds,
    )


def _values(cell: Cell, metric: Metric) -> Mapping[int, float]:
    """By seed; empty where a run failed."""
    return by_seed(cell, metric) if all(row.done for row in cell.finals) else {}


def _mean(cell: Cell, metric: Metric) -> float | None:
    values = _values(cell, metric)
    return fmean(values.values()) if values else None


def _intervals(
    cells: Sequence[Sequence[Cell]], metric: Metric
) -> tuple["np.ndarray[Any, np.dtype[np.float64]] | None", int]:
    """Ends (2, methods) of the intervals of mean ranks, and how many seeds they are from; a method
    whose runs failed on a problem is last there in every draw."""
    sign = 1.0 if metric == "accuracy" else -1.0
    drawn, fewest_seeds = [], None
    for number, here in enumerate(cells):
        values = [_values(cell, metric) for cell in here]
        common = sorted(set.intersection(*(set(one) for one in values if one)) if any(values)
                        else set())  # fmt: skip
        n = len(common)
        fewest_seeds = n if fewest_seeds is None else min(n, fewest_seeds)
        if n < 2:
            return None, n
        y = np.asarray([[sign * one[seed] if one else -np.inf for seed in common]
                        for one in values])  # fmt: skip
        weights = resamples(n, DRAWS, number)
        means = np.full((DRAWS, len(here)), -np.inf)
        whole = np.isfinite(y).all(axis=1)
        means[:, whole] = weights @ y[whole].T / n
        drawn.append(ranks(means))  # type: ignore[arg-type]
    tail = expanded_tail(fewest_seeds or 2)
    return np.quantile(np.mean(drawn, axis=0), [tail, 1 - tail], axis=0), fewest_seeds or 0
