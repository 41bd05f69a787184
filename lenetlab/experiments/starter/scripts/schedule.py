"""Which schedule of ours moves the rate as a script moved it: proposed by its schedulers or by the
rates themselves, and believed only where it gives the rates that were seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.schedules import choose_schedule, make_schedule
from lenetlab.experiments.starter.scripts.record import Record, Scheduler, Trained
from lenetlab.settings import show

AGREE = 0.01  # of the rate that was seen
PLACES = 6  # steps by which a rate may lead or lag: where warm-ups count from, how cycles end


@dataclass(frozen=True)
class Found:
    """A schedule of ours: the initial `rate`, name and settings.

    words : what the script does, for a person. others : what ours does not.
    """

    rate: float
    words: str
    name: str = "constant"
    settings: dict[str, Any] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Proposal:
    name: str
    settings: dict[str, Any]
    rate: float


def schedule_of(record: Record, index: int, batches: int) -> Found:
    """The schedule of the optimizer number `index`, whose epochs have `batches` steps."""
    it = record.trained[index]
    own = [s for s in record.schedulers if s.of == index and s.stepped > 0]
    inside = {id(record.schedulers[k]) for s in own for k in s.inside}
    own = [s for s in own if id(s) not in inside]
    words = ", ".join(f"{_words(s, record)}, stepped {s.stepped:,} times" for s in own) or _seen(it)
    others = [f"{key} of its optimizer is moved too" for key in it.moved if key != "initial_lr"]
    first = it.rates[0][1]
    if not first > 0:
        return Found(first, words, others=[*others, "it has no rate to begin with"])
    plateau = next((s for s in own if s.name == "ReduceLROnPlateau"), None)
    if plateau is not None and len(own) == 1:
        return _plateau(plateau, first, words, others)
    for proposal in (*_from_schedulers(record, own, it), *_from_rates(it, batches)):
        if _agrees(proposal, it):
            return Found(proposal.rate, words, proposal.name, proposal.settings, others)
    return Found(first, words, others=[*others, "no schedule here moves the rate as it does"])


def _words(scheduler: Scheduler, record: Record) -> str:
    usual = scheduler.defaults
    changed = {k: v for k, v in scheduler.settings.items() if k not in usual or v != usual[k]}
    parts = [record.schedulers[k] for k in scheduler.inside]
    inner = f" of {', '.join(_words(part, record) for part in parts)}" if parts else ""
    settings = " ".join(f"{key}={shown(value)}" for key, value in changed.items())
    return f"{scheduler.name} {settings}".strip() + inner


def shown(value: Any) -> str:
    """A setting for a person."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(tuple(value)) if isinstance(value, list) else show(value)


def _seen(it: Trained) -> str:
    if len(it.rates) == 1:
        return "constant rate"
    rates = [rate for _, rate in it.rates]
    return f"rate moved by hand {len(rates) - 1:,} times, {rates[0]:.3g} to {rates[-1]:.3g}"


def _plateau(scheduler: Scheduler, first: float, words: str, others: list[str]) -> Found:
    said = scheduler.settings
    low = said["min_lr"]
    settings = {
        "gamma": said["factor"],
        "patience": said["patience"],
        "threshold": said["threshold"],
        "every": 1 / scheduler.stepped,
        "floor": 0.0 if isinstance(low, list) else low / first,
    }
    if said["mode"] != "min" or said["threshold_mode"] != "rel" or said["cooldown"]:
        return Found(first, words, others=[*others, "its plateau is judged in a way of its own"])
    note = "its plateau watches what the script gives it, the recipe's the mean training loss"
    return Found(first, words, "plateau", settings, [*others, note])


def _from_schedulers(record: Record, own: Sequence[Scheduler], it: Trained) -> list[_Proposal]:
    """What the schedulers say of themselves, where there is one, or a warm-up and another. One with
    settings of another form (a rate for every group, say) proposes nothing."""
    try:
        return list(_proposed(record, own, it))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return []


def _proposed(record: Record, own: Sequence[Scheduler], it: Trained) -> Iterator[_Proposal]:
    if len(own) != 1:
        return
    (scheduler,) = own
    first = it.rates[0][1]
    total = scheduler.stepped
    held = {} if total > it.steps / 2 else {"stages": total}  # stepped by epochs
    if scheduler.name == "SequentialLR" and len(scheduler.inside) == 2:
        rise, then = (record.schedulers[k] for k in scheduler.inside)
        (until,) = scheduler.settings["milestones"]
        if rise.name != "LinearLR" or rise.settings["end_factor"] != 1 or until >= total:
            return
        rate = it.groups[0].get("initial_lr", first)
        warm = {"warmup": until / total, "warmup_from": rise.settings["start_factor"]}
        for name, settings in _course(then, total - until, rate):
            yield _Proposal(name, {**settings, **warm, **held}, rate)
    elif scheduler.name == "LinearLR" and scheduler.settings["end_factor"] == 1:
        start, length = scheduler.settings["start_factor"], scheduler.settings["total_iters"]
        warm = {"warmup": length / total, "warmup_from": start}
        yield _Proposal("constant", {**warm, **held}, it.groups[0].get("initial_lr", first))
    elif scheduler.name == "OneCycleLR":
        said = scheduler.settings
        best = _common(said["max_lr"])
        start, end = 1 / said["div_factor"], 1 / said["div_factor"] / said["final_div_factor"]
        yield _Proposal(
            "one-cycle", {"rise": said["pct_start"], "start": start, "floor": end, **held}, best
        )
    else:
        for name, settings in _course(scheduler, total, first):
            yield _Proposal(name, {**settings, **held}, first)


def _common(rates: float | list[float]) -> float:
    """The rate of all groups; `ValueError` where each has another."""
    if not isinstance(rates, list):
        return rates
    (rate,) = set(rates)
    return rate


def _course(scheduler: Scheduler, total: int, rate: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """A scheduler that begins at `rate`, over `total` of its own steps."""
    said = scheduler.settings
    match scheduler.name:
        case "StepLR":
            yield "step", {"gamma": said["gamma"], "every": said["step_size"] / total}
        case "ExponentialLR":
            yield "step", {"gamma": said["gamma"], "every": 1 / total}
        case "MultiStepLR":
            milestones = tuple(m / total for m in said["milestones"] if m < total)
            yield "multi-step", {"gamma": said["gamma"], "milestones": milestones}
        case "PolynomialLR":
            length = said["total_iters"] / total
            yield "polynomial", {"power": said["power"], "length": length}
        case "CosineAnnealingLR":
            length = said["T_max"] / total
            yield "cosine", {"floor": said["eta_min"] / rate, "length": length}
        case "CosineAnnealingWarmRestarts":
            first = said["T_0"] / total
            settings = {"first": first, "mult": said["T_mult"], "floor": said["eta_min"] / rate}
            yield "restarts", settings
        case "LinearLR" if said["start_factor"] == 1:
            length = said["total_iters"] / total
            yield "linear", {"floor": said["end_factor"], "length": length}


def _from_rates(it: Trained, batches: int) -> Iterator[_Proposal]:
    """What rates alone suggest, whoever moved them: a constant, a line, a cosine, stairs."""
    first = it.rates[0][1]
    yield _Proposal("constant", {}, first)
    epochs = it.steps // batches if batches else 0
    for held in ({}, {"stages": epochs}) if epochs > 1 else ({},):
        yield _Proposal("linear", dict(held), first)
        yield _Proposal("cosine", dict(held), first)
    rates = [rate for _, rate in it.rates]
    ratios = [after / before for before, after in pairwise(rates) if before]
    if ratios and len(rates) <= 100 and max(ratios) - min(ratios) < 1e-6:
        milestones = tuple(step / it.steps for step, _ in it.rates[1:])
        yield _Proposal(
            "multi-step", {"gamma": round(ratios[0], 9), "milestones": milestones}, first
        )


def _agrees(proposal: _Proposal, it: Trained) -> bool:
    """Whether the proposal gives the rates that were seen, in all steps."""
    try:
        schedule = make_schedule(choose_schedule(proposal.name, proposal.settings))
    except UserError:
        return False
    largest = max(rate for _, rate in it.rates)
    changes = dict(it.rates)
    rate, missed = 0.0, 0
    for step in range(it.steps):
        rate = changes.get(step, rate)
        factor = 1.0 if schedule is None else schedule(step / it.steps, step)
        room = AGREE * rate + PLACES * largest / it.steps
        missed += abs(proposal.rate * factor - rate) > room
    return missed <= min(len(changes), 0.002 * it.steps)  # stairs may be a step early or late
