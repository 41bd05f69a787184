"""How often is the leader that a study fixes the best method, and what do more seeds bring?

By simulation: methods, their spread over seeds and how far their three best trials lie apart are
those of stored rows; the true level of a recipe is its method's mean plus half of that distance and
a normal deviation. What is compared: the best single trial; confirmation with two seeds; three more
seeds for the five best, alone or together with the two.

    python benchmarks/leader_choice.py [FOLDER] [--n 20000]
"""

import argparse
from pathlib import Path

import numpy as np

from lenetlab.records.rows import Cell, read_results
from lenetlab.records.selection import best_first

BEST, CONFIRM, LEADERS = 3, 2, (5, 3)
WILD = 0.5  # points; a method that spreads more is taken to spread so much
APART = 0.08  # points by which recipes of one method differ besides


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="results/course", type=Path)
    parser.add_argument("--n", default=20_000, type=int)
    given = parser.parse_args()
    results = read_results(given.folder)
    print(f"{'':12}{'the leader is the best':>50}\n{'scenario':12}{'methods':>8}"
          f"{'trial':>10}{'2 seeds':>10}{'3 more':>10}{'all 5':>10}")  # fmt: skip
    for contest in results.contests():
        cells = [cell for cell in results.within(*contest) if _fit(cell)]
        if len(cells) > LEADERS[0]:
            shares = simulate(cells, given.n)
            print(f"{contest.title:12}{len(cells):8}" + "".join(f"{x:10.3f}" for x in shares))


def simulate(cells: list[Cell], n: int) -> list[float]:
    """The share of `n` studies in which each rule finds the method whose recipe is best."""
    finals = [[row.accuracy for row in cell.finals] for cell in cells]
    level = np.array([np.mean(one) for one in finals])
    spread = np.minimum([np.std(one, ddof=1) for one in finals], WILD)
    three = [[row.accuracy for row in best_first(cell.trials)[:BEST]] for cell in cells]
    gaps = np.array(three) - np.max(three, axis=1, keepdims=True)
    rng, methods = np.random.default_rng(0), np.arange(len(cells))
    (few, seeds), found = LEADERS, np.zeros(4)
    for _ in range(n):
        true = level[:, None] + gaps / 2 + APART * rng.standard_normal(gaps.shape)

        noise = spread[:, None] * rng.standard_normal((2, *gaps.shape))
        tried, again = true + noise[0], true + noise[1] / np.sqrt(CONFIRM)
        by_trial = true[methods, tried.argmax(1)]
        found[0] += tried.max(1).argmax() == by_trial.argmax()
        chosen, twice = true[methods, again.argmax(1)], again.max(1)
        best = chosen.argmax()
        found[1] += twice.argmax() == best
        top = np.argsort(-twice)[:few]
        more = chosen[top] + spread[top] * rng.standard_normal(few) / np.sqrt(seeds)
        found[2] += top[more.argmax()] == best
        pooled = CONFIRM * twice[top] + seeds * more
        found[3] += top[pooled.argmax()] == best
    return list(found / n)


def _fit(cell: Cell) -> bool:
    finals = len(cell.finals) >= 5 and all(row.done for row in cell.finals)
    return finals and len(best_first(cell.trials)) >= BEST


if __name__ == "__main__":
    main()
