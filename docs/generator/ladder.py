"""The README's picture: what accuracy can be had for how many passes, from the committed studies.

    python docs/generator/ladder.py      draws it into docs/, for a light page and for a dark one

A test holds the pictures to what the results give.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import curves
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lenetlab.analysis.at_budget import AtBudget, at_budgets
from lenetlab.analysis.targets import STARTER
from lenetlab.methods.describe import describe
from lenetlab.records.other_budgets import other_budgets
from lenetlab.records.rows import read_results
from lenetlab.report.charts.at_budget import STARTER_PASSES
from lenetlab.report.colours import FAMILY_COLOURS
from lenetlab.report.formats import plus_minus, two

ROOT = Path(__file__).parents[2]
STUDIED = ROOT / "results" / "course"
SCENARIO = "plain"
INKS = {"ladder.svg": "#1f2328", "ladder-dark.svg": "#e6edf3"}  # letters on GitHub's two grounds
FIELD = "#808080"  # of what has no name, on either
GAP = 0.052  # of the axis' height between two names
RIGHT = 1.12  # times the last budget, where the axis ends and names begin
LEAST, MOST = 23.0, 7.6  # percent of errors at the foot and at the top of the axis
MARKERS = "osD^vP"  # of the methods of a family, one after the other


class Style(NamedTuple):
    """How a method is drawn."""

    colour: str
    marker: str


ALONE = Style(FIELD, "o")  # of what was run for one budget
Line = Sequence[AtBudget]


def lines(folder: Path = STUDIED) -> list[Line]:
    """The methods of the study in `folder` and of those of other budgets beside it, each by its
    budgets, the best at the last one first."""
    some = [read_results(one) for one in (folder, *other_budgets(folder))]
    found: dict[str, list[AtBudget]] = {}
    for one in at_budgets(some, SCENARIO):
        found.setdefault(one.line, []).append(one)
    return sorted(found.values(), key=lambda line: -line[-1].accuracy.mean)


def pictures(found: Sequence[Line]) -> dict[str, str]:
    """The SVG text of every picture by its file's name."""
    return {name: _picture(found, ink) for name, ink in INKS.items()}


def description(found: Sequence[Line]) -> str:
    """What the pictures show, in words; it is in each of them."""
    said = []
    for line in found:
        points = (
            f"{plus_minus(one.accuracy, two, ' %')} after {one.passes:g} passes" for one in line
        )
        said.append(f"{line[0].line} {', '.join(points)}")
    return f"Mean test accuracy in scenario {SCENARIO}: {'; '.join(said)}."


def _picture(found: Sequence[Line], ink: str) -> str:
    budgets = sorted({one.passes for line in found for one in line})
    ladder = [line for line in found if len(line) > 1]
    styles = _styles(ladder)
    colours = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color",
                             "ytick.color"), ink)  # fmt: skip
    with rc_context(curves.STYLE | colours | {"font.size": 10.5}):
        figure = Figure(figsize=(8.6, 4.6), layout="constrained")
        axes = figure.subplots()
        curves.error_axis(axes)
        axes.set_xlim(budgets[0] / 1.2, RIGHT * budgets[-1])
        axes.set_ylim(LEAST, MOST)
        for line in reversed(found):
            _draw(axes, line, styles.get(line[0].line, ALONE))
        _name(axes, [line for line in ladder if line[-1].passes == budgets[-1]], styles, ink)
        below = (STARTER_PASSES, 0.98 * LEAST)
        axes.plot(*below, "v", color=ink, markersize=7)
        axes.annotate(f"the starter script, {STARTER} %, far below", below, (-9, 0),
                      textcoords="offset points", ha="right", va="center")  # fmt: skip
        axes.set_xticks(budgets, [f"{budget:g}" for budget in budgets])
        axes.set_xlabel("effective passes, each for which a method was tuned anew")
        axes.set_ylabel("test accuracy, % (not linear)")
        return curves.svg(figure, description(found))


def _styles(ladder: Sequence[Line]) -> dict[str, Style]:
    """The family's colour, and within it a marker of its own, by method."""
    found: dict[str, Style] = {}
    met = Counter[str]()
    for line in ladder:
        family = line[0].cell.place.family
        found[line[0].line] = Style(FAMILY_COLOURS[family], MARKERS[met[family] % len(MARKERS)])
        met[family] += 1
    return found


def _draw(axes: Axes, line: Line, style: Style) -> None:
    """A point a budget, joined, with the 95 % interval of its mean; of those that stand `ALONE`
    the point."""
    errors = [100 - one.accuracy.mean for one in line]
    axes.plot([one.passes for one in line], errors, f"{style.marker}-", color=style.colour,
              markersize=2.5 if style == ALONE else 4.5, linewidth=1)  # fmt: skip
    for one in line if style != ALONE else ():
        if one.accuracy.interval is not None:
            low, high = one.accuracy.interval.low, one.accuracy.interval.high
            axes.plot([one.passes] * 2, [100 - low, 100 - high], color=style.colour, linewidth=1.6)


def _name(axes: Axes, named: Sequence[Line], styles: Mapping[str, Style], ink: str) -> None:
    """Marker, last accuracy and title right of the points, moved apart where they would overlap."""
    titles = describe(line[0].line for line in named)
    onto = axes.transScale + axes.transLimits  # heights as fractions of the axis
    ends = [(line[-1].passes, 100 - line[-1].accuracy.mean) for line in named]
    heights = spread([onto.transform(end)[1] for end in ends], GAP)
    for line, end, height in zip(named, ends, heights, strict=True):
        right, beside = RIGHT * end[0], onto.inverted().transform((0, height))[1]
        axes.plot([end[0], right], [end[1], beside], color=ink, linewidth=0.6, alpha=0.6,
                  clip_on=False)  # fmt: skip
        style = styles[line[0].line]
        axes.plot(1.03 * right, beside, style.marker, color=style.colour, markersize=5,
                  clip_on=False)  # fmt: skip
        axes.text(1.1 * right, beside, f"{line[-1].accuracy.mean:.2f}  "
                  f"{titles[line[0].line]['title']}", color=ink, va="center")  # fmt: skip


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Falling `heights`, moved as little as keeps them `gap` apart: those that would overlap are
    a block around their mean."""
    blocks: list[list[float]] = []
    for height in heights:
        blocks.append([height])
        while len(blocks) > 1 and _top(blocks[-1], gap) + gap > _bottom(blocks[-2], gap):
            last = blocks.pop()
            blocks[-1] += last
    return [_top(block, gap) - i * gap for block in blocks for i in range(len(block))]


def _top(block: Sequence[float], gap: float) -> float:
    return sum(block) / len(block) + gap * (len(block) - 1) / 2


def _bottom(block: Sequence[float], gap: float) -> float:
    return _top(block, gap) - gap * (len(block) - 1)


def write() -> None:
    """From the committed rows."""
    for name, text in pictures(lines()).items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
