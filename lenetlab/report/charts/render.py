"""Charts as files, without a browser: SVG, PDF and PNG by vl-convert."""

import re
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from lenetlab.disk import replace_bytes
from lenetlab.report.charts.theme import FONT, config
from lenetlab.report.colours import PAPER_INK

WIDTH, HEIGHT = 400, 230  # of the picture, and of the plot in it, where nothing else is said
_PLACES = re.compile(r' (?:d|transform)="[^"]*"')


def spec(chart: Any, width: float | str = WIDTH, height: float = HEIGHT) -> dict[str, Any]:
    """The chart as Vega-Lite's JSON, without configuration: give `theme.config` to what draws it.

    `width` is that of the whole picture, labels included, or `"container"` on a page, so that
    charts beside each other have letters of one size. Charts of several views have their own.
    """
    if not isinstance(chart, alt.FacetChart):
        kept = chart.height if chart.height is not alt.Undefined else height
        fit = alt.AutoSizeParams(type="fit-x", contains="padding")
        chart = chart.properties(width=width, height=kept, autosize=fit)
    found: dict[str, Any] = chart.to_dict(validate=False)
    found.pop("config", None)
    return found


def draw(
    chart: Any,
    form: str,
    width: float = WIDTH,
    height: float = HEIGHT,
    ink: str = PAPER_INK,
    font: str = FONT,
    size: float = 10,
    columns: int = 2,
) -> bytes:
    """The chart as `svg`, `pdf` or `png`, in `ink` on a transparent ground."""
    given = spec(chart, width, height)
    style = config(ink, font, size, columns)
    if form == "svg":
        return vl_convert.vegalite_to_svg(given, config=style).encode()
    if form == "pdf":
        return bytes(vl_convert.vegalite_to_pdf(given, config=style))
    return bytes(vl_convert.vegalite_to_png(given, config=style, scale=2))


def shortened(svg: str, digits: int) -> str:
    """The SVG, its places cut after so many decimals: a chart has thousands of them."""
    decimals = re.compile(rf"(\.\d{{{digits}}})\d+")
    return _PLACES.sub(lambda place: decimals.sub(r"\1", place[0]), svg)


def save(chart: Any, path: Path, **style: Any) -> Path:
    """Write the chart to `path`, in the format of its ending, and return the path."""
    replace_bytes(path, draw(chart, path.suffix.removeprefix("."), **style))
    return path
