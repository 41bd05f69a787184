"""The records in the README, and the boards and the fewest seconds in docs/records.md, from the
committed results.

    python docs/generator/readme_records.py      writes them between their marks

A test holds them to what the results give.
"""

import math
from pathlib import Path

import marks
from findings.searches import searched_again
from findings.words import gap
from markdown_table import markdown_table
from protocol.leader_now import leaders_now

from lenetlab.analysis.board import Board, Line, Standing, board, boards_of
from lenetlab.analysis.luck import pooled_spread
from lenetlab.analysis.record_board import RecordBoard, record_board
from lenetlab.analysis.targets import MAIN
from lenetlab.disk import read_json
from lenetlab.phrases import count, joined
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest
from lenetlab.records.other_budgets import other_budgets
from lenetlab.records.record_boards import RECORDS, record_folders
from lenetlab.records.rows import STUDY, read_results
from lenetlab.report import formats
from lenetlab.report.record_boards import IN_DOCS, ahead, bound, columns, holder, mean, where

ROOT = Path(__file__).parents[2]
README, STUDIED = ROOT / "README.md", ROOT / "results" / "course"
PAGE, BOARDS = ROOT / "docs" / "records.md", ROOT / "results" / RECORDS
SECONDS = ROOT / "results" / "seconds.json"
NONE = "There are none yet: no study is committed."
FAR = 2.0  # points below the leader: no rival, whatever an interval that wide has in it


def block(folder: Path = STUDIED) -> str:
    """The records of the study in `folder`, or a sentence that there is none."""
    if not (folder / STUDY).exists():
        return f"{NONE}\n"
    results = read_results(folder)
    boards = boards_of(results)
    shown = [one for one in boards if any(line.rank for line in one.lines)]
    if not shown:
        return f"{NONE}\n"
    heads = ["scenario", "leader", ">accuracy, %", ">mean loss",
             f">passes to {MAIN.accuracy:g} %", "tied", "borderline, points", "ahead"]  # fmt: skip
    table = markdown_table(heads, [_row(one) for one in shown])
    beaten = [text for one in shown if (text := _beaten(one))]
    parts = [table, _said(results, shown), "\n".join(beaten), _ladder(folder),
             _boards(folder.parent / RECORDS)]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(one: Board) -> list[str]:
    """A scenario: its leader, and who cannot be told from it."""
    lead = one.lead
    where = one.contest.title
    if lead is None or lead.accuracy is None or lead.loss is None:
        return [f"`{where}`", *["–"] * 7]
    accuracy = formats.plus_minus(lead.accuracy, formats.two)
    passes = next(to.passes for to in lead.reached if to.target == MAIN)
    tied = ", ".join(f"`{line.name}`" for line in one.lines if line.standing == "tied")
    soon = "never" if math.isinf(passes) else formats.three(passes)
    loss = formats.four(lead.loss.mean)
    return [f"`{where}`", f"`{lead.name}`", accuracy, loss, soon, tied or "nobody",
            _apart(one, "borderline") or "nobody", _apart(one, "ahead") or "nobody"]  # fmt: skip


def _apart(one: Board, standing: Standing) -> str:
    """Who stands so to the leader and not far below, each with its difference."""
    return ", ".join(
        f"`{line.name}` {gap(line.difference)}"
        for line in one.lines
        if line.standing == standing and line.difference and not _far(line)
    )


def _far(line: Line) -> bool:
    return line.difference is not None and line.difference.mean < -FAR


def _left_out(shown: list[Board]) -> str:
    """The borderline methods that are far below, with the reason of their wide intervals."""
    said = [
        f"`{line.name}` in `{one.contest.title}`, {gap(line.difference)}, whose seeds end at "
        f"{formats.two(min(ends))} to {formats.percent(max(ends))}"
        for one in shown
        for line in one.lines
        if line.standing == "borderline" and _far(line)
        for ends in [[row.accuracy for row in line.cell.finals if row.accuracy is not None]]
    ]
    named = "; ".join(said)
    return f" Not listed as borderline, since more than {FAR:g} points below: {named}." * bool(said)


def _ladder(folder: Path) -> str:
    """The leaders of smaller and larger budgets, from the studies beside."""
    steps = [read_results(one) for one in other_budgets(folder)]
    if not steps:
        return ""
    scenarios = list(dict.fromkeys(c.scenario for step in steps for c in step.contests()))
    rows = [
        [f"{step.passes:g}", *(_leader(board(step, Contest(name))) for name in scenarios)]
        for step in steps
    ]
    ladder = markdown_table([">passes", *(f"`{name}`" for name in scenarios)], rows)
    methods = max(len({cell.place.method for cell in step.cells}) for step in steps)
    seeds = max(step.stages.confirm_seeds for step in steps)
    return (
        f"For other budgets, {methods} methods tuned for each, the leader by held-out images (the "
        f"{seeds} seeds of its confirmation alone), its test accuracy, how many methods "
        f"are tied with it there, and who is borderline or ahead, by how many points:\n\n{ladder}"
    )


def _computed(folder: Path) -> list[RecordBoard]:
    """The record boards that are computed."""
    read = [read_results(one) for one in record_folders(folder)]
    boards = [record_board(one, one.record) for one in read if one.record is not None]
    return [one for one in boards if one.computed]


def _boards(folder: Path) -> str:
    """How many boards are beaten, and which."""
    shown = _computed(folder)
    if not shown:
        return ""
    beaten = [one for one in shown if one.verdict and one.verdict.outcome == "beaten"]
    named = "; ".join(
        f"`{one.name}` ({bound(one.goal)} in {where(one)}) by `{holder(one)}`, {mean(one)}"
        for one in beaten
    )
    parts = [
        "[Record boards](docs/records.md#boards) have a bound and a budget that were fixed before "
        "they were computed; those of a larger budget (`…-in-2`) after the first ones had missed.",
        f"Beaten so far are {len(beaten)} of {len(shown)}{f': {named}' if named else ''}.",
    ]
    means = [(one.line.accuracy.mean, one) for one in shown if one.line and one.line.accuracy]
    if means:
        most, best = max(means, key=lambda pair: pair[0])
        parts.append(f"The highest mean accuracy is that of `{best.name}`: `{holder(best)}` in "
                     f"{where(best)}, {formats.percent(most)}.")  # fmt: skip
    return " ".join([*parts, "`lenetlab run --recipe BOARD` trains one again."])


def table(folder: Path = BOARDS) -> str:
    """The record boards that are computed, a line each; what is to be said of them."""
    shown = _computed(folder)
    if not shown:
        return "None is computed yet.\n"
    found = columns(shown)
    cells = [found[key] for key in IN_DOCS if key in found]
    heads = [f"{'' if column.words else '>'}{column.heading}" for column in cells]
    lines = markdown_table(heads, [[column.text(one) for column in cells] for one in shown])
    said = [f"- {sentence}" for one in shown if (sentence := ahead(one))]
    return "\n\n".join(filter(None, (lines, "\n".join(said)))) + "\n"


def _leader(one: Board) -> str:
    lead = one.lead
    if lead is None or lead.accuracy is None:
        return "–"
    tied = sum(line.standing == "tied" for line in one.lines)
    said = f"`{lead.name}` {formats.plus_minus(lead.accuracy, formats.two)}"
    said += f"; tied: {tied}" if tied else ""
    return "; ".join([said, *(f"{standing}: {found}" for standing in ("borderline", "ahead")
                              if (found := _apart(one, standing)))])  # fmt: skip


def _said(results: Results, shown: list[Board]) -> str:
    leaders = [one.lead for one in shown]
    n = min((lead.accuracy.n for lead in leaders if lead and lead.accuracy), default=0)
    methods = _counted(results)
    tuned = (
        f"{results.trials} trials of {results.tuning_passes:g} passes each on training data, in "
        "spaces that [know test results](docs/protocol.md#how-the-search-spaces-came-about)"
    )
    if confirm := results.stages.confirm:
        tuned += f", the best {confirm} of them confirmed with fresh seeds"
    return (
        f"{methods}, tuned at the same price ({tuned}), trained for {results.passes:g} "
        f"effective passes. The leader of a scenario was fixed on held-out images; ± is half the "
        f"95 % interval of its mean over {n} seeds of one recipe: how far another search would "
        f"move it is not in it{_luck(results)}. *Tied*: no significant difference; *borderline*: "
        "the test finds one and its interval has 0 in it; *ahead*: significantly better on the "
        f"test set, by which none is chosen.{_sure(results)}{_left_out(shown)}"
    )


def _sure(results: Results) -> str:
    """How likely the leaders are the best by their finals, in the order of the table."""
    found = [f"{share:.2f}" for _, share, _, _ in leaders_now(results)]
    return (" By its finals the leader is the best of those that are computed with probability "
            f"{joined(found)} ([measured](docs/protocol.md#intervals-and-comparisons)): what "
            "held-out images cannot tell apart they choose by chance.")  # fmt: skip


def _counted(results: Results) -> str:
    """How many methods have finals everywhere, of how many and which."""
    planned = list(dict.fromkeys(cell.place.method for cell in results.cells))
    missing = {cell.place.method for cell in results.cells if not cell.finals}
    inside = [name for name in planned if "+" in name]
    which = (
        f" ({len(planned) - len(inside)} by themselves, {len(inside)} within wrappers, such as "
        f"`{inside[0]}`)"
        if inside
        else ""
    )
    if not missing:
        return f"{len(planned)} methods{which}"
    done = len(planned) - len(missing)
    return f"So far {done} of the {len(planned)} methods that the study plans{which}"


def _luck(results: Results) -> str:
    """How far that is, of the methods that were searched again."""
    found = searched_again(results)
    spread = pooled_spread(found)
    if spread is None:
        return ""
    searches = max(len(one.means) for one in found)
    return (f" (between {searches} searches of {count(len(found), 'leading method')} a deviation "
            f"of {spread:.2f} points, [measured](docs/protocol.md#tuning))")  # fmt: skip


def _beaten(one: Board) -> str:
    """The highest target that a method of this scenario beats, by the record rule."""
    found = [
        (verdict.target, line, verdict)
        for line in one.lines
        for verdict in line.records
        if verdict.beaten
    ]
    if not found:
        return ""
    target = max(value for value, _, _ in found)
    names = [f"`{line.name}`" for value, line, _ in found if value == target]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"- `{one.contest.title}`: {target:g} % is beaten by {', '.join(names[:3])}{more}."


def seconds(file: Path = SECONDS) -> str:
    """The fewest seconds to the targets, as `benchmarks/seconds.py` measured them."""
    heads = ["to", "who", ">mean, %", ">lower bound, one-sided 95 %", "outcome", ">training, s",
             ">whole process, s"]  # fmt: skip
    rows = [
        [f"{one['target']:g} %",
         f"`{one['method']}`, {one['scenario']}, {one['passes']:g} passes (`{one['study']}`)",
         f"{one['mean']:.2f}", f"{one['bound']:.2f}", one["outcome"],
         f"{one['train_seconds']:.2f}", f"{one['process_seconds']:.2f}"]
        for one in read_json(file)["targets"]
    ]  # fmt: skip
    return markdown_table(heads, rows) + "\n"


def write() -> None:
    """From the committed results."""
    marks.write(README, {"records": block()})
    marks.write(PAGE, {"records": table(), "seconds": seconds()})


if __name__ == "__main__":
    write()
