"""How far another search of the same price moves a mean: what no interval over seeds has."""

from itertools import chain
from math import sqrt

from scipy import stats

from lenetlab.analysis.luck import Luck, luck, pooled_spread
from lenetlab.phrases import count, joined
from lenetlab.records.cells import Results
from lenetlab.report.formats import two


def searched_again(course: Results | None) -> list[Luck]:
    """The cells that have more than one search."""
    return [] if course is None else list(chain(*(luck(course, c) for c in course.contests())))


def within_luck(course: Results | None) -> float | None:
    """Points that may lie between the recipes of two searches: two deviations of a difference."""
    spread = pooled_spread(searched_again(course))
    return None if spread is None else 2 * sqrt(2) * spread


def said(course: Results | None) -> str:
    """In a sentence or two: what was measured, and what follows for two recipes."""
    found, limit = searched_again(course), within_luck(course)
    spread = pooled_spread(found)
    if spread is None or limit is None:
        return "How far another search would move a mean was not measured."
    where = joined([f"`{scenario}`" for scenario in
                    dict.fromkeys(one.cell.place.scenario for one in found)])  # fmt: skip
    widest = max(found, key=lambda one: one.range)
    freedom = sum(len(one.known) - 1 for one in found)
    low, high = (sqrt(freedom / stats.chi2.ppf(q, freedom)) * spread for q in (0.975, 0.025))
    return (
        f"Of {count(len(found), 'method')} in {where} that were searched {len(found[0].means)} "
        f"times, at the same price and confirmed by the same seeds, the confirmed means have a "
        f"deviation of {two(spread)} points from search to search (95 % interval {two(low)} to "
        f"{two(high)}; {two(widest.range)} between the best and the worst of "
        f"`{widest.cell.place.name}`). So up to {two(limit)} points between the recipes of two "
        "searches, twice the deviation of a difference, may be the searches'. Other methods and "
        "scenarios are assumed to vary as much: they were searched only once."
    )
