"""How far the starter is from the front, and how much of the way its learning rate alone goes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from findings.charts import Series, over, point
from findings.effects import on_board, split
from findings.finding import Finding, missing, table
from findings.group import group, of_family
from findings.sources import Sources, whole_recipe
from findings.words import gap, listing, mean
from lenetlab.analysis.board import Board, Line, board
from lenetlab.analysis.targets import STARTER
from lenetlab.experiments.starter.recipe import baseline_recipe
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest
from lenetlab.report.colours import COLOURS
from lenetlab.report.formats import two

KEY = "rate"
COMMAND = (
    "lenetlab study studies/ablations/learning_rate.toml --results results/ablations/learning_rate"
)
NEAR = 0.5  # points within which a rate counts as good as the best


@dataclass(frozen=True)
class Tried:
    """A rate and a schedule, with their line of the leaderboard."""

    rate: float
    schedule: str
    line: Line


def finding(sources: Sources) -> Finding:
    """Rates alone, from the starter's to the best."""
    front = _front(sources.course)
    begin = [_distance(front)] if front else []
    results = sources.learning_rate
    tried = _tried(results) if results else []
    own = next((one for one in tried if (one.rate, one.schedule) == _starters()), None)
    if results is None or own is None or own.line.accuracy is None or own.line.failures:
        return missing(KEY, "What the learning rate alone explains", COMMAND, begin)
    compared = board(results, Contest("plain"), against=own.line.name)
    tried = _tried(results, compared)
    best = max([one for one in tried if _gains(one)] or tried, key=_mean)
    return Finding(
        KEY,
        _title(own, best, _alone(own, tried), front),
        (*begin, _rates(own, best, tried, front), *_momentum(sources.course)),
        {"Test accuracy against the learning rate, constant and cosine":
         partial(_figure, tried, front)},
        (_table(tried),),
        (f"lenetlab compare results/ablations/learning_rate --against '{own.line.name}'",),
        rests_on=len(begin) + 1,
    )  # fmt: skip


def _starters() -> tuple[float, str]:
    """Rate and schedule of the script."""
    recipe = baseline_recipe()
    return float(recipe.method.settings["lr"]), recipe.schedule.name  # type: ignore[arg-type]


def _front(course: Results | None) -> Line | None:
    """The leader of scenario `plain`, who was fixed on held-out images."""
    if course is None:
        return None
    lead = board(course, Contest("plain")).lead
    return lead if lead is not None and lead.accuracy is not None else None


def _distance(front: Line) -> str:
    assert front.accuracy is not None
    more = front.accuracy.mean - STARTER
    return (
        f"The starter script ends at {STARTER:.2f} % (seed 42). The leader of scenario `plain`, "
        f"`{front.name}`, fixed on held-out images, ends at {mean(front.accuracy)} % "
        f"(n = {front.accuracy.n}): {two(abs(more))} points {'more' if more > 0 else 'less'}."
    )


def _tried(results: Results, found: Board | None = None) -> list[Tried]:
    """Every rate with finals, by schedule and rate."""
    lines = (found or board(results, Contest("plain"))).lines
    tried = []
    for line in lines:
        if line.runs:
            recipe = whole_recipe(line.cell.finals[0])
            rate = float(recipe.method.settings["lr"])  # type: ignore[arg-type]
            tried.append(Tried(rate, recipe.schedule.name, line))
    return sorted(tried, key=lambda one: (one.schedule, one.rate))


def _mean(one: Tried) -> float:
    """For comparing: a rate at which a run failed is no candidate."""
    return -math.inf if one.line.failures or not one.line.accuracy else one.line.accuracy.mean


def _gains(one: Tried) -> bool:
    """Whether a rate is above the starter's by more than luck."""
    return one.line.standing == "ahead"


def _alone(own: Tried, tried: Sequence[Tried]) -> Tried | None:
    """The best rate with the starter's schedule, if it is better than the starter's rate."""
    same = [one for one in tried if one.schedule == own.schedule and _gains(one)]
    return max(same, key=_mean) if same else None


def _title(own: Tried, best: Tried, alone: Tried | None, front: Line | None) -> str:
    if not _gains(best):
        return "No learning rate is better than the starter’s, as far as these seeds can show"
    gain, named = _mean(best) - _mean(own), f"{best.schedule} schedule"
    if alone is None:
        claim = f"A learning rate with a {named} is worth {gain:.1f}"
    else:
        claim = f"The learning rate alone is worth {_mean(alone) - _mean(own):.1f}"
    more = f", with a {named} {gain:.1f}" if alone is not None and alone is not best else ""
    if front is None or front.accuracy is None:
        return f"{claim} points{more}"
    whole = front.accuracy.mean - _mean(own)
    if gain >= whole:
        return f"{claim} points{more}, all of the way to the front"
    return f"{claim} of the {whole:.1f} points between starter and front{more}"


def _rates(own: Tried, best: Tried, tried: Sequence[Tried], front: Line | None) -> str:
    n = own.line.accuracy.n if own.line.accuracy else 0
    seeds = sorted(row.seed for row in own.line.cell.finals)
    said = [
        f"The starter’s method, batch and budget with its own rate, {own.rate:g} "
        f"{own.schedule}, end at {mean(own.line.accuracy)} % (n = {n}, seeds {seeds[0]} to "
        f"{seeds[-1]}), from where all points below and in the title are counted."
    ]
    if not _gains(best):
        return f"{said[0]} The highest mean of other rates is {mean(best.line.accuracy)} %, no " \
               "significant difference."  # fmt: skip
    said.append(
        f"With {best.rate:g}, {best.schedule}, and nothing else changed they end at "
        f"{mean(best.line.accuracy)} %, {gap(best.line.difference)} points more."
    )
    if front is not None and front.accuracy is not None and front.accuracy.mean > _mean(best):
        share = (_mean(best) - _mean(own)) / (front.accuracy.mean - _mean(own))
        said.append(f"That is {share:.0%} of the way to the front.".replace("%", " %"))
    for schedule in dict.fromkeys(one.schedule for one in tried):
        here = [one for one in tried if one.schedule == schedule]
        top = max(map(_mean, here))
        near = [one.rate for one in here if _mean(one) >= top - NEAR]
        if math.isfinite(top):
            said.append(f"Kept {schedule}," if schedule == "constant" else f"With {schedule},")
            said.append(f"the best is {two(top)} %, and within {NEAR:g} points of it lie the rates "
                        f"{', '.join(f'{rate:g}' for rate in near)}.")  # fmt: skip
    said.append("These rates were not chosen on held-out images: a best one among them was picked "
                "on the test set, which flatters it a little.")  # fmt: skip
    return " ".join(said)


def _momentum(course: Results | None) -> list[str]:
    """The next step of the way, in pairs with tuned SGD."""
    who = of_family(course, "momentum")
    found = group(course, who)
    if found is None or (sgd := found.board.lead) is None:
        return []
    return [
        f"Tuned on held-out images, batch size and warm-up as well, `sgd` ends at "
        f"{mean(sgd.accuracy)} %. Momentum on top of that, in pairs. "
        f"{listing(split(on_board(found.board, who)), 'it')}"
    ]


def _table(tried: Sequence[Tried]) -> str:
    rows = [
        [f"{one.schedule}, {one.rate:g}",
         f"failed ({len(one.line.failures)} of {one.line.runs})" if one.line.failures
         else mean(one.line.accuracy),
         gap(one.line.difference), str(one.line.accuracy.n if one.line.accuracy else 0)]
        for one in tried
    ]  # fmt: skip
    return table(["schedule, rate", "accuracy, %", "to the starter’s rate, points", "n"], rows)


def _figure(tried: Sequence[Tried], front: Line | None) -> str:
    series = []
    for i, schedule in enumerate(dict.fromkeys(one.schedule for one in tried)):
        found = [
            point(one.rate, accuracy)
            for one in tried
            if one.schedule == schedule
            and (accuracy := one.line.accuracy)
            and not one.line.failures
        ]
        series.append(Series(schedule, found, COLOURS[i % len(COLOURS)], dashed=bool(i)))
    marks = {"the starter": STARTER}
    if front is not None and front.accuracy is not None:
        marks[f"the leader, {front.name}"] = front.accuracy.mean
    return over(series, ("learning rate", "test accuracy, %"), marks)
