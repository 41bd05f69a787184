"""From results to the HTML file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from altair.utils.schemapi import debug_mode
from markupsafe import Markup

from lenetlab.analysis.across import rankings
from lenetlab.analysis.board import boards_of
from lenetlab.analysis.equal_time import priced
from lenetlab.disk import make_folder, replace_text
from lenetlab.records.cells import Results
from lenetlab.report.attachments import Attachments
from lenetlab.report.charts.curves import AXES
from lenetlab.report.charts.theme import Styles, styles
from lenetlab.report.page.about import about
from lenetlab.report.page.answer import Answer, answer
from lenetlab.report.page.cell import Detail, detail
from lenetlab.report.page.drawings import across, fewer_weights
from lenetlab.report.page.drawn import Drawn
from lenetlab.report.page.glance import glance
from lenetlab.report.page.html import TEMPLATES, environment, script_hash
from lenetlab.report.page.leaderboards import BoardView, view
from lenetlab.report.page.rankings import RankingView, rankings_view
from lenetlab.report.page.still import style as page_style
from lenetlab.report.page.table import Table
from lenetlab.report.page.theatre import Theatre, script
from lenetlab.report.wording.experiment import usual
from lenetlab.report.wording.machines import EQUAL_TIME, seconds


@dataclass(frozen=True)
class Page:
    """All that the templates show."""

    title: str
    about: list[str]
    answer: Answer
    glance: Table
    led: bool
    tuned: bool
    usual: bool
    boards: list[BoardView]
    rankings: list[RankingView]
    across: list[Drawn]
    theatre: Theatre | None
    details: list[Detail]
    datasets: dict[str, Any]
    config: dict[str, Any]


def write(results: Results, path: Path, attachments: Attachments | None = None) -> Path:
    """Write the page of `results` to `path`, atomically, and return the path."""
    make_folder(path.parent)
    replace_text(path, render(results, attachments or Attachments()))
    return path


def render(results: Results, attachments: Attachments) -> str:
    """The page of `results`, and of what lies beside them, as text."""
    with debug_mode(
        False
    ):  # Altair's check of every part against its schema takes most of the time
        page = _page(results, attachments)
    own = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    vega = library()
    walk = script() if page.theatre else ""
    policy = " ".join(script_hash(text) for text in (own, vega, walk) if text)
    jinja = environment()
    jinja.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    return jinja.get_template("page.html").render(
        page=page,
        axes=AXES,
        equal_time=f"{EQUAL_TIME} {seconds(priced(results, attachments.costs))}",
        script=Markup(own),
        vega=Markup(vega),
        walk=Markup(walk),
        policy=Markup(policy),
    )


def _page(results: Results, attachments: Attachments) -> Page:
    titles = {name: about["title"] for name, about in attachments.methods.items()
              if "title" in about}  # fmt: skip
    style = styles(results, titles, attachments.others, attachments.guests)
    datasets: dict[str, Any] = {}
    timed = priced(results, attachments.costs)
    found = boards_of(timed)
    fewer = fewer_weights(timed, style, datasets)
    first = answer(timed, found, attachments, style, datasets, fewer)
    return Page(
        title=results.title or results.name,
        about=[*attachments.said, *about(_without(timed, attachments.guests), found)],
        answer=first,
        glance=glance(found, style),
        led=any(one.led for one in found),
        tuned=results.tuned,
        usual=usual(results),
        rankings=rankings_view(rankings(results), results, datasets),
        boards=[view(one, results, style, attachments, datasets) for one in found],
        across=[*across(timed, style, datasets), *(fewer if first.figure not in fewer else ())],
        theatre=None if attachments.plane is None else on_plane(attachments.plane, style),
        details=[detail(cell, results.planned) for cell in results.cells if cell.begun],
        datasets=datasets,
        config=page_style(columns=3),
    )


def on_plane(found: Mapping[str, Any], styles: Styles) -> Theatre:
    """The runs of plane.json, called and coloured as everywhere on the page; several of a method
    are told apart by their seeds and recipes."""
    runs = found["runs"]
    twice = len({run["method"] for run in runs}) < len(runs)
    names = [
        styles.label(run["method"]) + (f", {run['label']}, seed {run['seed']}" if twice else "")
        for run in runs
    ]
    others = (run["method"] for run in runs if run["method"] not in styles.names)
    known = replace(styles, names=(*styles.names, *dict.fromkeys(others)))
    return Theatre(found, names, [known.colour_of(run["method"]) for run in runs])


def _without(results: Results, guests: frozenset[str]) -> Results:
    """The study as it was before its guests: its beginning tells how that was made."""
    cells = tuple(cell for cell in results.cells if cell.place.name not in guests)
    return replace(results, cells=cells)


@cache
def library() -> str:
    """Vega, Vega-Lite and vega-embed as one script, from vl-convert: no network is needed."""
    import vl_convert

    bundle = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    assert "</script" not in bundle.lower()
    return bundle
