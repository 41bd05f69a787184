"""What L2 regularisation does, family by family: the same method with and without it."""

from collections.abc import Sequence
from functools import partial
from statistics import fmean, median, variance

from findings.charts import forest
from findings.effects import Effect, Pair, Split, in_pairs, split
from findings.finding import Finding, missing, table
from findings.group import COURSE
from findings.searches import within_luck
from findings.sources import Sources, cells_by_name, whole_recipe
from findings.words import beyond, counted, dated, gap, listing, tested
from lenetlab.analysis.comparison import FEWEST, WILD
from lenetlab.analysis.intervals import Summary, summarise
from lenetlab.phrases import joined
from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import Contest
from lenetlab.report.formats import MISSING, points

KEY = "l2"
WITHIN = 3.0  # points that the figure shows
SHOWN = """\
from lenetlab import table

frame = table("results/course").to_pandas().query("role == 'final' and search == 1")
runs = frame.pivot_table(index=["method", "seed"], columns="scenario", values="accuracy")
print((runs["{one}"] - runs["plain"]).groupby("method").agg(["mean", "std", "count"]))"""


def finding(sources: Sources) -> Finding:
    """Scenario `l2` less `plain`."""
    effects = scenario_less_plain(sources.course, "l2")
    if sources.course is None or not effects:
        return missing(KEY, "What L2 does to each family", COURSE)
    found, families, luck = split(effects), by_family(effects), within_luck(sources.course)
    text = [
        f"In pairs of equal seeds, each side tuned for itself ({counted(effects)}). "
        f"{listing(found, 'itself without L2')} {searched_twice(luck)}",
        *together(sources.course, "l2"),
        *_norms(sources.course, effects),
    ]
    rests_on = 1 + len(together(sources.course, "l2"))
    tables = (
        _families(families),
        table(["method", "l2 less plain, points", "p (Holm)", "n"],
              [[f"`{one.name}`", *tested(one)] for one in effects]),
    )  # fmt: skip
    groups = {family.replace("_", " "): some for family, some in families.items()}
    figure = partial(forest, groups, "points of test accuracy, l2 less plain", WITHIN)
    about = "L2 less plain, by family"
    shown = SHOWN.format(one="l2").splitlines()
    title = dated(sources.course.passes, _title(found, luck))
    return Finding(KEY, title, text, {about: figure}, tables, shown, python=True, rests_on=rests_on)


def searched_twice(luck: float | None) -> str:
    """What is in no interval: that each side was searched for itself."""
    apart = "" if luck is None else f", and two searches may lie {luck:.2f} points apart"
    return (f"Each side has the recipe of its own search{apart}: that is in none of these "
            "intervals ([protocol](protocol.md#tuning)).")  # fmt: skip


def scenario_less_plain(course: Results | None, scenario: str) -> list[Effect]:
    """Every method with finals in both, the greatest gain first."""
    if course is None:
        return []
    here, plain = cells_by_name(course, scenario), cells_by_name(course, "plain")
    found = in_pairs([Pair(name, here[name], plain[name]) for name in here if name in plain])
    return sorted(found, key=lambda one: -one.difference.mean if one.difference else 0.0)


def by_family(effects: Sequence[Effect]) -> dict[str, list[Effect]]:
    """The family with the greatest median first."""
    found: dict[str, list[Effect]] = {}
    for one in effects:
        found.setdefault(one.family, []).append(one)
    return dict(sorted(found.items(), key=lambda item: -(_median(item[1]) or 0.0)))


def _median(effects: Sequence[Effect]) -> float | None:
    means = [one.difference.mean for one in effects if one.difference]
    return median(means) if means else None


def _title(found: Split, luck: float | None) -> str:
    """How many gain, by more than the `luck` of two searches too, and how many lose."""
    n = found.tested
    if not found.above and not found.below:
        return f"L2 changes nothing that these seeds can show, for any of {n} methods"
    if not found.above:
        return f"with L2 none of {n} methods ends higher, and {len(found.below)} lower"
    lowers = f", and {len(found.below)} lower" if found.below else ""
    return (f"with L2, tuned anew, {len(found.above)} of {n} methods end higher"
            f"{more_than(found.above, luck)}{lowers}")  # fmt: skip


def more_than(effects: Sequence[Effect], luck: float | None) -> str:
    """How many `effects` the luck of two searches does not explain, where it is known."""
    if luck is None:
        return ""
    return f", {beyond(effects, luck) or 'none'} by more than the luck of two searches"


def together(course: Results, scenario: str) -> list[str]:
    """The mean over all methods but the wild: what none shows by itself may show in all."""
    here, plain = cells_by_name(course, scenario), cells_by_name(course, "plain")
    each = [_gaps(here[name], plain[name]) for name in here if name in plain]
    known = [gaps for gaps in each if len(gaps) > 1]
    if len(known) < FEWEST:
        return []
    bound = WILD * median(variance(gaps.values()) for gaps in known)
    calm = [gaps for gaps in known if variance(gaps.values()) <= bound]
    seeds = set.intersection(*(set(gaps) for gaps in calm))
    over_seeds = summarise([fmean(gaps[seed] for gaps in calm) for seed in sorted(seeds)])
    means = [fmean(gaps.values()) for gaps in calm]
    over_methods = summarise(means)
    if over_seeds is None or over_methods is None or over_methods.interval is None:
        return []
    return [
        f"On average over the {len(calm)} methods whose differences have at most {WILD:g} times "
        f"the median variance it changes {points(over_seeds.mean)} points, {_span(over_seeds)} "
        f"over seeds and {_span(over_methods)} over methods; the latter interval covers the luck "
        f"of searches too. For {sum(x < 0 for x in means)} of {len(means)} it is below 0."
    ]


def _gaps(one: Cell, other: Cell) -> dict[int, float]:
    there = {row.seed: row.accuracy for row in other.finals if row.accuracy is not None}
    return {row.seed: row.accuracy - there[row.seed] for row in one.finals
            if row.accuracy is not None and row.seed in there}  # fmt: skip


def _span(found: Summary) -> str:
    span = found.interval
    return "[–]" if span is None else f"[{points(span.low)}, {points(span.high)}]"


def _norms(course: Results | None, effects: Sequence[Effect]) -> list[str]:
    """Whether those gain that hold norms by themselves already."""
    if course is None:
        return []
    norms = {cell.place.name: cell.place.norms for cell in course.within(Contest("plain"))}
    bound = [one for one in effects if norms.get(one.name, "free") != "free" and one.difference]
    if not bound:
        return []
    cells = cells_by_name(course, "l2")
    decay = {one.name: whole_recipe(cells[one.name].finals[0]).weight_decay for one in bound}
    gain = [one for one in bound if one.side == "above"]
    each = joined([f"`{one.name}` {gap(one.difference)} (at a decay of {decay[one.name]:.2g})"
                   for one in bound])  # fmt: skip
    claim = f"{len(gain)} of {len(bound)} gain" if gain else "none gains"
    return [f"Of those that hold the norms of weights already, {claim}: {each}."]


def _families(families: dict[str, list[Effect]]) -> str:
    rows = []
    for family, some in families.items():
        found, middle = split(some), _median(some)
        rows.append([family.replace("_", " "), str(found.tested), str(len(found.above)),
                     str(len(found.tied)), str(len(found.borderline)), str(len(found.below)),
                     MISSING if middle is None else points(middle)])  # fmt: skip
    heads = ["family", "methods", "gain", "tied", "borderline", "lose", "median, points"]
    return table(heads, rows)
