"""What more passes do: the same recipes, tried for half the budget and confirmed for all of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from curves import INK, STYLE, svg
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy import stats

from findings.effects import Effect, accuracies, split, two_samples
from findings.finding import Finding, missing, table
from findings.group import COURSE
from findings.sources import Sources, cells_by_name
from findings.words import counted, listing, sentence
from lenetlab.analysis.at_budget import at_budgets
from lenetlab.analysis.intervals import summarise
from lenetlab.phrases import in_units, joined, p_value
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.report.colours import FAMILY_COLOURS
from lenetlab.report.formats import points

KEY = "horizon"
MUCH = 0.05  # nats, from where a growth of the loss is named in the title
WILD = 0.5  # nats, beyond which a loss is that of a net that has not been trained
SHOWN = """\
from lenetlab import table

frame = table("results/course").to_pandas().query("search == 1 and scenario == 'plain'")
held_out = frame[frame.role.isin(["trial", "confirmation"])]
print(held_out.groupby(["method", "role"])[["accuracy", "loss"]].agg(["mean", "count"]))"""


@dataclass(frozen=True)
class Longer:
    """A method whose confirmed recipes were tried for fewer passes. Means over these recipes:
    before, after : held-out loss, nats. change : of held-out accuracy, in points."""

    name: str
    family: str
    norms: str
    recipes: int
    before: float
    after: float
    change: float

    @property
    def growth(self) -> float:
        """Of the loss."""
        return self.after - self.before


def finding(sources: Sources) -> Finding:
    """Free norms against norms that are held, in `plain`."""
    course = sources.course
    plain = {one.name: one for one in longer(course, "plain") if one.before < WILD}
    if course is None or not plain:
        return missing(KEY, "What more passes do", COURSE)
    decayed = {one.name: one for one in longer(course, "l2")}
    few, many = course.tuning_passes, course.passes
    free = [one for one in plain.values() if one.norms == "free"]
    held = [one for one in plain.values() if one.norms != "free"]
    most = sorted((one for one in free if one.growth >= MUCH), key=lambda one: -one.growth)
    text = [
        f"Of every search the best recipes were tried once for {in_units(few)} and confirmed by "
        f"fresh seeds for {many:g}, on the same held-out images, with schedules that stretch. "
        f"Their loss grows by {MUCH:g} nats or more for "
        + joined([f"`{one.name}` ({one.before:.3f} to {one.after:.3f}; accuracy "
                  f"{points(one.change)})" for one in most])
        + f". For those that hold the norms of weights it goes {_each(held)}. Recipes were "
        "chosen by their accuracy in the trial, which flatters that of the trials, and most where "
        "they are noisy; the loss broke ties alone.",
        *_l2(course, plain, decayed),
        *_tuned_for_fewer(sources, most),
        f"So a ranking after {in_units(many)} in `plain` tells as much of what keeps a net from "
        "overfitting as of steps.",
    ]  # fmt: skip
    title = (f"in `plain`, by held-out loss {in_units(many)} are too many for {len(most)} of "
             f"{len(free)} methods with free norms: it grows by {MUCH:g} nats or more from {few:g} "
             f"to {many:g} passes")  # fmt: skip
    about = f"Held-out loss after {few:g} and after {many:g} passes of the same recipes"
    shown = sorted(plain.values(), key=lambda one: -one.growth)
    figures = {about: partial(_figure, shown, few, many)}
    return Finding(KEY, sentence(title), text, figures,
                   (_table(shown, decayed, few, many),), SHOWN.splitlines(), python=True,
                   rests_on=len(text))  # fmt: skip


def _tuned_for_fewer(sources: Sources, most: Sequence[Longer]) -> list[str]:
    """Whether those whose loss grows `most` end lower on the test set, too, than where they were
    tuned for the fewer passes."""
    course = sources.course
    assert course is not None
    step = next(
        (one for one in sources.ladder.values() if one.passes == course.tuning_passes), None
    )
    if step is None:
        return []
    many, few = ({one.line: one for one in at_budgets([results], "plain")}
                 for results in (course, step))  # fmt: skip
    both = [one for one in most if one.name in many and one.name in few]
    tests = two_samples([(accuracies(many[one.name].cell), accuracies(few[one.name].cell))
                         for one in both])  # fmt: skip
    effects = [Effect(one.name, one.family, test) for one, test in zip(both, tests, strict=True)]
    apart = f"themselves tuned for {in_units(step.passes)}"
    text = (f"On the test set accuracy says less ({counted(effects)}; Welch’s test for two "
            f"samples, tested together). {listing(split(effects), apart)}")  # fmt: skip
    return [text] if effects else []


def longer(course: Results | None, scenario: str) -> list[Longer]:
    """Every method with finals whose recipes were all confirmed without a failure."""
    found = []
    for cell in cells_by_name(course, scenario).values() if course else ():
        pairs = _pairs(cell)
        if pairs:
            before, after = zip(*pairs, strict=True)
            found.append(Longer(
                cell.place.name, cell.place.family, cell.place.norms, len(pairs),
                fmean(loss for _, loss in before), fmean(loss for _, loss in after),
                fmean(b - a for (a, _), (b, _) in pairs),
            ))  # fmt: skip
    return found


def _pairs(cell: Cell) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Accuracy and loss of each confirmed recipe: in its trial, and in the mean of its
    confirmations. Nothing where one of them failed."""
    trials = {_recipe(row): row for row in cell.trials}
    confirmed: dict[str, list[RunRow]] = {}
    for row in cell.confirmations:
        confirmed.setdefault(_recipe(row), []).append(row)
    found = []
    for recipe, runs in confirmed.items():
        rows = [trials[recipe], *runs] if recipe in trials else []
        figures = [(row.accuracy, row.loss) for row in rows]
        known = [(a, b) for a, b in figures if a is not None and b is not None]
        if len(known) != 1 + len(runs):
            return []
        found.append((known[0], (fmean(a for a, _ in known[1:]), fmean(b for _, b in known[1:]))))
    return found


def _recipe(row: RunRow) -> str:
    """What trial and confirmation have in common."""
    return json.dumps({k: v for k, v in row.recipe.items() if k != "budget"}, sort_keys=True)


def _each(some: list[Longer]) -> str:
    return joined([f"from {one.before:.3f} to {one.after:.3f} (`{one.name}`)" for one in some])


def _l2(course: Results, plain: dict[str, Longer], decayed: dict[str, Longer]) -> list[str]:
    """Whether L2 helps those most whose loss grows most without it."""
    ends = {scenario: {name: summarise([row.accuracy for row in cell.finals
                                        if row.accuracy is not None])
                       for name, cell in cells_by_name(course, scenario).items()}
            for scenario in ("plain", "l2")}  # fmt: skip
    gains = {name: two.mean - one.mean for name in plain
             if (one := ends["plain"].get(name)) and (two := ends["l2"].get(name))}  # fmt: skip
    both = [name for name in gains if name in decayed]
    if len(both) < 6:
        return []
    found = stats.spearmanr([plain[name].growth for name in both], [gains[name] for name in both])
    less = sum(decayed[name].growth < plain[name].growth for name in both)
    return [
        f"With L2, tuned anew, it grows less for {less} of {len(both)} methods. What L2 gains on "
        f"the test set and how much the loss grows without it go together by a rank correlation of "
        f"{found.statistic:.2f} (p = {p_value(found.pvalue)}, {len(both)} methods)."
    ]


def _table(shown: list[Longer], decayed: dict[str, Longer], few: float, many: float) -> str:
    rows = []
    for one in shown:
        other = decayed.get(one.name)
        rows.append([
            f"`{one.name}`", one.norms, f"{one.before:.3f}", f"{one.after:.3f}",
            f"{one.growth:+.3f}".replace("-", "−"), points(one.change),
            f"{other.growth:+.3f}".replace("-", "−") if other else "–", str(one.recipes),
        ])  # fmt: skip
    heads = ["method", "norms", f"loss, {few:g} passes", f"loss, {many:g}", "growth",
             "accuracy, points", "growth in l2", "recipes"]  # fmt: skip
    return table(heads, rows)


def _figure(shown: list[Longer], few: float, many: float) -> str:
    """A line a method from its loss after few passes to that after many."""
    with rc_context(STYLE):
        figure = Figure(figsize=(6.8, 0.7 + 0.22 * len(shown)), layout="constrained")
        axes = figure.subplots()
        for i, one in enumerate(shown):
            colour = FAMILY_COLOURS.get(one.family, INK)
            axes.annotate("", (one.after, i), (one.before, i),
                          arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.5,
                                      "shrinkA": 0, "shrinkB": 0})  # fmt: skip
            axes.plot(one.before, i, "o", color=colour, markersize=4)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        names = [one.name + ("" if one.norms == "free" else f" ({one.norms})") for one in shown]
        axes.set_yticks(range(len(shown)), names)
        axes.tick_params(axis="y", length=0)
        ends = [x for one in shown for x in (one.before, one.after)]
        axes.set_xlim(min(ends) - 0.01, max(ends) + 0.01)
        axes.set_xlabel(f"held-out loss: dot after {few:g} passes, arrow’s end after {many:g}")
        axes.grid(True, axis="x", alpha=0.2)
        axes.spines[["top", "right"]].set_visible(False)
        return svg(figure)
