"""The figures of a whole study, each with a caption that says what to see. What has nothing to
show gives no picture."""

from collections.abc import Sequence

from lenetlab.analysis.at_budget import by_scenario
from lenetlab.analysis.board import Board
from lenetlab.analysis.profiles import comparable
from lenetlab.analysis.profiles import profiles as profiles_of
from lenetlab.phrases import joined
from lenetlab.records.cells import Results
from lenetlab.records.contest import located
from lenetlab.records.leader_net import LeaderNet
from lenetlab.report.attachments import Attachments
from lenetlab.report.charts.at_budget import at_budget, at_budget_rows, axes_of, starter_beside
from lenetlab.report.charts.leader import confusion, filters
from lenetlab.report.charts.profiles import budget, budget_rows, profile_rows, profiles
from lenetlab.report.charts.theme import SHOWN
from lenetlab.report.charts.training import FEWEST
from lenetlab.report.paper.markdown import Markdown, code
from lenetlab.report.paper.pictures import WHOLE, Picture, Pictures, cells_of
from lenetlab.report.wording import captions

PANEL = 104  # of height, where several are below each other


def at_budgets(results: Results, attachments: Attachments, pictures: Pictures) -> Sequence[Picture]:
    """Accuracy for the computation, the figure that the page begins with: a panel for each
    scenario, one below the other, and one caption for all."""
    points = by_scenario(results, attachments.others, FEWEST)
    axes = axes_of([one for found in points.values() for one in found])
    if not axes:
        return []
    files = []
    last = list(points)[-1]
    for name, found in points.items():
        starter = starter_beside(found, attachments.baseline, axes[0])
        chart = at_budget(
            at_budget_rows(found, pictures.styles), axes[0], name, starter, False, name == last
        )
        file = f"at-budgets-{name.replace(' ', '-')}"
        files.append(pictures.draw(chart.properties(height=PANEL), file, WHOLE))
    panels = joined([str(code(name)) for name in points])
    below = ", from above to below" if len(points) > 1 else ""
    caption = Markdown(f"Accuracy for the computation in {panels}{below}. "
                       f"{captions.at_budget(points, roomy=False)}")  # fmt: skip
    return [*((file, "") for file in files[:-1]), (files[-1], caption)]


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
