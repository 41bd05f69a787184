"""What matrix steps are worth."""

from dataclasses import replace
from functools import partial

from findings import clock
from findings.finding import Finding, missing
from findings.group import COURSE, group, of_family, passes_and_seconds
from findings.sources import Sources

KEY = "matrix"


def finding(sources: Sources) -> Finding:
    """The whole family against SGD; who holds norms as well is named."""
    found = group(sources.course, of_family(sources.course, "matrix"))
    if found is None:
        return missing(KEY, "What matrix steps are worth", COURSE)
    places = {line.name: line.cell.place for line in found.board.lines}
    bound = [f"`{one.name}`" for one in found.effects if places[one.name].norms != "free"]
    last = (
        [f"{', '.join(bound)} also holds the norms of weights, which is a help of its own "
         "([norm control](#norms))."] if bound else []
    )  # fmt: skip
    timed = clock.made_for(sources.ladder.values(), [one.name for one in found.effects])
    last += [said] if (said := clock.said(timed)) else []
    made = passes_and_seconds(KEY, "methods with matrix steps", found, last)
    more = {"Accuracy against CPU time of budgets": partial(clock.figure, timed)} if timed else {}
    return replace(made, figures={**made.figures, **more})
