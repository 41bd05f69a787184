"""How often is the leader, chosen on held-out images, the best method of its scenario?

Simulated from a study's rows, for four ways to choose: the best single trial; the best recipe by
confirmation, three recipes a method with two fresh seeds each at the full budget; and then three
more seeds of the five best, by those three alone or by all five.

What is drawn: a method's true mean, from its finals' mean and its error; the noise of a seed, with
the deviation that the calm methods have in common (`analysis/comparison.py`); and how far 5 passes
on 50,000 images flatter a method, with the spread that its best trial minus its finals' mean has
beyond that noise. The second and third recipes of a method are behind its first by half of what
their trials are, for trials are picked by their luck. Wild methods are left out: drawn as Gauss's,
with deviations of ten points, they would win with accuracies that none of their runs ever had.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from markdown_table import markdown_table

from lenetlab.analysis.comparison import WILD, in_common
from lenetlab.records.cells import Cell, Results
from protocol.whole import whole

DRAWS, LEADING, RECIPES, FIVE = 4000, 12, 3, 5
WAYS = (
    "the best trial",
    "confirmation: three recipes, two fresh seeds each at the full budget",
    "and three more seeds of the five best, by those three alone",
    "… by all five seeds together",
)


@dataclass(frozen=True)
class Methods:
    """Of every method: the mean of its finals, and how far its first recipes are behind the first.
    Of all: the error of a mean, the deviation over seeds, and of what a trial says too much."""

    mean: np.ndarray
    behind: np.ndarray
    error: float
    deviation: float
    flatters: float


def calm(cells: list[Cell]) -> list[Cell]:
    """Those whose seeds lie together."""
    own = np.array([_finals(cell).var(ddof=1) for cell in cells])
    return [cell for cell, wild in zip(cells, own > WILD * np.median(own), strict=True) if not wild]


def _finals(cell: Cell) -> np.ndarray:
    return np.array([row.accuracy for row in cell.finals], dtype=float)


def measured(cells: list[Cell]) -> Methods:
    """From the rows of the calm methods of a scenario."""
    finals = np.stack([_finals(cell) for cell in cells])
    n, seeds = finals.shape
    common = in_common(finals.var(axis=1, ddof=1), [seeds - 1] * n)[1]
    trials = [sorted((a for row in cell.trials if (a := row.accuracy) is not None), reverse=True)
              for cell in cells]  # fmt: skip
    behind = np.array([[(t[min(k, len(t) - 1)] - t[0]) / 2 for k in range(RECIPES)]
                       for t in trials])  # fmt: skip
    mean = finals.mean(axis=1)
    leading = np.argsort(-mean)[:LEADING]
    flattery = (np.array([t[0] for t in trials]) - mean)[leading].var(ddof=1)
    return Methods(
        mean,
        behind,
        math.sqrt(common / seeds),
        math.sqrt(common),
        float(np.sqrt(max(flattery - common * (1 + 1 / seeds), 0.0))),
    )


def simulated(found: Methods, rng: np.random.Generator) -> Iterator[tuple[bool, float]]:
    """One study: for each way whether its leader is the best, and how much it is behind."""
    n = len(found.mean)
    recipes = rng.normal(found.mean, found.error)[:, None] + found.behind
    flattered = rng.normal(0, found.flatters, n)[:, None]
    trial = recipes + flattered + rng.normal(0, found.deviation, recipes.shape)
    yield _chosen(recipes[np.arange(n), trial.argmax(axis=1)], trial.max(axis=1))
    confirmed = recipes + rng.normal(0, found.deviation / math.sqrt(2), recipes.shape)
    kept, score = confirmed.argmax(axis=1), confirmed.max(axis=1)
    true = recipes[np.arange(n), kept]
    yield _chosen(true, score)
    best = np.argsort(-score)[:FIVE]
    fresh = true[best] + rng.normal(0, found.deviation / math.sqrt(3), FIVE)
    for last in (fresh, (2 * score[best] + 3 * fresh) / 5):
        scores = np.full(n, -np.inf)
        scores[best] = last
        yield _chosen(true, scores)


def _chosen(true: np.ndarray, score: np.ndarray) -> tuple[bool, float]:
    behind = float(true.max() - true[score.argmax()])
    return behind == 0, behind


def shares(cells: list[Cell]) -> list[tuple[float, float]]:
    """For each of `WAYS`: the share of simulated studies whose leader is the best of the calm
    `cells`, and how many points it is behind on average. All their finals are done."""
    tuned = calm([cell for cell in cells if cell.trials])
    found, rng = measured(tuned), np.random.default_rng(0)
    draws = np.array([list(simulated(found, rng)) for _ in range(DRAWS)], dtype=float)
    return [(float(best), float(behind)) for best, behind in draws.mean(axis=0)]


def leader_choice(results: Results) -> str:
    """A line for every way, a column for every leaderboard."""
    boards = [
        (contest.title, shares(whole(results.within(contest))))
        for contest in results.leaderboards()
    ]
    rows = [
        [way, *(f"{found[i][0]:.2f} ({found[i][1]:.2f})" for _, found in boards)]
        for i, way in enumerate(WAYS)
    ]
    return markdown_table(["leader by", *(f">`{title}`" for title, _ in boards)], rows) + "\n"
