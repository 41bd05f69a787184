"""A chart as a picture that is always in the page: without scripts, in print, in a screenshot.

A browser with scripts puts the chart that answers to the mouse in its place once it is seen.
"""

import re
from typing import Any

import vl_convert
from markupsafe import Markup

from lenetlab.report.charts.render import shortened, spec
from lenetlab.report.charts.theme import config

WIDTH = 540  # pixels, of the picture at its own size: letters are read on half a wide page
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif'
# What scripts and assistants would use; the picture has a description as a whole.
UNUSED = re.compile(r' (?:aria-[a-z]+|role|class|pointer-events)="[^"]*"| opacity="1"')
NAMED = re.compile(r' id="([^"]+)"')


def still(chart: Any, height: float, prefix: str) -> Markup:
    """`chart` as SVG in the page's ink, as wide as there is room; its ids begin with `prefix`."""
    svg = str(vl_convert.vegalite_to_svg(spec(chart, WIDTH, height), config=style(columns=2)))
    svg = shortened(UNUSED.sub("", svg), 1)
    # Vega counts ids over all that a process has drawn: counted anew, the same page is made again
    for i, name in enumerate(dict.fromkeys(NAMED.findall(svg))):
        svg = svg.replace(f' id="{name}"', f' id="{prefix}-{i}"')
        svg = svg.replace(f"url(#{name})", f"url(#{prefix}-{i})")
    return Markup(svg)  # vl-convert escapes what is text


def style(columns: int) -> dict[str, Any]:
    """Charts in the page's ink, with `columns` in a legend. A reader of screens is told what a
    chart shows and has its table; hundreds of marks, each read aloud, would be in the way."""
    found = config("currentColor", FONT, 12, columns)
    return found | {"mark": found["mark"] | {"aria": False}}
