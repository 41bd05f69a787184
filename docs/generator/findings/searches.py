"""How far another search of the same price moves a mean: what no interval over seeds has."""

from collections.abc import Sequence
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


def deviation(found: Sequence[Luck]) -> tuple[float, float, float] | None:
    """From search to search, in points, all of `found` together; its 95 % interval."""
    spread = pooled_spread(found)
    if spread is None:
        return None
    freedom = sum(len(one.known) - 1 for one in found)
    low, high = (sqrt(freedom / stats.chi2.ppf(q, freedom)) * spread for q in (0.975, 0.025))
    return spread, low, high


def within_luck(course: Results | None) -> float | None:
    """Points that may lie between the recipes of two searches: two deviations of a difference, each
    as large as its interval lets it be, for most methods were searched once."""
    found = deviation(searched_again(course))
    return None if found is None else 2 * sqrt(2) * found[2]


def said(course: Results | None) -> str:
    """In a sentence or two: what was measured, and what follows for two recipes."""
    found, limit = searched_again(course), within_luck(course)
    measured = deviation(found)
    if measured is None or limit is None:
        return "How far another search would move a mean was not measured."
    spread, low, high = measured
    where = joined([f"`{scenario}`" for scenario in
                    dict.fromkeys(one.cell.place.scenario for one in found)])  # fmt: skip
    widest = max(found, key=lambda one: one.range)
    return (
        f"Of {count(len(found), 'method')} in {where} that were searched {len(found[0].means)} "
        f"times, at the same price and confirmed by the same seeds, the confirmed means have a "
        f"deviation of {two(spread)} points from search to search (95 % interval {two(low)} to "
        f"{two(high)}; {two(widest.range)} between the best and the worst of "
        f"`{widest.cell.place.name}`). So up to {two(limit)} points between the recipes of two "
        "searches may be the searches': twice the deviation of a difference, by the upper end of "
        "that interval, since all other methods and scenarios, searched once, are taken to vary so."
    )
