"""How sure the leaders are of being the best of their boards, by the finals that there are.

A leader is fixed on held-out images, and the finals decide nothing; but they say how it went. Drawn
is the mean of every method whose finals are all done, by Student's t about its finals' mean: a flat
prior, each method by itself, of the recipe that it has.
"""

import numpy as np
from markdown_table import markdown_table

from lenetlab.records.cells import Cell, Results
from lenetlab.records.selection import leader
from protocol.whole import whole

DRAWS = 100_000


def shares(cells: list[Cell]) -> np.ndarray:
    """For each cell the share of draws in which its mean is the highest."""
    rng = np.random.default_rng(0)
    finals = [np.array([row.accuracy for row in cell.finals], dtype=float) for cell in cells]
    drawn = np.stack([
        y.mean() + y.std(ddof=1) / len(y) ** 0.5 * rng.standard_t(len(y) - 1, DRAWS)
        for y in finals
    ])  # fmt: skip
    return np.bincount(drawn.argmax(axis=0), minlength=len(cells)) / DRAWS


def leaders_now(results: Results) -> list[tuple[str, float, str, float]]:
    """For every leaderboard with a leader whose finals are done: its title and the leader's share;
    who has the largest share, and that."""
    said = []
    for contest in results.leaderboards():
        cells = results.within(contest)
        first, compared = leader(cells), whole(cells)
        if first is None or first not in compared or len(compared) < 2:
            continue
        found = shares(compared)
        best, own = int(found.argmax()), found[compared.index(first)]
        said.append((contest.title, float(own), compared[best].place.name, float(found[best])))
    return said


def leader_now(results: Results) -> str:
    """A line for every leaderboard."""
    leaders = {c.title: leader(results.within(c)) for c in results.leaderboards()}
    rows = [
        [f"`{title}`", f"`{first.place.name}`" if (first := leaders[title]) else "–", f"{own:.2f}",
         f"`{best}`", f"{share:.2f}"]
        for title, own, best, share in leaders_now(results)
    ]  # fmt: skip
    heads = ["board", "leader", ">the best, by its finals", "likeliest to be the best", ">"]
    return markdown_table(heads, rows) + "\n"
