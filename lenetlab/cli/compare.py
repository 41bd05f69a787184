"""`lenetlab compare`: who is better than whom, by how much, and how sure that is."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lenetlab.analysis.across import rankings
from lenetlab.analysis.as_json import as_json, board_as_json
from lenetlab.analysis.board import METRICS, Board, board
from lenetlab.analysis.equal_time import priced
from lenetlab.cli.shared.options import RUNS, Json
from lenetlab.cli.terminal.compare import show, show_beginning
from lenetlab.cli.terminal.console import print_json
from lenetlab.cli.terminal.ranks import show_ranking
from lenetlab.errors import unknown
from lenetlab.records.cells import Results
from lenetlab.records.costs import read_costs
from lenetlab.records.locate import open_results, results_folder


def compare(
    target: Annotated[
        Path,
        typer.Argument(
            help="A study file, its working folder, a folder of results, or a folder of runs."
        ),
    ],
    scenario: Annotated[
        str | None, typer.Option(help="One scenario alone (default: every one there is).")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(help="Compare with this method instead of the leader on held-out images."),
    ] = None,
    problem: Annotated[
        str | None, typer.Option(help="One problem alone, as the leaderboards call it.")
    ] = None,
    metric: Annotated[str, typer.Option(help="accuracy or loss.")] = "accuracy",
    out: Annotated[
        Path, typer.Option(help="Folder in which a study file's working folder is.")
    ] = RUNS,
    json: Json = False,
) -> None:
    """Compare the methods of a study: intervals, differences to the leader, targets.

    - `lenetlab compare course --scenario plain`
    - `lenetlab compare results/course --against adamw --metric loss`
    - `lenetlab compare runs --json`

    The leader of a study is the method that was best on held-out training images: by confirmations
    and leader runs, where it has them, else by its best trial. Every other is compared with it
    seed by seed; p-values are corrected for the number of methods (Holm). Single runs are ranked
    within one scenario, one rule set and one budget; methods on several problems on each of them
    alone, and by their mean ranks across them.
    """
    results = priced(open_results(target, out), read_costs(results_folder(target, out)))
    boards = make_boards(results, scenario, against, metric, problem)
    across = [] if problem is not None else [
        one for one in rankings(results, metric=boards[0].metric)
        if scenario in (None, one.contest.scenario)
    ]  # fmt: skip
    if json:
        found = {"study": results.name, "boards": [board_as_json(board) for board in boards]}
        print_json(found | ({"rankings": [as_json(one) for one in across]} if across else {}))
        return

    show_beginning(results)
    for one in boards:
        show(one)
    for ranking in across:
        show_ranking(ranking)


def make_boards(
    results: Results,
    scenario: str | None,
    against: str | None,
    metric: Any,
    problem: str | None = None,
) -> list[Board]:
    """The leaderboards asked for; `UserError` if there are none."""
    if metric not in METRICS:
        raise unknown("metric", metric, METRICS)
    contests = results.leaderboards()
    if problem is not None:
        problems = {contest.problem for contest in contests}
        if problem not in problems:
            raise unknown("problem of these results:", problem, problems)
        contests = [contest for contest in contests if contest.problem == problem]
    asked = [contest for contest in contests if scenario in (None, contest.scenario)]
    if not asked:
        known = {contest.scenario for contest in contests}
        raise unknown("scenario of these results:", str(scenario), known)
    if against is not None:
        names = {n for contest in asked for cell in results.within(contest)
                 for n in (cell.place.name, cell.place.method)}  # fmt: skip
        if against not in names:
            raise unknown("method of these results:", against, names)
    return [
        board(results, contest, metric=metric, against=against)
        for contest in asked
        if against is None
        or any(against in (cell.place.name, cell.place.method) for cell in results.within(contest))
    ]
