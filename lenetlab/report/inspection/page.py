"""Figures, tables and words in one HTML file, and a figure alone for a paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from lenetlab.disk import check_writable, replace_text
from lenetlab.errors import UserError
from lenetlab.report.charts.render import draw, save, shortened
from lenetlab.report.charts.selection import Drawing
from lenetlab.report.colours import PAPER_INK
from lenetlab.report.inspection.figures import Figure
from lenetlab.report.inspection.tables import Words
from lenetlab.report.page.html import environment, script_hash
from lenetlab.report.page.theatre import Theatre, script

FORMS = (".svg", ".pdf", ".png")


@dataclass(frozen=True)
class Page:
    """What stands on a page. lead : paragraphs. tables : the first stands before the figures."""

    title: str
    lead: Sequence[str]
    figures: Sequence[Figure]
    tables: Sequence[Words]
    theatre: Theatre | None = None


def write_page(page: Page, path: Path) -> Path:
    """Write the page, atomically, and return its path."""
    template = environment().get_template("inspection.html")
    text = template.render(
        title=page.title,
        lead=page.lead,
        tables=page.tables,
        theatre=page.theatre,
        script=Markup(script()),
        policy=Markup(script_hash(script())),
        figures=[(one, Markup(svg(one.chart, "currentColor"))) for one in page.figures],
    )
    replace_text(path, text)
    return path


def svg(chart: Drawing, ink: str = PAPER_INK) -> str:
    """The chart as SVG, its places to a hundredth of a point."""
    return shortened(draw(chart, "svg", ink=ink).decode(), 2)


def check_form(path: Path) -> Path:
    """Refuse a figure's ending that cannot be written, before there is a figure to lose."""
    check_writable(path)
    if path.suffix not in FORMS:
        raise UserError(f"cannot write the figure {path}; expected one of {', '.join(FORMS)}")
    return path


def save_figure(figures: Sequence[Figure], path: Path) -> Path:
    """The first figure, for a paper."""
    if check_form(path).suffix == ".svg":
        replace_text(path, svg(figures[0].chart))
        return path
    return save(figures[0].chart, path)
