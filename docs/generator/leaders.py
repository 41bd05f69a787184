"""The page of leaders, docs/leaders.md: who leads which scenario, for ten passes and for other
budgets, who cannot be told from them, and how sure that is.

    python docs/generator/leaders.py      writes its tables between their marks

A test holds them to what the results give.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import marks
from findings.words import gap
from markdown_table import markdown_table
from protocol.leader_now import leaders_now

from lenetlab.analysis.board import Board, Line, Standing, board, boards_of
from lenetlab.analysis.targets import MAIN
from lenetlab.phrases import joined
from lenetlab.problem.scenarios import recorded_scenario
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest
from lenetlab.records.other_budgets import other_budgets
from lenetlab.records.rows import STUDY, read_results
from lenetlab.records.selection import leader
from lenetlab.report import formats

ROOT = Path(__file__).parents[2]
PAGE, STUDIED = ROOT / "docs" / "leaders.md", ROOT / "results" / "course"
NONE = "There are none yet: no study is committed."
NOBODY = "nobody"
FAR = 2.0  # points below the leader: no rival, whatever an interval that wide has in it


def shown(folder: Path = STUDIED) -> list[Board]:
    """The boards of the study in `folder` on which a method has a rank."""
    if not (folder / STUDY).exists():
        return []
    return [one for one in boards_of(read_results(folder)) if any(x.rank for x in one.lines)]


def first_figures(one: Board) -> list[str]:
    """A board's title, leader, and the leader's figures."""
    lead, title = one.lead, f"`{one.contest.title}`"
    return [title, *(["–"] * 4 if lead is None else [f"`{lead.name}`", *figures(lead)])]


def figures(line: Line) -> list[str]:
    """Accuracy, mean loss, and passes to the main target."""
    if line.accuracy is None or line.loss is None:
        return ["–"] * 3
    passes = next(to.passes for to in line.reached if to.target == MAIN)
    soon = "never" if math.isinf(passes) else formats.three(passes)
    accuracy = formats.plus_minus(line.accuracy, formats.two)
    return [accuracy, formats.four(line.loss.mean), soon]


def named(one: Board, *standings: Standing) -> str:
    """Who stands so to the leader and not far below."""
    found = [f"`{line.name}`" for line in one.lines
             if line.standing in standings and not _far(line)]  # fmt: skip
    return ", ".join(found) or NOBODY


def leaders(folder: Path = STUDIED) -> str:
    """The leader of every board, and who is tied with it, borderline or ahead."""
    boards = shown(folder)
    if not boards:
        return f"{NONE}\n"
    heads = ["scenario", "leader", ">accuracy, %", ">mean loss",
             f">passes to {MAIN.accuracy:g} %", "tied", "borderline, points",
             "ahead, points"]  # fmt: skip
    rows = [
        [*first_figures(one), named(one, "tied"), _gaps(one, "borderline") or NOBODY,
         _gaps(one, "ahead") or NOBODY]
        for one in boards
    ]  # fmt: skip
    results = read_results(folder)
    said = [*_beaten(boards), *on_spheres(results, boards), *_far_below(boards), *sure(results)]
    table = _with_somebody(heads, rows)
    return "\n\n".join(filter(None, (table, "\n".join(f"- {one}" for one in said)))) + "\n"


def budgets(folder: Path = STUDIED) -> str:
    """The leaders of smaller and larger budgets, from the studies beside the one in `folder`."""
    steps = [read_results(one) for one in other_budgets(folder)]
    if not steps:
        return f"{NONE}\n"
    seeds = max(step.stages.confirm_seeds for step in steps)
    methods = max(len({cell.place.method for cell in step.cells}) for step in steps)
    heads = ["scenario", ">passes", "leader", ">accuracy, %", "tied", "borderline, points",
             "ahead, points"]  # fmt: skip
    scenarios = dict.fromkeys(c.scenario for step in steps for c in step.contests())
    boards = [(step.passes, board(step, Contest(name))) for name in scenarios for step in steps]
    table = _with_somebody(heads, [_of_budget(passes, one) for passes, one in boards])
    return (
        f"{methods} methods, tuned for each budget. The leader is the best by the {seeds} seeds of "
        f"its confirmation on held-out images.\n\n{table}\n"
    )


def _of_budget(passes: float, one: Board) -> list[str]:
    title, lead, accuracy, *_ = first_figures(one)
    rivals = [named(one, "tied"), *(_gaps(one, x) or NOBODY for x in ("borderline", "ahead"))]
    return [title, f"{passes:g}", lead, accuracy, *rivals]


def _with_somebody(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table, without the last column where that has nobody; a figure stays on one line."""
    most = len(heads) - all(row[-1] == NOBODY for row in rows)
    lines = [[cell.replace(" ± ", "\u00a0±\u00a0") for cell in row[:most]] for row in rows]
    return markdown_table([head.replace(" %", "\u00a0%") for head in heads[:most]], lines)


def _beaten(boards: list[Board]) -> list[str]:
    """For each board the highest target that a method beats, by the record rule, and who does."""
    said = []
    for one in boards:
        beaten = [(to.target, line.name) for line in one.lines for to in line.records if to.beaten]
        if beaten:
            most = max(target for target, _ in beaten)
            names = joined([f"`{name}`" for target, name in beaten if target == most])
            said.append(f"`{one.contest.title}`: {most:g} % is beaten by {names}.")
    return said


def _gaps(one: Board, standing: Standing) -> str:
    """Who stands so to the leader and not far below, each with its difference."""
    return ", ".join(
        f"`{line.name}` {gap(line.difference)}"
        for line in one.lines
        if line.standing == standing and line.difference and not _far(line)
    )


def _far(line: Line) -> bool:
    return line.difference is not None and line.difference.mean < -FAR


def _far_below(boards: list[Board]) -> list[str]:
    """The borderline methods that are far below, with the reason of their wide intervals."""
    found = [
        f"`{line.name}` in `{one.contest.title}`, {gap(line.difference)}, whose seeds end at "
        f"{formats.two(min(ends))} to {formats.percent(max(ends))}"
        for one in boards
        for line in one.lines
        if line.standing == "borderline" and _far(line)
        for ends in [[row.accuracy for row in line.cell.finals if row.accuracy is not None]]
    ]
    said = f"Not listed as borderline, since more than {FAR:g} points below: {'; '.join(found)}."
    return [said] * bool(found)


def on_spheres(results: Results, boards: Sequence[Board]) -> list[str]:
    """Where decay is asked for and a method leads on whose norms it has no effect, and who leads of
    the others."""
    said = []
    for one in boards:
        cells = results.within(one.contest)
        first = leader(cells)
        if not recorded_scenario(one.contest.scenario).decays or first is None:
            continue
        if first.place.norms != "sphere":
            continue
        other = leader([cell for cell in cells if cell.place.norms != "sphere"])
        lines = {line.name: line for line in one.lines}
        named = "nobody" if other is None else f"`{other.place.name}`"
        line = None if other is None else lines[other.place.name]
        reached = "" if line is None else f" ({formats.plus_minus(line.accuracy, formats.two)} %)"
        said.append(
            f"`{one.contest.title}`: on spheres weight decay moves the norm of no matrix, so what "
            f"`{first.place.name}` has there is nearly a recipe of `plain` from another search. Of "
            f"the methods whose norms decay moves {named} leads{reached}."
        )
    return said


def sure(results: Results) -> list[str]:
    """How likely the leaders are the best by their finals, in the order of the table."""
    found = [f"{share:.2f} in `{title}`" for title, share, _, _ in leaders_now(results)]
    if not found:
        return []
    return [f"By its finals the leader is the best of the methods that are computed with "
            f"probability {joined(found)} "
            "([measured](protocol.md#intervals-and-comparisons))."]  # fmt: skip


def write() -> None:
    """From the committed results."""
    marks.write(PAGE, {"leaders": leaders(), "budgets": budgets()})


if __name__ == "__main__":
    write()
