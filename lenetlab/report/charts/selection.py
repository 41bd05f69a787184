"""Which methods of a chart stand out among the faint others."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from lenetlab.records.cells import Cell

Drawing = alt.LayerChart | alt.FacetChart


def choice(shown: Sequence[str]) -> alt.FieldOneOfPredicate:
    """The methods that stand out. A page's own script puts others in `shown`'s place."""
    return alt.FieldOneOfPredicate(field="method", oneOf=list(shown))


def when(chosen: alt.FieldOneOfPredicate, yes: float, no: float) -> Any:
    """An opacity: `yes` for those that stand out, `no` for the others."""
    return alt.when(chosen).then(alt.value(yes)).otherwise(alt.value(no))


def board(cells: Sequence[Cell]) -> str:
    """What a leaderboard's cells have in common, for a person."""
    if not cells:
        return "no cells"
    return f"scenario {cells[0].place.contest.title}"
