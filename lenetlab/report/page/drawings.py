"""The charts of the page: drawn in lenetlab.report.charts, here with caption and numbers."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lenetlab.analysis.across import Ranking
from lenetlab.analysis.board import Board
from lenetlab.analysis.profiles import comparable, profiles
from lenetlab.problem.scenarios import recorded_scenario
from lenetlab.records.cells import Cell, Results
from lenetlab.records.leader_net import LeaderNet
from lenetlab.report.charts.curves import AXES, accuracy_curves, curve_rows, loss_curves, stand_out
from lenetlab.report.charts.differences import difference_rows, differences
from lenetlab.report.charts.frontier import frontier, frontier_rows
from lenetlab.report.charts.leader import confusion, filters
from lenetlab.report.charts.pareto import pareto
from lenetlab.report.charts.profiles import budget, budget_rows, profile_rows
from lenetlab.report.charts.profiles import profiles as profile_chart
from lenetlab.report.charts.ranks import ranks
from lenetlab.report.charts.sensitivity import sensitivity, trial_rows
from lenetlab.report.charts.theme import SHOWN, Styles
from lenetlab.report.page.drawn import HEIGHT, Drawn, Number, drawn
from lenetlab.report.wording import captions

LINE = 17  # of a method in a chart that has a line for each
STILL = 6  # methods whose trials are seen without scripts, where one cannot choose


def board_charts(
    board: Board, style: Styles, id: str, leader_net: LeaderNet | None, datasets: dict[str, Any]
) -> list[Drawn]:
    """The charts of one leaderboard, those first that are looked at first."""
    cells = [line.cell for line in board.lines]
    return [
        *_curves(cells, style, id, datasets),
        *_differences(board, style, id, datasets),
        *(_tuning(cells, style, id, datasets) if board.planned else ()),
        *(
            _leader_net(leader_net, style, id, datasets)
            if leader_net and not carried(board)
            else ()
        ),
    ]


def carried(board: Board) -> bool:
    """Whether its leader was fixed on another problem, whose board shows its net."""
    return board.reference is not None and bool(board.reference.place.tuned_on)


def choices(cells: Sequence[Cell], style: Styles) -> list[tuple[str, bool]]:
    """The methods that charts can show, and whether they do at first: the best few, plain SGD,
    the baseline's method, and those that are marked."""
    there = {cell.place.name for cell in cells if cell.trials or any(r.done for r in cell.finals)}
    names = [name for name in style.names if name in there]
    first = {*(stand_out(cells, style, None) or names)[:6], "sgd", *style.marked}
    return [(name, name in first) for name in names]


def _curves(
    cells: Sequence[Cell], style: Styles, id: str, datasets: dict[str, Any]
) -> Iterator[Drawn]:
    rows = curve_rows(cells)
    if not rows:
        yield Drawn(
            f"{id}-curves", "Curves", "", missing="No evaluation on the test set counts yet."
        )
        return
    shown = [name for name, on in choices(cells, style) if on]

    def along(chart: Callable[..., Any]) -> dict[str, Any]:
        return {axis: chart(cells, style, axis, shown, rows) for axis in AXES}

    most = max(sum(row.done for row in cell.finals) for cell in cells)
    yield drawn(f"{id}-accuracy", "Accuracy while training",
                 f"{captions.accuracy(most)} A click on a curve opens its runs.",
                 along(accuracy_curves), datasets, _curve_numbers("accuracy", 2),
                 follows=True)  # fmt: skip
    yield drawn(f"{id}-loss", "Loss while training",
                 captions.loss(most), along(loss_curves), datasets, _curve_numbers("loss", 4),
                 follows=True)  # fmt: skip
    yield drawn(f"{id}-pareto", "Accuracy on the way", captions.pareto(),
                 along(pareto), datasets, _curve_numbers("accuracy", 2), source="front",
                 follows=True)  # fmt: skip


def _curve_numbers(name: str, digits: int) -> list[Number]:
    return [Number("method", "method"), Number("passes", "passes", 2),
            Number("gradients", "gradients", 0), Number("cpu_seconds", "CPU", 2, "s"),
            Number(name, name, digits), Number(f"{name}_low", "from", digits),
            Number(f"{name}_high", "to", digits), Number("n", "seeds", 0)]  # fmt: skip


def _tuning(
    cells: Sequence[Cell], style: Styles, id: str, datasets: dict[str, Any]
) -> Iterator[Drawn]:
    rows = trial_rows(cells)
    if not rows:
        return
    tried = {row["method"] for row in rows}
    names = [name for name in style.names if name in tried]
    numbers = [Number("method", "method"), Number("trial", "trial", 0), Number("rate", "rate", 5),
               Number("batch", "batch", 0), Number("accuracy", "held out", 2, "%"),
               Number("status", "status")]  # fmt: skip
    yield from _budget(cells, style, id, datasets)
    yield drawn(f"{id}-sensitivity", "Learning rate and batch size",
                 captions.sensitivity(),
                 {"": sensitivity(cells, names)}, datasets, numbers,
                 picture=sensitivity(cells, names[:STILL], interactive=False))  # fmt: skip


def _budget(
    cells: Sequence[Cell], style: Styles, id: str, datasets: dict[str, Any]
) -> Iterator[Drawn]:
    shown = [name for name, on in choices(cells, style) if on]
    numbers = [Number("method", "method"), Number("trials", "trials", 0),
               Number("passes", "passes", 1), Number("best", "best", 2, "%"),
               Number("low", "a quarter below", 2), Number("high", "above", 2)]  # fmt: skip
    yield drawn(f"{id}-budget", "What tuning buys",
                 captions.budget(),
                 {"": budget(budget_rows(cells), style, id, shown)}, datasets, numbers,
                 follows=True)  # fmt: skip


def _leader_net(
    net: LeaderNet, style: Styles, id: str, datasets: dict[str, Any]
) -> Iterator[Drawn]:
    who = f"Of {style.label(net.method)}, seed {net.seed}."
    yield drawn(f"{id}-confusion", "What the leader takes for what",
                 f"{captions.confusion()} {who}",
                 {"": confusion(net.confusion, id, net.problem)}, datasets,
                 [Number("truth", "truth"), Number("answer", "answer"),
                  Number("images", "images", 0)])  # fmt: skip
    yield drawn(f"{id}-filters", "The leader’s first layer",
                 f"{captions.filters()} {who}",
                 {"": filters(net.filters, id)}, datasets,
                 [Number("filter", "filter"), Number("row", "row", 0),
                  Number("column", "column", 0), Number("weight", "weight", 4)])  # fmt: skip


def _differences(board: Board, style: Styles, id: str, datasets: dict[str, Any]) -> Iterator[Drawn]:
    rows = difference_rows(board)
    if not rows or board.reference is None:
        return
    numbers = [Number("method", "method"), Number("difference", "difference", 3, "points"),
               Number("low", "from", 3), Number("high", "to", 3), Number("p", "p (Holm)", 4),
               Number("n", "seeds", 0), Number("verdict", "verdict")]  # fmt: skip
    first = board.reference.place.name
    yield drawn(f"{id}-differences", f"Compared with {style.titles.get(first, first)}",
                 captions.differences(board),
                 {"": differences(rows, first, id, style)
                      .properties(height=max(LINE * len(rows), 60))},
                 datasets, numbers, tall=LINE * len(rows) > 1.5 * HEIGHT)  # fmt: skip


def across(results: Results, style: Styles, datasets: dict[str, Any]) -> list[Drawn]:
    """The charts that join scenarios."""
    return list(_profiles(results, style, datasets))


def ranking(ranking: Ranking, datasets: dict[str, Any]) -> Drawn:
    """The mean ranks of methods across problems."""
    numbers = [Number("method", "method"), Number("rank", "mean rank", 2),
               Number("low", "from", 2), Number("high", "to", 2),
               Number("each", "ranks")]  # fmt: skip
    id = f"ranks-{ranking.contest.key}".replace(",", "-")
    return drawn(id, f"Mean ranks, {ranking.title}", captions.ranks(ranking), {"": ranks(ranking)},
                 datasets, numbers)  # fmt: skip


def _profiles(results: Results, style: Styles, datasets: dict[str, Any]) -> Iterator[Drawn]:
    found = profiles(results) if comparable(results) else []
    if len(found) < 2 or not found[0].problems:
        return
    shown = [profile.method for profile in found[:SHOWN]]
    numbers = [Number("method", "method"), Number("ratio", "times the best", 2),
               Number("fraction", "fraction", 2), Number("score", "score", 3)]  # fmt: skip
    yield drawn("profiles", "Performance profiles",
                 captions.profiles(found[0].problems),
                 {"": profile_chart(profile_rows(found), style, shown)},
                 datasets, numbers)  # fmt: skip


def fewer_weights(results: Results, style: Styles, datasets: dict[str, Any]) -> list[Drawn]:
    """Accuracy against nonzeros; nothing where all nets have as many."""
    sparse = [cell for cell in results.cells if recorded_scenario(cell.place.scenario).constrained]
    rows = frontier_rows(sparse)
    if len({row["nonzeros"] for row in rows}) < 2:
        return []
    numbers = [Number("cell", "method"), Number("constraint", "constraint"),
               Number("nonzeros", "nonzeros", 0), Number("accuracy", "accuracy", 2, "%"),
               Number("n", "seeds", 0)]  # fmt: skip
    chart = frontier(sparse, style)
    return [drawn("frontier", "Fewer weights", captions.frontier(), {"": chart}, datasets, numbers)]
