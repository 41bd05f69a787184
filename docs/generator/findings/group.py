"""Methods of a group against tuned SGD: at equal passes, and at equal CPU seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from findings.charts import forest
from findings.effects import Effect, Split, at_equal_seconds, on_board, split
from findings.finding import Finding, table
from findings.words import counted, gap, headline, listing, mean, p, sentence
from lenetlab.analysis.board import Board, board
from lenetlab.analysis.equal_time import REFERENCE, at_equal_time, limit
from lenetlab.phrases import passes
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest
from lenetlab.report.formats import two

COURSE = "lenetlab study studies/course.toml --results results/course"
SHOW = f"lenetlab compare results/course --scenario plain --against {REFERENCE}"


@dataclass(frozen=True)
class Group:
    """A group's effects in scenario `plain`. seconds : of the reference's whole budget."""

    results: Results
    board: Board
    effects: Sequence[Effect]
    timed: Sequence[Effect]
    seconds: float | None


def group(results: Results | None, names: Sequence[str]) -> Group | None:
    """Those of `names` that have finals beside SGD's; None where there are none."""
    if results is None:
        return None
    cells = results.within(Contest("plain"))
    if REFERENCE not in {cell.place.name for cell in cells if cell.finals}:
        return None
    found = board(results, Contest("plain"), against=REFERENCE)
    effects = on_board(found, names)
    if not any(line.runs for line in found.lines if line.name in names):
        return None
    timed = at_equal_seconds(cells, [one.name for one in effects])
    return Group(results, found, effects, timed, limit(cells))


def of_family(results: Results | None, *families: str) -> list[str]:
    """The methods of `families` in scenario `plain`, without what is around others."""
    if results is None:
        return []
    return [cell.place.name for cell in results.within(Contest("plain"))
            if cell.place.family in families and "+" not in cell.place.name]  # fmt: skip


def passes_and_seconds(key: str, who: str, found: Group, last: Sequence[str] = ()) -> Finding:
    """The finding of a group: a claim for equal passes, one for equal CPU seconds."""
    at_passes, at_seconds = split(found.effects), split(found.timed)
    budget = passes(found.results.passes)
    title = headline(at_passes, who, "tuned SGD") if at_passes.tested else f"{who}: not compared"
    if at_passes.tested and at_seconds.tested:
        title += f"; at its CPU time {how_many(at_seconds)} above it"
    if at_passes.tested and at_passes.untested:
        title += f" ({at_passes.tested} of {len(found.effects)} compared)"
    text = [f"After {budget}, in pairs of equal seeds ({counted(found.effects)}). "
            f"{listing(at_passes, 'SGD')}"]  # fmt: skip
    if at_seconds.tested and found.seconds is not None:
        claim = headline(at_seconds, who, "SGD")
        text.append(
            f"At equal CPU time, the {found.seconds:.3g} s that SGD takes for its {budget}: "
            f"{claim}. {listing(at_seconds, 'SGD')}"
        )
    rests_on = len(text)
    text += [_clock(found.results)] if rests_on > 1 else []
    text += last
    groups = {f"after {budget}": _sorted(found.effects)}
    if found.timed:
        groups["at SGD’s CPU time"] = _sorted(found.timed)
    figure = partial(forest, groups, "points of test accuracy above SGD")
    about = f"Differences to SGD of {', '.join(one.name for one in found.effects)}"
    return Finding(key, sentence(title), text, {about: figure}, (_table(found),), (SHOW,),
                   rests_on=rests_on)  # fmt: skip


def how_many(found: Split, what: str = "") -> str:
    """`none is`, `1 of 2 is`, `all are`; of `what`, ` cases`, if that is to be said."""
    n, above = found.tested, len(found.above)
    if not above:
        return "none is"
    return "all are" if above == n else f"{above} of {n}{what} {'is' if above == 1 else 'are'}"


def _clock(results: Results) -> str:
    return results.timed or (
        "Seconds are those of the runs themselves, the median over the seeds; what else ran beside "
        "is not recorded. A dear method is cut off in the middle of its schedule there."
    )


def _sorted(effects: Sequence[Effect]) -> list[Effect]:
    tested = [one for one in effects if one.difference]
    return sorted(tested, key=lambda one: -one.difference.mean if one.difference else 0.0)


def _table(found: Group) -> str:
    heads = ["method", "accuracy, %", "to SGD, points", "p (Holm)", "at SGD’s CPU time, %",
             "to SGD there, points", "passes there", "n"]  # fmt: skip
    lines = {line.name: line for line in found.board.lines}
    timed = {one.name: one for one in found.timed}
    cells = found.results.within(Contest("plain"))
    there = {at.name: at for at in at_equal_time(cells, found.seconds)} if found.seconds else {}
    rows = []
    for name in (REFERENCE, *(one.name for one in _sorted(found.effects))):
        line, at = lines[name], there.get(name)
        rows.append([
            f"`{name}`", mean(line.accuracy), gap(line.difference), p(line.difference),
            two(at.accuracy) if at else "–", gap(timed[name].difference if name in timed else None),
            f"{at.passes:.3g}" if at else "–", str(line.accuracy.n if line.accuracy else 0),
        ])  # fmt: skip
    return table(heads, rows)
