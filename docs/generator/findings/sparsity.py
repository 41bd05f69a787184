"""How far sparsity is free, and for whom not."""

from collections.abc import Sequence
from functools import partial
from itertools import takewhile

from findings.charts import Series, forest, in_turn, over, point
from findings.effects import Effect, Pair, in_pairs, split
from findings.finding import Finding, missing, table
from findings.group import COURSE
from findings.l2 import (
    SHOWN,
    WITHIN,
    by_family,
    more_than,
    scenario_less_plain,
    searched_twice,
    together,
)
from findings.searches import within_luck
from findings.sources import Sources
from findings.words import counted, dated, gap, listing, mean, tested
from lenetlab.analysis.intervals import Summary, summarise
from lenetlab.phrases import joined
from lenetlab.problem.model import CONSTRAINED as WEIGHTS
from lenetlab.problem.scenarios import BOUND
from lenetlab.records.cells import Cell, Results
from lenetlab.report.formats import two

KEY = "sparsity"
THINNER = """\
thin = table("results/frontier").to_pandas().query("role == 'final'")
print(thin.groupby(["method", "constraint.keep"]).accuracy.agg(["mean", "std", "count"]))"""
FRONTIER = "lenetlab study studies/frontier.toml --results results/frontier"


def finding(sources: Sources) -> Finding:
    """Scenario `sparse` less `plain`, and thinner nets beyond."""
    effects = scenario_less_plain(sources.course, "sparse")
    if sources.course is None or not effects:
        return missing(KEY, "How far sparsity is free", COURSE)
    luck = within_luck(sources.course)
    text = [f"At most {BOUND:,} of the {WEIGHTS:,} weights of fc1 and fc2, in pairs of equal seeds "
            f"({counted(effects)}). {listing(split(effects), 'itself with all weights')} "
            f"{searched_twice(luck)}",
            *together(sources.course, "sparse"),
            *_most(effects)]  # fmt: skip
    rests_on = 1 + len(together(sources.course, "sparse"))
    figures = {"Sparse less plain, by family": partial(forest,
        {family.replace("_", " "): some for family, some in by_family(effects).items()},
        "points of test accuracy, sparse less plain", WITHIN)}  # fmt: skip
    heads = ["method", "sparse less plain, points", "p (Holm)", "n"]
    tables = [table(heads, [[f"`{one.name}`", *tested(one)] for one in effects])]
    thinner = _thinner(sources.frontier)
    if thinner:
        nets = in_pairs(thinner)
        text.append(_how_far(thinner, nets))
        tables.append(_table(thinner, nets))
        figures["Accuracy against weights that are left"] = partial(_figure, sources.frontier)
    else:
        text.append(f"Thinner nets are not computed; `{FRONTIER}` does.")
    shown = [*SHOWN.format(one="sparse").splitlines(), *(THINNER.splitlines() if thinner else ())]
    title = dated(sources.course.passes, _title(effects, luck))
    return Finding(KEY, title, text, figures, tables, shown, python=True, rests_on=rests_on)


def _title(effects: Sequence[Effect], luck: float | None) -> str:
    """Free where nothing can be shown to be lost; for whom not."""
    found = split(effects)
    n, kept = found.tested, f"{BOUND / WEIGHTS:.0%} of two layers’ weights".replace("%", " %")
    if not found.below:
        return f"with {kept} none of {n} methods loses accuracy that these seeds can show"
    names = [f"`{one.name}`" for one in found.below]
    if len(names) == n:
        return f"with {kept} all of {n} methods lose accuracy"
    few = len(names) < 5
    whom = f"{joined(names)} alone (of {n} methods)" if few else f"{len(names)} of {n} methods"
    return f"with {kept} a loss is shown for {whom}{more_than(found.below, luck)}"


def _most(effects: Sequence[Effect]) -> list[str]:
    """A tie is no proof of equality: what may be lost at most."""
    lows = [one.difference.low for one in split(effects).undecided if one.difference]
    if not lows:
        return []
    narrow = sorted(lows)[len(lows) // 2]
    return [f"A tie is no proof of equality: of half of these the interval leaves room for a loss "
            f"of {two(max(-narrow, 0.0))} points or more."]  # fmt: skip


def _kept(cell: Cell) -> int:
    return cell.finals[0].recorded.max_nonzeros or WEIGHTS


def _of_frontier(results: Results | None) -> list[Cell]:
    cells = [cell for cell in results.cells if cell.finals] if results else []
    return sorted(cells, key=lambda cell: (cell.place.method, -_kept(cell)))


def _thinner(results: Results | None) -> list[Pair]:
    """Every thinner net with its method's widest."""
    cells = _of_frontier(results)
    widest: dict[str, Cell] = {}
    for cell in cells:
        widest.setdefault(cell.place.method, cell)
    return [Pair(f"{cell.place.method}, {_kept(cell):,}", cell, widest[cell.place.method])
            for cell in cells if cell is not widest[cell.place.method]]  # fmt: skip


def _how_far(pairs: Sequence[Pair], effects: Sequence[Effect]) -> str:
    """Of each method the thinnest net down to which no loss can be shown."""
    said = []
    for method in dict.fromkeys(pair.one.place.method for pair in pairs):
        here = [(pair, one) for pair, one in zip(pairs, effects, strict=True)
                if pair.one.place.method == method]  # fmt: skip
        whole = list(takewhile(lambda each: each[1].side not in ("below", None), here))
        free = list(takewhile(lambda each: each[1].side != "borderline", whole))
        first, step = here[0]
        unsure = [f"{_kept(pair.one):,}" for pair, one in whole if one.side == "borderline"]
        if free:
            told = (f"`{method}` loses nothing that can be shown down to "
                    f"{_kept(free[-1][0].one):,} weights")  # fmt: skip
            told += f" (borderline at {joined(unsure)})" if unsure else ""
        elif step.difference is None:
            told = f"`{method}` is not compared at the first step down, {_kept(first.one):,}"
        elif step.side == "borderline":
            told = f"`{method}` is borderline at {joined(unsure)}"
        else:
            told = f"`{method}` loses with the first step down, to {_kept(first.one):,}"
        least, end = here[-1]
        said.append(f"{told}; at {_kept(least.one):,} it stands {gap(end.difference)} points to "
                    "its widest net")  # fmt: skip
    widest = max(_kept(pair.other) for pair in pairs)
    return (f"Thinner nets, each with the recipe that was tuned at {widest:,} weights, tested by "
            f"themselves ({counted(effects)}): {'; '.join(said)}.")  # fmt: skip


def _summary(cell: Cell) -> Summary | None:
    return summarise([row.accuracy for row in cell.finals if row.accuracy is not None])


def _table(pairs: Sequence[Pair], effects: Sequence[Effect]) -> str:
    rows = [[f"`{one.name}`", mean(_summary(pair.one)), *tested(one)]
            for pair, one in zip(pairs, effects, strict=True)]  # fmt: skip
    heads = ["method, weights", "accuracy, %", "to its widest net, points", "p (Holm)", "n"]
    return table(heads, rows)


def _figure(results: Results | None) -> str:
    series: dict[str, list[tuple[float, float, float, float]]] = {}
    for cell in _of_frontier(results):
        found = _summary(cell)
        if found:
            series.setdefault(cell.place.method, []).append(point(_kept(cell), found))
    return over(
        [Series(name, series[name], colour) for name, colour in in_turn(list(series)).items()],
        ("weights of fc1 and fc2 that are left", "test accuracy, %"), apart=0.03,
    )  # fmt: skip
