"""What L2 regularisation does, family by family: the same method with and without it."""

from collections.abc import Sequence
from functools import partial
from statistics import median

from findings.charts import forest
from findings.effects import Effect, Pair, Split, in_pairs, split
from findings.finding import Finding, missing, table
from findings.group import COURSE
from findings.searches import within_luck
from findings.sources import Sources, cells_by_name
from findings.words import beyond, counted, dated, gap, listing, tested
from lenetlab.phrases import joined
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest
from lenetlab.report.formats import MISSING, points

KEY = "l2"
WITHIN = 3.0  # points that the figure shows
SEARCHED_TWICE = (
    "Each side has the recipe of its own search; how far another search would move a mean is in "
    "none of these intervals ([protocol](protocol.md#tuning))."
)
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
    found, families = split(effects), by_family(effects)
    text = [
        f"In pairs of equal seeds, each side tuned for itself ({counted(effects)}). "
        f"{listing(found, 'itself without L2')} {SEARCHED_TWICE}",
        *_norms(sources.course, effects),
    ]
    tables = (
        _families(families),
        table(["method", "l2 less plain, points", "p (Holm)", "n"],
              [[f"`{one.name}`", *tested(one)] for one in effects]),
    )  # fmt: skip
    groups = {family.replace("_", " "): some for family, some in families.items()}
    figure = partial(forest, groups, "points of test accuracy, l2 less plain", WITHIN)
    about = "L2 less plain, by family"
    shown = SHOWN.format(one="l2").splitlines()
    title = dated(sources.course.passes, _title(found, within_luck(sources.course)))
    return Finding(KEY, title, text, {about: figure}, tables, shown, python=True)


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
        return f"L2 helps none of {n} methods, and lowers {len(found.below)} of them"
    lowers = f", and lowers {len(found.below)}" if found.below else ""
    return f"L2 helps {len(found.above)} of {n} methods{more_than(found.above, luck)}{lowers}"


def more_than(effects: Sequence[Effect], luck: float | None) -> str:
    """How many `effects` the luck of two searches does not explain, where it is known."""
    if luck is None:
        return ""
    return f", {beyond(effects, luck) or 'none'} by more than two searches may ({luck:g} points)"


def _norms(course: Results | None, effects: Sequence[Effect]) -> list[str]:
    """Whether those gain that hold norms by themselves already."""
    if course is None:
        return []
    norms = {cell.place.name: cell.place.norms for cell in course.within(Contest("plain"))}
    bound = [one for one in effects if norms.get(one.name, "free") != "free" and one.difference]
    if not bound:
        return []
    gain = [one for one in bound if one.side == "above"]
    each = joined([f"`{one.name}` {gap(one.difference)}" for one in bound])
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
