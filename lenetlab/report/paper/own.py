"""A student's own paper: single runs, the starter script's lines first, and places to write in.

It says what the runs say and nothing else: how settings were chosen where that is recorded, who
was compared where there are seeds for it. What only its author knows is marked `[your words: …]`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lenetlab.analysis.board import Board, boards_of
from lenetlab.analysis.equal_time import priced
from lenetlab.phrases import in_units, joined
from lenetlab.problem.problems import title_of
from lenetlab.records.cells import Results
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.records.run_folder import Run
from lenetlab.report.attachments import Attachments
from lenetlab.report.charts.training import starter_test, starter_training
from lenetlab.report.metrics import OWN
from lenetlab.report.paper import scenario_figures
from lenetlab.report.paper.compose import COSTS, Composed
from lenetlab.report.paper.facts import all_facts
from lenetlab.report.paper.front import Front
from lenetlab.report.paper.markdown import Markdown, code, environment
from lenetlab.report.paper.numbers import Numbers
from lenetlab.report.paper.pictures import Picture, Pictures
from lenetlab.report.paper.sentences import story
from lenetlab.report.paper.settings import settings
from lenetlab.report.paper.shared import Shared, names, shared
from lenetlab.report.paper.starter import baseline_of, is_baseline, printed
from lenetlab.report.paper.tables import Section, costs, leaderboard
from lenetlab.report.wording import experiment
from lenetlab.report.wording.limits import PICKED_TARGETS, limits


@dataclass(frozen=True)
class OwnContext:
    """What the template shows."""

    shared: Shared
    title: str
    folder: str
    printed: Sequence[str]
    shortened: str
    starter: Sequence[Picture]
    methods: Sequence[Sequence[object]]
    settings: Markdown
    boards: Sequence[Section]
    costs: Markdown
    limits: Sequence[str]


def compose_own(
    results: Results,
    runs: Sequence[Run],
    attachments: Attachments,
    pictures: Pictures,
    rows: int | None = None,
    sources_note: str = "",
    front: Front | None = None,
) -> Composed:
    """The paper of `runs`, from which `results` were made; leaderboards as `compose` has them."""
    results = priced(results, attachments.costs)
    by_id = {run.identity["id"]: run for run in runs}
    every = boards_of(results)
    figure = Numbers(all_facts(results, every, attachments))
    first = baseline_of(runs)
    boards = [found for found in every if not _alone(found, by_id)]
    images = joined([title_of(name) for name in experiment.problems_of(results)])
    title = (front.title if front else "") or f"Optimizers for LeNet-5 on {images}"
    context = OwnContext(
        title=title,
        folder=results.name,
        printed=printed(first) if first else [],
        shortened=_shortened(first),
        starter=_starter(first, pictures),
        methods=[
            [code(name), attachments.methods.get(name, {}).get("summary", "–")]
            for name in dict.fromkeys(names(every))
        ],
        settings=settings(every, attachments.defaults, by_id),
        boards=[_section(found, by_id, figure, pictures, rows) for found in boards],
        costs=costs(every, figure, min(rows or COSTS, COSTS)),
        limits=[one for one in limits(results) if one != PICKED_TARGETS],
        shared=shared(results, every, boards, attachments, figure, pictures, rows, sources_note),
    )
    jinja = environment()
    jinja.globals["figure"] = figure
    text = jinja.get_template("own.md.jinja").render(own=context)
    return Composed(text, title, figure)


def _alone(board: Board, by_id: Mapping[str, Run]) -> bool:
    """Whether the baseline has the leaderboard to itself: the paper begins with it."""
    rows = [row for line in board.begun for row in line.cell.rows]
    return all(row.id in by_id and is_baseline(by_id[row.id]) for row in rows)


def _shortened(run: Run | None) -> str:
    """What the run is, if not the script's whole training."""
    if run is None or run.recorded.budget == RecordedRecipe.budget:
        return ""
    amount = run.recorded.budget[1]
    return f", which trains ten epochs, after {in_units(amount, 'epochs')}"


def _starter(run: Run | None, pictures: Pictures) -> Sequence[Picture]:
    if run is None:
        return []
    panels = [
        (starter_training(run), "starter-training",
         "Training loss of the starter script’s training: means of consecutive steps."),
        (starter_test(run), "starter-test", "Its average test loss, as it prints it."),
    ]  # fmt: skip
    return [(pictures.draw(chart, name), said) for chart, name, said in panels if chart is not None]


def _section(
    board: Board, by_id: Mapping[str, Run], figure: Numbers, pictures: Pictures, rows: int | None
) -> Section:
    along = scenario_figures.curves(board, pictures)  # accuracy, loss
    training = scenario_figures.training(board, by_id, pictures)
    apart = scenario_figures.apart(board, pictures)
    return Section(
        title=board.contest.title,
        summary=Markdown(""),
        story=story(board, figure),
        table=leaderboard(board, figure, rows, OWN),
        curves=[*training, *along[:1]],
        comparisons=[*along[1:], *apart] if along and apart else [],  # alone it would leave a hole
    )
