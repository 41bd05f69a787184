"""Methods of a group against tuned SGD, in every scenario: at equal passes, at equal CPU time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from markdown_table import markdown_table

from findings.charts import forests
from findings.effects import Effect, Split, at_equal_seconds, on_board, split
from findings.finding import Finding, table
from findings.sources import Sources
from findings.words import beyond, counted, gap, listing, mean, p, sentence
from lenetlab.analysis.board import Board, board
from lenetlab.analysis.equal_time import REFERENCE, at_equal_time, limit
from lenetlab.phrases import joined, passes
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest
from lenetlab.report.formats import points, two

COURSE = "lenetlab study studies/course.toml --results results/course"
SHOW = f"lenetlab compare results/course --scenario plain --against {REFERENCE}"
SCENARIOS = ("plain", "l2", "sparse")


@dataclass(frozen=True)
class Group:
    """A group's effects in a scenario, against SGD there. timed : when SGD has come to its end and
    they have had as much CPU time. seconds : of SGD's whole budget. unsure : who would stand
    otherwise there if a pass cost what a quartile of its measurements says."""

    results: Results
    scenario: str
    board: Board
    effects: Sequence[Effect]
    timed: Sequence[Effect]
    seconds: float | None
    unsure: Sequence[str] = ()


def group(
    results: Results | None,
    names: Sequence[str],
    scenario: str = "plain",
    between: Sequence[Results] = (),
) -> Group | None:
    """Those of `names` that have finals beside SGD's; None where there are none. `between` is the
    same study at the quartiles of its measured costs."""
    if results is None:
        return None
    contest = Contest(scenario)
    cells = results.within(contest)
    if REFERENCE not in {cell.place.name for cell in cells if cell.finals}:
        return None
    found = board(results, contest, against=REFERENCE)
    effects = on_board(found, names)
    if not any(line.runs for line in found.lines if line.name in names):
        return None
    there = [one.name for one in effects]
    timed = at_equal_seconds(cells, there)
    others = [at_equal_seconds(one.within(contest), there) for one in between]
    return Group(results, scenario, found, effects, timed, limit(cells), _unsure(timed, others))


def _unsure(timed: Sequence[Effect], others: Sequence[Sequence[Effect]]) -> list[str]:
    sides = [{one.name: one.side for one in each} for each in others]
    return [one.name for one in timed if any(each.get(one.name) != one.side for each in sides)]


def groups(sources: Sources, names: Sequence[str]) -> list[Group]:
    """The group in every scenario that has it."""
    found = (group(sources.course, names, scenario, sources.course_between)
             for scenario in SCENARIOS)  # fmt: skip
    return [one for one in found if one is not None]


def of_family(results: Results | None, *families: str) -> list[str]:
    """The methods of `families` in scenario `plain`, without what is around others."""
    if results is None:
        return []
    return [cell.place.name for cell in results.within(Contest("plain"))
            if cell.place.family in families and "+" not in cell.place.name]  # fmt: skip


def passes_and_seconds(
    key: str, who: str, found: Sequence[Group], luck: float | None, last: Sequence[str] = ()
) -> Finding:
    """The finding of a group: a claim for equal passes, one for equal CPU time, by scenario. luck :
    how far two searches may lie apart, in points."""
    text = [*(said(one) for one in found), *beyond_luck(found, luck)]
    rests_on = len(text)
    text += at_cpu_time(found)
    text += last
    figures: dict[str, Callable[[], str]] = {}
    about = f"Differences to SGD of {', '.join(one.name for one in found[0].effects)}"
    budget = passes(found[0].results.passes)
    for when, panels in (
        (f"after {budget}", {one.scenario: _sorted(one.effects) for one in found}),
        ("cut off at SGD’s CPU time", {one.scenario: _sorted(one.timed) for one in found}),
    ):
        if any(panels.values()):
            axis = f"points of test accuracy above SGD, {when}"
            figures[f"{about}, {when}"] = partial(forests, panels, axis)
    shown = [f"lenetlab compare results/course --scenario {one.scenario} --against {REFERENCE}"
             for one in found]  # fmt: skip
    in_paper = "\n\n".join((overview(who, found), *beyond_luck(found, luck)))
    return Finding(key, sentence(title(who, found)), text, figures, (_table(found),), shown,
                   rests_on=rests_on, instead=in_paper)  # fmt: skip


def title(who: str, found: Sequence[Group]) -> str:
    """How many end above SGD, in each scenario."""
    at_passes = [split(one.effects) for one in found]
    n = max(one.tested for one in at_passes)
    if not n:
        return f"{who}: not compared"
    each = [f"{_count(s, n)}{'' if i else f' of {n}'} in `{one.scenario}`"
            for i, (s, one) in enumerate(zip(at_passes, found, strict=True))]  # fmt: skip
    first = f"{who} that end above tuned SGD: {joined(each)}"
    at_seconds = [split(one.timed) for one in found]
    if any(one.tested for one in at_seconds):
        first += f"; cut off at its CPU time {joined([_count(s, n) for s in at_seconds])}"
    named = len(found[0].effects)
    return first if named == n else f"{first} ({n} of {named} compared)"


def beyond_luck(found: Sequence[Group], luck: float | None) -> list[str]:
    """How many of the differences that are shown could not be the luck of two searches."""
    shown = [one for each in found for one in split(each.effects).above + split(each.effects).below]
    if luck is None or not shown:
        return []
    more = [f"`{one.name}`" for one in shown if beyond([one], luck)]
    names = [f"{name} ({n} times)" if (n := more.count(name)) > 1 else name
             for name in dict.fromkeys(more)]  # fmt: skip
    return [f"Each recipe is from a search of its own. Of these {len(shown)} differences after "
            f"equal passes {len(more) or 'none'} {'is' if len(more) < 2 else 'are'} larger than "
            f"the {luck:.2f} points that two searches may lie apart"
            f"{': ' if names else ''}{joined(names) if names else ''}."]  # fmt: skip


def _count(found: Split, n: int) -> str:
    """`none`, `2`, `all`, `2 of 7` where fewer than `n` were tested."""
    above = len(found.above)
    if found.tested != n:
        return f"{above or 'none'} of {found.tested}"
    return "all" if above == n else str(above or "none")


def said(one: Group) -> str:
    """The paragraph of a scenario."""
    at_passes, at_seconds = split(one.effects), split(one.timed)
    budget = passes(one.results.passes)
    text = (f"In `{one.scenario}` after {budget}, in pairs of equal seeds "
            f"({counted(one.effects)}). {listing(at_passes, 'SGD', brief=True)}")  # fmt: skip
    if at_seconds.tested and one.seconds is not None:
        text += (f"\n\nCut off at the CPU time that SGD takes for it, {one.seconds:.3g} s. "
                 f"{listing(at_seconds, 'SGD', brief=True)}")  # fmt: skip
    there = {effect.name for effect in one.timed}
    early = [f"`{e.name}`" for e in one.effects if e.difference and e.name not in there]
    if early and one.seconds is not None:
        text += f" Not yet measured once by then: {joined(early)}."
    return text


def at_cpu_time(found: Sequence[Group]) -> list[str]:
    """How far the measurements lie before the cut, and which verdicts the measured costs carry."""
    if not any(one.timed for one in found):
        return []
    lost = f"{_lost(found):.0%}".replace("%", " %")
    unsure = [f"`{name}` in `{one.scenario}`" for one in found for name in one.unsure]
    said = (
        "What counts at the [cut](#how-to-read-them) is the last measurement before it, up to "
        f"{lost} of the time earlier."
    )
    if unsure:
        said += (
            " If a pass cost the lower or the upper quartile of what was measured, the verdict on "
            f"{joined(unsure)} would be another."
        )
    return [said]


def clock_said(results: Results | None) -> str:
    """What the seconds of a study are."""
    return (results and results.timed) or (
        "Seconds are those of the runs themselves, the median over the seeds; what else ran beside "
        "is not recorded."
    )


def _lost(found: Sequence[Group]) -> float:
    """The largest share of the time that is behind a method's last measurement."""
    shares = [0.0]
    for one in found:
        if one.seconds is None:
            continue
        names = {effect.name for effect in one.timed}
        cells = one.results.within(Contest(one.scenario))
        for at in at_equal_time(cells, one.seconds):
            if at.name in names and not at.whole:
                shares.append(1 - at.seconds / one.seconds)
    return max(shares)


def overview(who: str, found: Sequence[Group]) -> str:
    """A table for a paper: the differences to SGD in every scenario, marked by what is decided."""
    columns = [
        {e.name: e for e in effects} for one in found for effects in (one.effects, one.timed)
    ]
    names = [e.name for e in _sorted(found[0].effects)]
    heads = [head for one in found for head in (f">{one.scenario}", f">{one.scenario}, CPU")]
    rows = [[f"`{name}`", *(_marked(column.get(name)) for column in columns)] for name in names]
    budget = passes(found[0].results.passes)
    caption = (
        f"{sentence(who)}: points of test accuracy above tuned SGD after {budget}, and (CPU) cut "
        "off at the CPU time that SGD takes for them, in pairs of seeds. Bold: above or below it "
        "by the test corrected for the leaderboard and by the interval; in brackets: borderline."
    )
    return f"Table: {caption}\n\n{markdown_table(['method', *heads], rows)}"


def _marked(effect: Effect | None) -> str:
    if effect is None or effect.difference is None:
        return "–"
    text = points(effect.difference.mean)
    return {"above": f"**{text}**", "below": f"**{text}**", "borderline": f"({text})"}.get(
        effect.side or "", text
    )


def _sorted(effects: Sequence[Effect]) -> list[Effect]:
    tested = [one for one in effects if one.difference]
    return sorted(tested, key=lambda one: -one.difference.mean if one.difference else 0.0)


def _table(found: Sequence[Group]) -> str:
    heads = ["scenario, method", "accuracy, %", "to SGD, points", "p (Holm)",
             "at SGD’s CPU time, %", "to SGD there, points", "passes there", "n"]  # fmt: skip
    rows = []
    for one in found:
        lines = {line.name: line for line in one.board.lines}
        timed = {effect.name: effect for effect in one.timed}
        cells = one.results.within(Contest(one.scenario))
        there = {at.name: at for at in at_equal_time(cells, one.seconds)} if one.seconds else {}
        for name in (REFERENCE, *(effect.name for effect in _sorted(one.effects))):
            line, at = lines[name], there.get(name)
            rows.append([
                f"{one.scenario}, `{name}`", mean(line.accuracy), gap(line.difference),
                p(line.difference), two(at.accuracy) if at else "–",
                gap(timed[name].difference if name in timed else None),
                f"{at.passes:.3g}" if at else "–",
                str(line.accuracy.n if line.accuracy else 0),
            ])  # fmt: skip
    return table(heads, rows)
