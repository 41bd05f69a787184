"""How every chart looks: a method's colour, dash and shape, and what a page or paper sets.

Charts name families' colours and no other: `config` sets the ink, so that a page changes between
light and dark by its configuration alone. The background is transparent.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import altair as alt

from lenetlab.errors import letters
from lenetlab.problem.scenarios import recorded_scenario
from lenetlab.records.cells import Results
from lenetlab.report.colours import FAMILY_COLOURS, INK

# The methods of a colour have them in turn.
DASHES = ((1, 0), (6, 3), (2, 2), (8, 2, 2, 2), (4, 4), (10, 3), (1, 3), (12, 2, 4, 2))
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down",
          "triangle-right", "triangle-left")  # fmt: skip
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
SHOWN = 7  # methods that stand out in a chart of many


@dataclass(frozen=True)
class Styles:
    """The methods of a report, the best first, and how each is drawn and called.

    families : a name's, by which it is coloured; one that is not known has a colour in turn.
    titles : what a stranger knows a method as; without one its name is shown alone.
    marked : shown at first, whatever their place.
    """

    names: tuple[str, ...]
    families: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    marked: frozenset[str] = frozenset()

    def label(self, name: str) -> str:
        """Title and name, `K-FAC (kfac)`; one of them where they differ in spelling alone."""
        title = self.titles.get(name, name)
        same = title == name or letters(title) == letters(name) != ""
        return title if same else f"{title} ({name})"

    def among_scenarios(self, name: str, scenario: str) -> str:
        """Its title where scenarios stand beside each other: `Muon with decay`."""
        decays = recorded_scenario(scenario).decays
        return f"{self.titles.get(name, name)}{' with decay' if decays else ''}"

    def colour_of(self, name: str) -> str:
        """The colour of one method."""
        return dict(zip(self.names, self._colours(), strict=True))[name]

    def colour(self, shown: Sequence[str] | None = None) -> alt.Color:
        """Colour by method, its family's; the legend names those in `shown`."""
        scale = alt.Scale(domain=list(self.names), range=self._colours())
        return alt.Color("method:N", scale=scale, title=None, legend=self._legend(shown))

    def dash(self, shown: Sequence[str] | None = None) -> alt.StrokeDash:
        """Dash by method."""
        turns = [list(DASHES[i % len(DASHES)]) for i in self._places()]
        scale = alt.Scale(domain=list(self.names), range=turns)
        return alt.StrokeDash("method:N", scale=scale, title=None, legend=self._legend(shown))

    def shape(self, shown: Sequence[str] | None = None) -> alt.Shape:
        """Shape by method; after a round of dashes they come again with other shapes."""
        turns = [SHAPES[(i + i // len(DASHES)) % len(SHAPES)] for i in self._places()]
        scale = alt.Scale(domain=list(self.names), range=turns)
        return alt.Shape("method:N", scale=scale, title=None, legend=self._legend(shown))

    def labels(self, briefly: bool = False) -> str:
        """An expression of Vega for what a legend calls a method; `briefly`, for an axis, by its
        title alone."""
        said = {name: self.titles.get(name, name) if briefly else self.label(name)
                for name in self.names}  # fmt: skip
        called = {name: text for name, text in said.items() if text != name}
        return f"{json.dumps(called)}[datum.label] || datum.label" if called else "datum.label"

    def _colours(self) -> list[str]:
        given = [FAMILY_COLOURS.get(self.families.get(name, "")) for name in self.names]
        turns = list(FAMILY_COLOURS.values())
        unknown = iter(range(len(self.names)))
        return [colour or turns[next(unknown) % len(turns)] for colour in given]

    def _places(self) -> list[int]:
        """A method's place among those of its colour."""
        seen: Counter[str] = Counter()
        places = []
        for colour in self._colours():
            places.append(seen[colour])
            seen[colour] += 1
        return places

    def _legend(self, shown: Sequence[str] | None) -> alt.Legend:
        names = [name for name in self.names if shown is None or name in shown]
        return alt.Legend(values=names, symbolLimit=0, symbolOpacity=1, labelExpr=self.labels())


def logarithmic(
    channel: alt.X,
    values: Sequence[float],
    form: str = "~g",
    gap: float = 0,
    at: Sequence[float] = (),
) -> alt.X:
    """The axis of `values` > 0 in the logarithm, its ticks `at` given places or else at round
    numbers, written in `form`; `gap` points are left free at both ends."""
    low, high = min(values, default=1.0), max(values, default=10.0)
    scale = alt.Scale(type="log", domain=[low, high], nice=False, padding=gap)
    return channel.scale(scale).axis(
        values=list(at) or ticks(low, high),
        format=form,
        # given places are all wanted: beyond its count Vega drops every other one
        labelOverlap=False if at else alt.Undefined,
        tickCount=2 * len(at) if at else alt.Undefined,
    )


def ticks(low: float, high: float) -> list[float]:
    """1, 2, 5 and their tenfolds between `low` and `high`, for a logarithmic axis, and a `high` of
    one digit that stands apart, such as a budget of 3; every digit where that gives fewer than
    four."""
    if not 0 < low <= high < math.inf:
        return []
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 10), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
        found = sorted(
            {float(f"{d}e{k}") if d != 10 else float(f"1e{k + 1}") for k in powers for d in digits}
        )
        found = [value for value in found if low * 0.999 <= value <= high * 1.001]
        if len(found) >= 4:
            apart = len(digits) > 2 and high >= 1.4 * found[-1] and float(f"{high:.0e}") == high
            return [*found, high] if apart else found
    return found if len(found) > 1 else _steps(low, high)


def _steps(low: float, high: float) -> list[float]:
    """Three to seven multiples of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / 3))
    step = next(power * d for d in (1, 2, 5, 10) if (high - low) / (power * d) < 7)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{k * step:.6g}") for k in range(first, last + 1)]


def styles(
    results: Results,
    titles: Mapping[str, str] | None = None,
    others: Sequence[Results] = (),
    marked: frozenset[str] = frozenset(),
) -> Styles:
    """The styles of a report: by mean held-out accuracy of the best trials, so that those which
    matter most look least alike; cells without trials follow in the order of the study, and then
    those that `others` alone have. `titles` are those of methods."""
    scores: dict[str, list[float]] = {}
    for cell in results.cells:
        known = scores.setdefault(cell.place.name, [])
        if cell.best is not None and cell.best.accuracy is not None:
            known.append(cell.best.accuracy)
    names = sorted(scores, key=lambda m: -fmean(scores[m]) if scores[m] else 0.0)
    families, called = {}, {}
    for place in (cell.place for some in (results, *others) for cell in some.cells):
        if place.name not in scores:
            scores[place.name] = []
            names.append(place.name)
        families[place.name] = families[place.method] = place.family
        if title := (titles or {}).get(place.method):
            called[place.method] = title
            called[place.name] = ", ".join(filter(None, (title, place.variant)))
    return Styles(tuple(names), families, called, marked)


def config(ink: str = INK, font: str = FONT, size: float = 12, columns: int = 3) -> dict[str, Any]:
    """Vega-Lite's configuration: all colours, fonts and sizes of all charts. `ink` is any colour
    of the page, `currentColor` too where charts are drawn as SVG; `columns` are the legend's."""
    words = {"labelColor": ink, "titleColor": ink, "labelFontSize": size, "titleFontSize": size,
             "labelFont": font, "titleFont": font, "titleFontWeight": "normal"}  # fmt: skip
    return {
        "background": "transparent",
        "font": font,
        "padding": 2,
        "view": {"stroke": None},
        "mark": {"color": ink},  # of what has no colour of its own
        "axis": {**words, "gridColor": ink, "gridOpacity": 0.12, "domainColor": ink,
                 "tickColor": ink, "domainOpacity": 0.5, "tickOpacity": 0.5, "labelLimit": 160,
                 "labelSeparation": 5, "tickCount": 6},
        "legend": {**words, "orient": "bottom", "columns": columns, "labelLimit": 190,
                   "symbolStrokeWidth": 2, "symbolSize": 60, "rowPadding": 2,
                   "columnPadding": 14},
        "header": {**words, "titleFontSize": size, "labelLimit": 180},
        "title": {"color": ink, "font": font, "fontSize": size + 1, "anchor": "start",
                  "fontWeight": "normal", "subtitleColor": ink, "subtitleFontSize": size},
        "rule": {"color": ink},
        "line": {"strokeWidth": 2, "strokeCap": "butt"},
        "point": {"size": 32, "strokeWidth": 1.5},
        "text": {"color": ink, "font": font, "fontSize": size},
    }  # fmt: skip
