"""Which methods of a chart stand out: chosen in the legend of a page, fixed on paper."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from lenetlab.results import Cell

Drawing = alt.LayerChart | alt.FacetChart


def choice(shown: Sequence[str], interactive: bool) -> Any:
    """What selects the methods that stand out, `shown` at first: a click on the legend (with
    shift: one more) where the chart is interactive."""
    if interactive:
        start: Any = [{"method": name} for name in shown]
        return alt.selection_point(name="chosen", fields=["method"], bind="legend", value=start)
    return alt.FieldOneOfPredicate(field="method", oneOf=list(shown))


def when(chosen: Any, yes: float, no: float) -> Any:
    """An opacity: `yes` for those that stand out, `no` for the others."""
    return alt.when(chosen).then(alt.value(yes)).otherwise(alt.value(no))


def board(cells: Sequence[Cell]) -> str:
    """What a leaderboard's cells have in common, for a person."""
    if not cells:
        return "no cells"
    place = cells[0].place
    return f"scenario {place.scenario}" + ("" if place.rules == "strict" else f", {place.rules}")
