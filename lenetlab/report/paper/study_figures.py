"""The figures of a whole study, each with a caption that says what to see. What has nothing to
show gives no picture."""

from collections.abc import Sequence

from lenetlab.analysis.board import Board
from lenetlab.analysis.profiles import comparable
from lenetlab.analysis.profiles import profiles as profiles_of
from lenetlab.records.rows import Cell, Results, located
from lenetlab.report import captions
from lenetlab.report.attachments import LeaderNet
from lenetlab.report.charts.leader import confusion, filters
from lenetlab.report.charts.profiles import budget, budget_rows, profile_rows, profiles
from lenetlab.report.charts.sensitivity import sensitivity as small_charts
from lenetlab.report.charts.theme import SHOWN
from lenetlab.report.paper.markdown import Markdown, code
from lenetlab.report.paper.pictures import Picture, Pictures, cells_of

SMALL = 6  # small charts of sensitivity


def computation(results: Results, boards: Sequence[Board], pictures: Pictures) -> Sequence[Picture]:
    """Performance profiles over scenarios and targets, and what tuning buys."""
    found: list[Picture] = []
    rows = profile_rows(profiles_of(results)) if comparable(results) else []
    best = list(dict.fromkeys(row["method"] for row in rows if row["fraction"]))[:SHOWN]
    if best:
        chart = profiles(rows, pictures.styles, best)
        caption = Markdown(captions.profiles(rows[0]["problems"]))
        found.append((pictures.draw(chart, "profiles"), caption))
    for board in boards if results.tuned else ():
        spent = budget_rows(cells_of(board))
        if not spent:
            continue
        names = [line.name for line in board.lines][:SHOWN]
        key, where = board.contest.key, code(board.contest.title)
        chart = budget(spent, pictures.styles, key, names)
        caption = Markdown(f"What tuning buys in {where}. {captions.budget()}")
        found.append((pictures.draw(chart, f"budget-{key}"), caption))
        break  # one scenario stands for all: the page has the others
    return found


def sensitivity(boards: Sequence[Board], pictures: Pictures) -> Sequence[Picture]:
    """Trials of the first scenario's best few against learning rate and batch size."""
    for board in boards:
        if not board.planned:
            continue
        tried = [line.name for line in board.lines if _has_rate(line.cell)][:SMALL]
        if tried:
            chart = small_charts(cells_of(board), tried, interactive=False)
            where = code(board.contest.title)
            caption = Markdown(
                f"The methods with the highest means in {where}. {captions.sensitivity()} A flat "
                "cloud is a method that forgives."
            )
            return [(pictures.draw(chart, f"sensitivity-{board.contest.key}"), caption)]
    return []


def leader_net(leader_nets: Sequence[LeaderNet], pictures: Pictures) -> Sequence[Picture]:
    """The first leader's mistakes and filters."""
    if not leader_nets:
        return []
    one = leader_nets[0]
    where = code(located(one.scenario, one.problem))
    whose = f"Of {code(one.method)} in scenario {where}, seed {one.seed}."
    return [
        (
            pictures.draw(confusion(one.confusion, one.scenario, one.problem), "confusion"),
            Markdown(f"{captions.confusion()} {whose}"),
        ),
        (
            pictures.draw(filters(one.filters, one.scenario), "filters"),
            Markdown(f"{captions.filters()} {whose}"),
        ),
    ]


def _has_rate(cell: Cell) -> bool:
    return any(row.recorded.rate is not None for row in cell.trials)
