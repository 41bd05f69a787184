"""The methods across problems, as the page shows them: a table and a figure for each scenario."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lenetlab.analysis.across import RankedMethod, Ranking
from lenetlab.problem.problems import title_of
from lenetlab.records.cells import Results
from lenetlab.report import formats
from lenetlab.report.page.cell import anchor
from lenetlab.report.page.drawings import ranking
from lenetlab.report.page.drawn import Drawn
from lenetlab.report.page.table import Column, Entry, Table, number


@dataclass(frozen=True)
class RankingView:
    """A scenario's ranking across problems. left_out : a sentence about who is not in it."""

    name: str
    table: Table
    chart: Drawn
    left_out: str


def rankings_view(
    rankings: Sequence[Ranking], results: Results, datasets: dict[str, Any]
) -> list[RankingView]:
    """Every ranking; the data of its chart goes into `datasets`."""
    return [_view(one, results, datasets) for one in rankings]


def _view(found: Ranking, results: Results, datasets: dict[str, Any]) -> RankingView:
    missing = ", ".join(found.left_out)
    return RankingView(
        found.title,
        Table(_columns(found), [_row(one, found, results) for one in found.methods]),
        ranking(found, datasets),
        f"Not on all problems, and not ranked here: {missing}." if missing else "",
    )


def _columns(ranking: Ranking) -> list[Column]:
    unit = "% (rank)" if ranking.metric == "accuracy" else "mean loss (rank)"
    return [
        Column("Method", kind="text"),
        Column("Mean rank"),
        Column(f"{100 * ranking.level:g}\u00a0%", "over seeds", kind="word"),
        *(Column(title_of(problem), unit) for problem in ranking.problems),
    ]


def _row(one: RankedMethod, ranking: Ranking, results: Results) -> list[Entry]:
    write = formats.two if ranking.metric == "accuracy" else formats.four
    entries = [Entry(one.name), number(one.mean_rank, 2), Entry(interval(one), one.low)]
    for problem, mean, rank in zip(ranking.problems, one.means, one.ranks, strict=True):
        cells = results.within(ranking.contest._replace(problem=problem))
        place = next(cell.place for cell in cells if cell.place.name == one.name)
        said = "failed" if mean is None else write(mean)
        entries.append(Entry(f"{said} ({rank:g})", mean, link=anchor(place)))
    return entries


def interval(one: RankedMethod) -> str:
    """`1.0 to 2.5`, a dash for none."""
    if one.low is None or one.high is None:
        return formats.MISSING
    return f"{one.low:.2f} to {one.high:.2f}"
