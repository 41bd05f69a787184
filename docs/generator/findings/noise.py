"""What noise reduction buys, and at which batch size."""

from collections.abc import Sequence
from functools import partial
from statistics import median

from findings.charts import Series, in_turn, over
from findings.effects import Effect, Pair, Split, in_pairs, on_board, split
from findings.finding import Finding, missing, table
from findings.group import group
from findings.sources import Sources, whole_recipe
from findings.words import counted, gap, listing, mean, size, tested
from lenetlab.analysis.equal_time import REFERENCE
from lenetlab.analysis.intervals import summarise
from lenetlab.phrases import joined, passes
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.contest import Contest

NEAR = 0.85  # of the largest rate that was tried: at the border
KEY = "noise"
COMMAND = "lenetlab study studies/ablations/noise.toml --results results/ablations/noise"
ESTIMATORS = ("svrg+sgd", "saga+sgd", "storm+sgd")
AVERAGES = ("ema+sgd",)
SHOWN = """\
from lenetlab import table

frame = table("results/ablations/noise").to_pandas().query("role == 'final'")
runs = frame.pivot_table(index=["batch_size", "seed"], columns="method", values="accuracy")
print(runs.sub(runs["sgd"], axis=0).groupby("batch_size").agg(["mean", "std", "count"]))"""


def finding(sources: Sources) -> Finding:
    """Estimators of less variance, and an average of weights, against SGD of the same batch."""
    results = sources.noise
    pairs = _pairs(results) if results else []
    if results is None or not pairs:
        return missing(KEY, "What noise reduction buys", COMMAND, _course(sources.course))
    effects = in_pairs(pairs)
    estimators = [one for one in effects if one.name.startswith(ESTIMATORS)]
    averages = [one for one in effects if one not in estimators]
    found = split(estimators)
    text = [f"After {passes(results.passes)}, each tuned at every batch size, in pairs of equal "
            f"seeds ({counted(effects)}). {listing(found, 'SGD of the same batch')}"]  # fmt: skip
    text += [_steps(pairs), *_border(pairs)]
    rests_on = len(text)
    if averages:
        text.append(f"An average of weights instead of a better estimate: "
                    f"{listing(split(averages), 'SGD of the same batch')}")  # fmt: skip
    cells = results.within(Contest("plain"))
    if waiting := [f"`{cell.place.name}`" for cell in cells if not cell.finals]:
        text.append(f"Without finals, so in no pair: {joined(waiting)}.")
    text += [*_course(sources.course)]
    figure = partial(_figure, pairs, effects)
    about = "Differences to SGD of the same batch size"
    return Finding(
        KEY,
        _title(found),
        text,
        {about: figure},
        (_table(pairs, effects),),
        SHOWN.splitlines(),
        python=True,
        rests_on=rests_on,
    )


def _title(found: Split) -> str:
    """Whether an estimator gains anywhere."""
    n = found.tested
    if not n:
        return "What noise reduction buys: nothing could be compared"
    if len(found.above) == n:
        return f"Gradient estimators of less variance gain {size(found.above)} at every batch size"
    if len(found.below) == n:
        return f"Gradient estimators of less variance cost {size(found.below)} at every batch size"
    if len(found.undecided) == n:
        return "No gradient estimator of less variance can be told from SGD, at any batch size"
    more = f", and cost accuracy in {len(found.below)}" if found.below else ""
    if not found.above:
        return (
            f"Gradient estimators of less variance gain in none of {n} cases{more}, at equal "
            "passes and by the rates that were tried"
        )
    best = found.above[0]
    return (f"Gradient estimators of less variance gain in {len(found.above)} of {n} cases, "
            f"most by `{best.name}` ({gap(best.difference)}){more}, at equal passes")  # fmt: skip


def _steps(pairs: Sequence[Pair]) -> str:
    """At equal passes who asks for more gradients a step makes fewer of them."""
    usual = max(pairs, key=lambda pair: batch_of(pair.other) == 64).other
    batch = batch_of(usual)
    made = {REFERENCE: usual, **{pair.one.place.method: pair.one for pair in pairs
                                   if batch_of(pair.one) == batch}}  # fmt: skip
    each = [f"`{name}` {round(median(row.steps for row in cell.finals if row.steps)):,}"
            for name, cell in made.items()]  # fmt: skip
    return f"Budgets are equal in passes, not in steps: at batch {batch}, {joined(each)} steps."


def _border(pairs: Sequence[Pair]) -> list[str]:
    """Whose rate is the largest that was tried, or nearly: a wider range might have served it."""
    named = []
    every = {id(cell): cell for pair in pairs for cell in (pair.one, pair.other)}
    for cell in every.values():
        tried = max((_rate(row) for row in cell.trials), default=0.0)
        kept = _rate(cell.finals[0])
        if tried and kept >= NEAR * tried:
            named.append(f"`{cell.place.method}, batch {batch_of(cell)}` ({kept:.3g} of at most "
                         f"{tried:.3g})")  # fmt: skip
    if not named:
        return []
    near = f"{1 - NEAR:.0%}".replace("%", " %")
    return [
        f"The rate that was kept is the largest that was tried, or within {near} of it, for "
        f"{joined(named)}: a wider range might serve these better."
    ]


def _rate(row: RunRow) -> float:
    return float(whole_recipe(row).method.settings["lr"])  # type: ignore[arg-type]


def batch_of(cell: Cell) -> int:
    """Its finals' batch size."""
    return int(whole_recipe(cell.finals[0]).plan.settings["size"])  # type: ignore[arg-type]


def _pairs(results: Results) -> list[Pair]:
    """Every method and the reference at equal batch sizes."""
    cells = [cell for cell in results.within(Contest("plain")) if cell.finals]
    plain = {batch_of(cell): cell for cell in cells if cell.place.method == REFERENCE}
    pairs = [
        Pair(f"{cell.place.method}, batch {batch}", cell, plain[batch])
        for cell in cells
        if cell.place.method in (*ESTIMATORS, *AVERAGES) and (batch := batch_of(cell)) in plain
    ]
    order = (*ESTIMATORS, *AVERAGES)
    return sorted(pairs, key=lambda pair: (order.index(pair.one.place.method), batch_of(pair.one)))


def _course(course: Results | None) -> list[str]:
    """What the study of all families has of it, where batch sizes are tuned too."""
    found = group(course, (*ESTIMATORS, "sag+sgd", "sarah+sgd"))
    if found is None:
        return []
    effects = on_board(found.board, [one.name for one in found.effects])
    return [f"In the study of all methods, batch size tuned too, after "
            f"{passes(found.results.passes)}. {listing(split(effects), 'SGD')}"]  # fmt: skip


def _table(pairs: Sequence[Pair], effects: Sequence[Effect]) -> str:
    rows = [
        [f"`{one.name}`", *(_accuracy(cell) for cell in (pair.one, pair.other)), *tested(one)]
        for pair, one in zip(pairs, effects, strict=True)
    ]  # fmt: skip
    return table(["method", "accuracy, %", "SGD, %", "difference", "p (Holm)", "n"], rows)


def _accuracy(cell: Cell) -> str:
    return mean(summarise([row.accuracy for row in cell.finals if row.accuracy is not None]))


def _figure(pairs: Sequence[Pair], effects: Sequence[Effect]) -> str:
    methods = list(dict.fromkeys(pair.one.place.method for pair in pairs))
    series = []
    for name, colour in in_turn(methods).items():
        found = [
            (float(batch_of(pair.one)), d.mean, d.low, d.high)
            for pair, one in zip(pairs, effects, strict=True)
            if pair.one.place.method == name and (d := one.difference)
        ]
        series.append(Series(name, found, colour))
    return over(series, ("batch size", "points above SGD of that batch"), {"SGD": 0.0}, apart=0.06)
