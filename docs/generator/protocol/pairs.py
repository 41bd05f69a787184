"""How often do comparisons with a leader err, and what do they find? In pairs of seeds, or without?

Simulated with the parameters of a study's rows: every method's deviation over seeds and the mean
correlation of two methods within seeds, both of the calm methods (`analysis/comparison.py`), the
wild ones with their own. Printed are the share of studies without any difference in which one is
found all the same, which may be 5 % at most, and the share in which a calm method that is 0.4
points behind is found to be. Five tests: t tests in pairs; the moderated t of all variances; that
of the calm ones, as used; and the same without pairs (Welch's), of own and of moderated variances.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from markdown_table import markdown_table
from scipy import special

from lenetlab.analysis.comparison import NOISY, WILD, in_common, moderate
from lenetlab.analysis.proportions import holm
from lenetlab.records.cells import Cell, Results
from lenetlab.records.selection import leader
from protocol.whole import whole

DRAWS, BEHIND, ALPHA = 2000, 0.4, 0.05
# Variances and their degrees of freedom to pairs of what they then are.
Draw = Callable[[np.ndarray, int], np.ndarray]


def own(s2: np.ndarray, nu: int) -> np.ndarray:
    return np.array([(value, nu) for value in s2])


def of_all(s2: np.ndarray, nu: int) -> np.ndarray:
    """Without a border: the wild ones decide what all have in common, too."""
    d0, common = in_common(s2.tolist(), [nu] * len(s2))
    weight = np.where(s2 <= NOISY * common, min(d0, nu), 0.0)
    return np.column_stack([(weight * common + nu * s2) / (weight + nu), weight + nu])


def of_calm(s2: np.ndarray, nu: int) -> np.ndarray:
    return np.array(moderate(s2.tolist(), [nu] * len(s2)))


def paired(y: np.ndarray, draw: Draw) -> list[float]:
    """Holm's p of every row of `y` (methods, seeds) against the first."""
    d, n = y[1:] - y[0], y.shape[1]
    s2, df = draw(d.var(axis=1, ddof=1), n - 1).T
    return holm((2 * special.stdtr(df, -np.abs(d.mean(axis=1)) / np.sqrt(s2 / n))).tolist())


def unpaired(y: np.ndarray, draw: Draw) -> list[float]:
    n = y.shape[1]
    s2, df = draw(y.var(axis=1, ddof=1), n - 1).T
    both = s2[1:] + s2[0]
    freedom = both**2 / (s2[1:] ** 2 / df[1:] + s2[0] ** 2 / df[0])
    t = np.abs(y[1:].mean(axis=1) - y[0].mean()) / np.sqrt(both / n)
    return holm((2 * special.stdtr(freedom, -t)).tolist())


TESTS: dict[str, Callable[[np.ndarray], list[float]]] = {
    "in pairs, each its own variance": lambda y: paired(y, own),
    "in pairs, drawn together by all methods": lambda y: paired(y, of_all),
    "**in pairs, drawn together by the calm** (used)": lambda y: paired(y, of_calm),
    "Welch's, each its own variance": lambda y: unpaired(y, own),
    "Welch's, drawn together by the calm": lambda y: unpaired(y, of_calm),
}


@dataclass(frozen=True)
class Spread:
    """What the finals of a scenario say: methods, the calm ones among them (a mask), everybody's
    deviation over seeds in points, the correlation of calm methods within seeds, and d₀ of the
    differences from the leader, of all of them and of the calm ones."""

    calm: np.ndarray
    deviation: np.ndarray
    seeds: int
    correlation: float
    freedom_of_all: float
    freedom_of_calm: float


def spread(cells: list[Cell]) -> Spread:
    """From the rows of a scenario's whole cells."""
    first = leader(cells)
    ordered = sorted(cells, key=lambda cell: cell is not first)
    y = np.array([[row.accuracy for row in cell.finals] for cell in ordered], dtype=float)
    n, s2 = y.shape[1], y.var(axis=1, ddof=1)
    calm = s2 <= WILD * np.median(s2)
    within = np.corrcoef(y[calm])[np.triu_indices(int(calm.sum()), 1)].mean()
    differences = (y[1:] - y[0]).var(axis=1, ddof=1)
    near = differences[differences <= WILD * np.median(differences)]
    d0 = [in_common(found, [n - 1] * len(found))[0] for found in (differences, near)]
    deviation = np.where(calm, np.sqrt(in_common(s2[calm], [n - 1] * int(calm.sum()))[1]), s2**0.5)
    return Spread(calm, deviation, n, float(within), *d0)


def rates(found: Spread) -> dict[str, tuple[float, float]]:
    """Of each of `TESTS`: the share of studies without a difference that find one, and of those
    that find a calm method that is behind."""
    rng, k, n = np.random.default_rng(0), len(found.deviation), found.seeds
    candidates = [j for j in range(1, k) if found.calm[j]]
    within, deviation = found.correlation, found.deviation[:, None]
    wrong, right = dict.fromkeys(TESTS, 0), dict.fromkeys(TESTS, 0)
    for _ in range(DRAWS):
        common, alone = rng.normal(0, 1, n), rng.normal(0, 1, (k, n))
        drawn = deviation * (within**0.5 * common + (1 - within) ** 0.5 * alone)
        behind = drawn.copy()
        j = int(rng.choice(candidates))
        behind[j] -= BEHIND
        for name, test in TESTS.items():
            wrong[name] += min(test(drawn)) <= ALPHA
            right[name] += test(behind)[j - 1] <= ALPHA
    return {name: (wrong[name] / DRAWS, right[name] / DRAWS) for name in TESTS}


def spreads(results: Results) -> dict[str, Spread]:
    """Of every scenario, by its title."""
    return {contest.title: spread(whole(results.within(contest))) for contest in results.contests()}


def spread_table(found: Mapping[str, Spread]) -> str:
    """A line for every scenario."""
    heads = ["scenario", ">methods", ">calm", ">their deviation over seeds, points",
             ">correlation within seeds", ">d₀, of all", ">d₀, of the calm"]  # fmt: skip
    rows = [
        [f"`{title}`", str(len(one.calm)), str(int(one.calm.sum())),
         f"{one.deviation[one.calm][0]:.2f}", f"{one.correlation:.2f}",
         _freedom(one.freedom_of_all), _freedom(one.freedom_of_calm)]
        for title, one in found.items()
    ]  # fmt: skip
    return markdown_table(heads, rows) + "\n"


def _freedom(d0: float) -> str:
    return "∞" if np.isinf(d0) else f"{d0:.1f}"


def rate_table(found: Mapping[str, Spread]) -> str:
    """A line for every test, two columns for every scenario."""
    simulated = [rates(one) for one in found.values()]
    heads = ["test, all with Holm's correction"]
    for title in found:
        heads += [f">`{title}`: false", ">found"]
    rows = []
    for name in TESTS:
        shares = [one[name] for one in simulated]
        rows.append(
            [name, *(f for wrong, right in shares for f in (f"{wrong:.3f}", f"{right:.2f}"))]
        )
    return markdown_table(heads, rows) + "\n"
