"""How often do comparisons with a leader err, and what do they find? In pairs of seeds, or without?

    python benchmarks/comparison.py results/course

Simulated with the parameters of a study's rows: every method's deviation over seeds and the mean
correlation of two methods within seeds, both of the calm methods (`analysis/comparison.py`), the
wild ones with their own. Printed are the share of studies without any difference in which one is
found all the same, which may be 5 % at most, and the share in which a calm method that is 0.4
points behind is found to be. Five tests: t tests in pairs; the moderated t of all variances; that
of the calm ones, as used; and the same without pairs (Welch's), of own and of moderated variances.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import special

from lenetlab.analysis.comparison import NOISY, WILD, in_common, moderate
from lenetlab.analysis.proportions import holm
from lenetlab.records.cells import Cell
from lenetlab.records.rows import read_results
from lenetlab.records.selection import leader

DRAWS, BEHIND, LEVEL = 2000, 0.4, 0.05
# Variances and their degrees of freedom to pairs of what they then are.
Draw = Callable[[np.ndarray, int], np.ndarray]


def own(s2: np.ndarray, nu: int) -> np.ndarray:
    return np.array([(value, nu) for value in s2])


def of_all(s2: np.ndarray, nu: int) -> np.ndarray:
    """As before: the wild ones decide what all have in common, too."""
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
    "in pairs, t": lambda y: paired(y, own),
    "in pairs, moderated by all": lambda y: paired(y, of_all),
    "in pairs, moderated by the calm": lambda y: paired(y, of_calm),
    "Welch": lambda y: unpaired(y, own),
    "Welch, moderated by the calm": lambda y: unpaired(y, of_calm),
}


def show(title: str, cells: list[Cell]) -> None:
    first = leader(cells)
    ordered = sorted(cells, key=lambda cell: cell is not first)
    y = np.array([[row.accuracy for row in cell.finals] for cell in ordered], dtype=float)
    s2 = y.var(axis=1, ddof=1)
    calm = s2 <= WILD * np.median(s2)
    k, n = y.shape
    within = np.corrcoef(y[calm])[np.triu_indices(int(calm.sum()), 1)].mean()
    differences = (y[1:] - y[0]).var(axis=1, ddof=1)
    near = differences[differences <= WILD * np.median(differences)]
    d0 = [in_common(found, [n - 1] * len(found))[0] for found in (differences, near)]
    deviation = np.where(calm, np.sqrt(in_common(s2[calm], [n - 1] * int(calm.sum()))[1]), s2**0.5)
    print(f"{title}: {k} methods, {int(calm.sum())} calm with {deviation[calm][0]:.3f} points over "
          f"seeds; correlation within seeds {within:.2f}; d0 {d0[0]:.2f} of all, {d0[1]:.3g} of "
          "the calm")  # fmt: skip
    rng = np.random.default_rng(0)
    candidates = [j for j in range(1, k) if calm[j]]
    wrong, found = dict.fromkeys(TESTS, 0), dict.fromkeys(TESTS, 0)
    for _ in range(DRAWS):
        common, alone = rng.normal(0, 1, n), rng.normal(0, 1, (k, n))
        drawn = deviation[:, None] * (within**0.5 * common + (1 - within) ** 0.5 * alone)
        behind = drawn.copy()
        j = int(rng.choice(candidates))
        behind[j] -= BEHIND
        for name, test in TESTS.items():
            wrong[name] += min(test(drawn)) <= LEVEL
            found[name] += test(behind)[j - 1] <= LEVEL
    for name in TESTS:
        print(f"  {name:<32} {wrong[name] / DRAWS:6.3f} {found[name] / DRAWS:6.3f}")


def main(folder: Path) -> None:
    """Print the table of every scenario."""
    results = read_results(folder)
    for contest in results.contests():
        show(contest.title, [cell for cell in results.within(contest)
                             if cell.finals and all(row.done for row in cell.finals)])  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/course"))
