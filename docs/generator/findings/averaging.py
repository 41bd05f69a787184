"""What averaging of weights buys, at every budget there is."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain

from findings.charts import forest
from findings.effects import Effect, Pair, in_groups, split
from findings.finding import Finding, missing, table
from findings.group import COURSE
from findings.sources import Sources, cells_by_name
from findings.words import counted, listing, tested
from lenetlab.analysis.comparison import Side
from lenetlab.phrases import count, joined, passes

KEY = "averaging"
AVERAGED = {
    "ema+sgd": "sgd",
    "swa+sgd": "sgd",
    "polyak_ruppert+sgd": "sgd",
    "ema+muon": "muon",
    "schedule_free_sgd": "sgd",
    "schedule_free_adamw": "adamw",
}

SHOWN = """\
from lenetlab import table

averaged = {averaged}
for name in {names}:
    frame = table(f"results/{{name}}").to_pandas().query("role == 'final' and search == 1")
    plain = frame.query("scenario == 'plain'")
    runs = plain.pivot_table(index="seed", columns="method", values="accuracy")
    for one, other in averaged.items():
        if {{one, other}} <= set(runs):
            print(name, one, (runs[one] - runs[other]).agg(["mean", "std", "count"]).to_dict())"""


def finding(sources: Sources) -> Finding:
    """Averages against the method that they are around, or that they replace."""
    pairs: dict[float, list[Pair]] = {}
    for results in sources.ladder.values():
        cells = cells_by_name(results, "plain")
        here = [Pair(f"{one} to {other}", cells[one], cells[other])
                for one, other in AVERAGED.items() if one in cells and other in cells]  # fmt: skip
        pairs |= {results.passes: here} if here else {}
    if not pairs:
        return missing(KEY, "What averaging buys", COURSE)
    groups = in_groups(pairs)
    text = [f"After {passes(budget)} ({counted(here)}). {listing(split(here), 'what it averages')}"
            for budget, here in groups.items()]  # fmt: skip
    text.append(
        f"All {sum(map(len, pairs.values()))} are tested together. An average replaces a falling "
        "rate: where there is one, the rate may stay constant, and tuning may choose so. Each side "
        "has the recipe that tuning found for it at that budget."
    )
    rows = [[f"{budget:g}, `{one.name}`", *tested(one)]
            for budget, here in groups.items() for one in here]  # fmt: skip
    numbers = table(["passes, average", "difference, points", "p (Holm)", "n"], rows)
    drawn = {f"after {passes(budget)}": here for budget, here in groups.items()}
    figure = partial(forest, drawn, "points of test accuracy above the method without the average")
    shown = SHOWN.format(
        names=json.dumps(list(sources.ladder)), averaged=_dictionary([*chain(*pairs.values())])
    )
    about = "Averages less what they average"
    return Finding(
        KEY, _title(groups), text, {about: figure}, (numbers,), shown.splitlines(), python=True,
        rests_on=len(groups),
    )  # fmt: skip


def _title(groups: Mapping[float, Sequence[Effect]]) -> str:
    """Whose average gains, and whose loses, at how many of its budgets."""
    everything = [one for here in groups.values() for one in here]
    who = "Averages of weights in `plain`"
    gains, losses = _at_budgets(everything, "above"), _at_budgets(everything, "below")
    if not gains and not losses:
        cases = count(split(everything).tested, "case")
        return f"{who} gain nowhere that these seeds can show, in {cases}"
    said = f"gain for {joined(gains)}" if gains else "gain nowhere"
    said += f", and cost accuracy for {joined(losses)}" if losses else ""
    return f"{who} {said}"


def _at_budgets(effects: Sequence[Effect], where: Side) -> list[str]:
    """`ema+sgd` at 1 of 2 budgets, for those with any."""
    by_name: dict[str, list[Effect]] = {}
    for one in effects:
        by_name.setdefault(one.name.partition(" to ")[0], []).append(one)
    counts = {name: (sum(one.side == where for one in some), split(some).tested)
              for name, some in by_name.items()}  # fmt: skip
    return [f"`{name}` after {k} of {count(n, 'budget')}" for name, (k, n) in counts.items() if k]


def _dictionary(pairs: Sequence[Pair]) -> str:
    """Who averages what, of those that are there, in Python."""
    there = {pair.one.place.name: pair.other.place.name for pair in pairs}
    return json.dumps(there, indent=4)
