"""Norm control under three names: weight decay, a ball, a sphere."""

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean

from findings.charts import forest
from findings.effects import Effect, Pair, in_groups, split
from findings.finding import Finding, missing, table
from findings.group import COURSE
from findings.l2 import more_than
from findings.searches import within_luck
from findings.sources import Sources, cells_by_name, whole_recipe
from findings.words import beyond, counted, dated, listing, mean, size, tested
from lenetlab.analysis.intervals import summarise
from lenetlab.phrases import count, passes
from lenetlab.records.cells import Cell, Results

KEY = "norms"
FREE = "muon"
SHOWN = """\
from lenetlab import table

frame = table("results/course").to_pandas().query("role == 'final' and search == 1")
runs = frame.pivot_table(index="seed", columns=["scenario", "method"], values="accuracy")
free = runs["plain", "muon"]
held = runs[[("l2", "muon"), ("plain", "frank_wolfe"), ("plain", "muon_hyperball")]]
print(held.sub(free, axis=0).agg(["mean", "std", "count"]))"""


def finding(sources: Sources) -> Finding:
    """Muon with decay, on a ball and on spheres, against Muon whose norms are free."""
    course = sources.course
    pairs = _pairs(course)
    if course is None or not pairs:
        return missing(KEY, "Norm control under three names", COURSE)
    others = [step for step in sources.ladder.values() if step.passes != course.passes]
    tested = in_groups({
        FREE: pairs, "soap": _of_soap(course), **{step.passes: _pairs(step) for step in others}
    })  # fmt: skip
    every = sum(split(some).tested for some in tested.values())
    effects, luck = tested.pop(FREE), within_luck(course)
    soap = tested.pop("soap")
    text = [
        "A Frank-Wolfe step on the ball of the spectral norm *is* a Muon step with decoupled decay "
        "by one over the radius ([protocol](protocol.md)); a sphere fixes what decay lets settle. "
        f"In pairs with `{FREE}` in scenario `plain`, whose norms are free ({counted(effects)}). "
        f"{listing(split(effects), 'free Muon')} This and what follows, "
        f"{count(every, 'difference')} in all, are tested together.",
        *_other_budgets(tested),
        *_luck(effects, luck, passes(course.passes)),
        *_to_soap(soap),
        *_settings(pairs),
    ]
    figure = partial(forest, {"": effects}, "points of test accuracy above free Muon")
    about = "Muon with its norms held, less Muon with free norms"
    return Finding(
        KEY,
        dated(course.passes, _title(effects) + more_than(effects, luck)),
        text,
        {about: figure},
        (_table(pairs, effects),),
        SHOWN.splitlines(),
        python=True,
        rests_on=len(text) - len(_settings(pairs)),
    )


def _pairs(results: Results | None) -> list[Pair]:
    if results is None:
        return []
    plain, l2 = cells_by_name(results, "plain"), cells_by_name(results, "l2")
    if FREE not in plain:
        return []
    held = {"decay (muon in l2)": l2.get(FREE), "a ball (frank_wolfe)": plain.get("frank_wolfe"),
            "spheres (muon_hyperball)": plain.get("muon_hyperball")}  # fmt: skip
    return [Pair(name, cell, plain[FREE]) for name, cell in held.items() if cell is not None]


def _of_soap(results: Results) -> list[Pair]:
    """The same around a method whose steps are not Muon's."""
    plain, l2 = cells_by_name(results, "plain"), cells_by_name(results, "l2")
    if not {"soap", "sphere+soap"} <= plain.keys():
        return []
    held = {"spheres (sphere+soap)": plain["sphere+soap"], "decay (soap in l2)": l2.get("soap")}
    return [Pair(name, cell, plain["soap"]) for name, cell in held.items() if cell is not None]


def _to_soap(effects: Sequence[Effect]) -> list[str]:
    if not effects:
        return []
    found = split(effects)
    gains = "gains by it too" if found.above else "does not gain by it"
    return [f"SOAP, whose steps are Adam's in another basis, {gains}: against `soap` in `plain` "
            f"({counted(effects)}). {listing(found, 'free SOAP')}"]  # fmt: skip


def _other_budgets(steps: Mapping[float, Sequence[Effect]]) -> list[str]:
    """The same for budgets that are smaller, where nets have less time to overfit."""
    said = [f"After {passes(budget)} ({counted(effects)}). {listing(split(effects), 'free Muon')}"
            for budget, effects in steps.items() if effects]  # fmt: skip
    return [f"It is worth that for this budget. {' '.join(said)}"] if said else []


def _luck(effects: Sequence[Effect], luck: float | None, budget: str) -> list[str]:
    """Every form has a search of its own, and so has Muon."""
    if luck is None:
        return []
    n = beyond(effects, luck)
    return [f"Each of these recipes is from a search of its own, with other batch sizes and rates: "
            f"{n or 'none'} of {len(effects)} differences after {budget} "
            f"{'is' if n < 2 else 'are'} larger than the {luck:.2f} points that two searches may "
            "lie apart."]  # fmt: skip


def _title(effects: Sequence[Effect]) -> str:
    found = split(effects)
    if found.tested and found.tested == len(found.above):
        return f"whatever its name, norm control is worth {size(effects)} to Muon"
    if found.tested == len(found.undecided):
        return "norm control is worth nothing to Muon that these seeds can show"
    return f"norm control helps Muon in {len(found.above)} of {found.tested} forms, and hurts it " \
           f"in {len(found.below)}"  # fmt: skip


def _settings(pairs: Sequence[Pair]) -> list[str]:
    """The ball's radius as a decay, beside the decay that was tuned."""
    found = {pair.one.place.method: whole_recipe(pair.one.finals[0]).method.settings
             for pair in pairs}  # fmt: skip
    radius = found.get("frank_wolfe", {}).get("radius")
    decay = found.get(FREE, {}).get("weight_decay")
    if not isinstance(radius, float | int) or not isinstance(decay, float | int):
        return []
    return [f"Tuning chose a radius of {radius:g}, which is a decay of {1 / radius:.2g}; in `l2` "
            f"it chose a decay of {decay:.2g}."]  # fmt: skip


def _table(pairs: Sequence[Pair], effects: Sequence[Effect]) -> str:
    rows = [["free (muon)", *_figures(pairs[0].other), "–", "–", str(len(pairs[0].other.finals))]]
    rows += [[one.name, *_figures(pair.one), *tested(one)]
             for pair, one in zip(pairs, effects, strict=True)]  # fmt: skip
    heads = ["norms", "accuracy, %", "mean loss", "to free Muon, points", "p (Holm)", "n"]
    return table(heads, rows)


def _figures(cell: Cell) -> list[str]:
    losses = [row.loss for row in cell.finals if row.loss is not None]
    accuracies = [row.accuracy for row in cell.finals if row.accuracy is not None]
    return [mean(summarise(accuracies)), f"{fmean(losses):.4f}" if losses else "–"]
