"""What second order is worth, for few passes and for many."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from findings import clock
from findings.charts import Series, in_turn, over
from findings.effects import Effect, split
from findings.finding import Finding, missing, table
from findings.group import (
    Group,
    at_cpu_time,
    beyond_luck,
    group,
    groups,
    overview,
    said,
)
from findings.searches import within_luck
from findings.sources import Sources
from findings.words import counted, gap, headline, listing, mean, sentence, size
from lenetlab.analysis.comparison import Difference
from lenetlab.analysis.equal_time import REFERENCE
from lenetlab.phrases import in_units, joined, passes
from lenetlab.records.cells import Results
from lenetlab.report.formats import points

OTHERS = ("muon", "ema+muon", "muon_hyperball", "frank_wolfe", "schedule_free_sgd")
KEY, WHO = "second_order", ("soap", "kfac", "psgd_kron", "shampoo")
LADDER = "lenetlab study studies/ladder/ladder-1.toml --results results/ladder-1"


def finding(sources: Sources) -> Finding:
    """Kronecker-factored methods against SGD, tuned for each budget."""
    every = {name: group(results, WHO) for name, results in sources.ladder.items()}
    steps = {name: one for name, one in every.items()
             if one and any(effect.difference for effect in one.effects)}  # fmt: skip
    if not steps:
        return missing(KEY, "What second order is worth", LADDER)
    first, *_, last = [*steps.values(), *steps.values()]
    text = [said(one) for one in ([first, last] if first is not last else [first])]
    course = groups(sources, WHO)
    text += [
        said(one)
        for one in course
        if one.scenario != "plain" and any(effect.difference for effect in one.effects)
    ]
    lucky = beyond_luck(course, within_luck(sources.course))
    text += lucky
    timed = clock.made_for([step.results for step in steps.values()], sources.costs, WHO)
    placed = clock.against_sgd(timed)
    told = clock.said(timed)
    text += [told] if told else []
    rests_on = len(text)
    if between := [f"{one.results.passes:g}" for one in steps.values() if one not in (first, last)]:
        text.append(f"After {joined(between)}: in the table.")
    text += at_cpu_time([first, last])
    if first is not last and first.results.timed:
        text.append(f"After {passes(first.results.passes)}: {first.results.timed}")
    text += _others(first.results)
    shown = [f"lenetlab compare results/{name} --scenario plain --against {REFERENCE}"
             for name in steps]  # fmt: skip
    figures = {"Second-order methods less SGD, by budget": partial(_figure, steps)}
    if placed:
        figures["Accuracy against CPU time of budgets"] = partial(clock.figure, timed)
    title = f"in `plain` {_title(list(steps.values()))}"
    title += _at_seconds(steps.values())
    tables = (_table(steps), *((clock.placed_table(placed),) if placed else ()))
    in_paper = [said(first), overview("Kronecker-factored methods", course), told,
                *lucky]  # fmt: skip
    return Finding(KEY, sentence(title), text, figures, tables, shown, rests_on=rests_on,
                   instead="\n\n".join(filter(None, in_paper)))  # fmt: skip


def _title(steps: Sequence[Group]) -> str:
    """Whether the gain at the least budget is more than at the greatest, method by method: by
    intervals that do not touch."""
    first, last = steps[0], steps[-1]
    few, many = in_units(first.results.passes), f"{last.results.passes:g}"
    early, late = split(first.effects), split(last.effects)
    if first is last:
        return headline(early, "Kronecker-factored methods", f"SGD after {few}")
    before, after = _by_name(first.effects), _by_name(last.effects)
    changes = [(before[name], after[name]) for name in before if name in after]
    shrinks = bool(changes) and all(a.low > b.high for a, b in changes)
    if shrinks and len(early.above) == early.tested:
        means = sorted(d.mean for _, d in changes)
        left = points(means[0]) + (f" to {points(means[-1])}" if len(means) > 1 else "")
        test = "" if len(late.above) == late.tested else (
            f" (above SGD by the test: {len(late.above)} of {late.tested})")  # fmt: skip
        return (f"Kronecker-factored steps pay when passes are few: {size(early.above)} after "
                f"{few}, {left} after {many}{test}")  # fmt: skip
    return (f"{headline(early, 'Kronecker-factored methods', f'SGD after {few}')}; after {many} "
            f"{headline(late, 'Kronecker-factored methods', 'it')}")  # fmt: skip


def _at_seconds(steps: Iterable[Group]) -> str:
    """What becomes of it at SGD's CPU time, over all budgets."""
    found = split(one for step in steps for one in step.timed)
    if not found.tested:
        return ""
    n = len(found.above)
    many = "all" if n == found.tested else f"{n or 'none'} of {found.tested} cases"
    return f"; cut off at SGD’s CPU time {many} above it"


def _by_name(effects: Sequence[Effect]) -> dict[str, Difference]:
    return {one.name: one.difference for one in effects if one.difference}


def _others(results: Results) -> list[str]:
    """Whether it takes second order: who else is ahead at the least budget."""
    found = group(results, OTHERS)
    if found is None:
        return []
    return [f"Others after {passes(results.passes)} ({counted(found.effects)}). "
            f"{listing(split(found.effects), 'SGD')}"]  # fmt: skip


def _figure(steps: Mapping[str, Group]) -> str:
    names = list(dict.fromkeys(e.name for step in steps.values() for e in step.effects))
    series = []
    for name, colour in in_turn(names).items():
        found = [(step.results.passes, d.mean, d.low, d.high) for step in steps.values()
                 for e in step.effects if e.name == name and (d := e.difference)]  # fmt: skip
        series += [Series(name, found, colour)] * bool(found)
    return over(series, ("effective passes, tuned for each", "points of test accuracy above SGD"),
                {"SGD": 0.0}, apart=0.03)  # fmt: skip


def _table(steps: Mapping[str, Group]) -> str:
    rows = []
    for step in steps.values():
        lines = {line.name: line for line in step.board.lines}
        timed = _by_name(step.timed)
        budget = f"{step.results.passes:g}"
        names = [REFERENCE, *(e.name for e in step.effects if lines[e.name].runs)]
        rows += [
            [
                f"{budget}, `{name}`",
                mean(lines[name].accuracy),
                gap(lines[name].difference),
                gap(timed.get(name)),
                str(accuracy.n if (accuracy := lines[name].accuracy) else 0),
            ]
            for name in names
        ]
    heads = ["passes, method", "accuracy, %", "to SGD, points", "at SGD’s CPU time, points", "n"]
    return table(heads, rows)
