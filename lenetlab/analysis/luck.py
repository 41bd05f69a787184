"""How much of a method's result is luck of the search: it is searched again by other points.

Seeds say how one recipe's results spread. Another search of the same price finds another recipe;
how far the confirmed means of several searches lie apart is luck that no number of seeds shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import Contest


@dataclass(frozen=True)
class Luck:
    """A method that was searched several times.

    means : held-out accuracy in percent of the recipe that each search chose, the mean of its
        confirmations; the first search is the one whose recipe the finals have.
    """

    cell: Cell
    means: tuple[float | None, ...]

    @property
    def spread(self) -> float:
        """Standard deviation over the searches."""
        return stdev(self.known)

    @property
    def range(self) -> float:
        """The best minus the worst."""
        return max(self.known) - min(self.known)

    @property
    def known(self) -> list[float]:
        """Those there are."""
        return [mean for mean in self.means if mean is not None]


def luck(results: Results, contest: Contest) -> list[Luck]:
    """The methods of a leaderboard that were searched more than once, in the order of the study; of
    a search without a recipe there is no mean."""
    found = []
    for cell in results.within(contest):
        place = cell.place
        again = [one for one in results.searches
                 if (one.place.method, one.place.variant, one.place.contest)
                 == (place.method, place.variant, place.contest)]  # fmt: skip
        one = Luck(cell, tuple(_mean(each) for each in (cell, *again)))
        if len(one.known) > 1:
            found.append(one)
    return found


def pooled_spread(lucks: Sequence[Luck]) -> float | None:
    """One standard deviation for all methods, weighed by their degrees of freedom; None without
    any."""
    if not lucks:
        return None
    freedom = [len(one.known) - 1 for one in lucks]
    squares = (n * one.spread**2 for n, one in zip(freedom, lucks, strict=True))
    return sqrt(sum(squares) / sum(freedom))


def _mean(cell: Cell) -> float | None:
    if not cell.confirmations:
        return None
    known = [row.accuracy for row in cell.held_out if row.accuracy is not None]
    return fmean(known) if known else None
