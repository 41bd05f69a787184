"""A recorded recipe in words, and the command that computes its runs again. Needs no torch."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from lenetlab.settings import show

Recorded = Mapping[str, Any]
SIZE = 64  # of a batch that a recipe does not mention
BUDGET = ("epochs", 10)
KEEP = 24_480  # weights of fc1 and fc2 that a constraint leaves where it says nothing: 60 %


def method_of(recipe: Recorded) -> str:
    """The method with its wrappers around it, as in `ema+sgd`."""
    return "+".join([*(name for name, _ in recipe.get("wrappers", ())), recipe["method"][0]])


def weights_allowed(recipe: Recorded) -> int | None:
    """How many weights of fc1 and fc2 may be nonzero; None without a constraint."""
    constraint = recipe.get("constraint")
    return None if constraint is None else int(constraint[1].get("keep", KEEP))


def parts(recipe: Recorded) -> dict[str, str]:
    """What a recipe says beside its method, scenario and rules, each part as a person would say
    it. Batch size and budget are always there, the rest where it is not at its default."""
    said = dict(_settings("", recipe["method"][1]))
    for name, settings in recipe.get("wrappers", ()):
        said |= _settings(f"{name}.", settings)
    plan, its = recipe.get("plan", ("fixed", {}))
    size, more = its.get("size", SIZE), {key: its[key] for key in its if key != "size"}
    said["batch"] = f"batch {size}" + ("" if plan == "fixed" else f", {_choice(plan, more)}")
    if "schedule" in recipe:
        said["schedule"] = _choice(*recipe["schedule"])
    if "constraint" in recipe:
        said["constraint"] = f"under {_choice(*recipe['constraint'])}"
    if recipe.get("decay", "all") != "all":
        said["decay"] = f"decay of {recipe['decay']} alone"
    if "augmentation" in recipe:
        said["augmentation"] = "+".join(_choice(*part) for part in recipe["augmentation"])
    unit, amount = recipe.get("budget", BUDGET)
    said["budget"] = f"{show(amount)} {unit}"
    return said


def words(recipe: Recorded) -> str:
    """The recipe in one line, as in `muon: lr=0.08, batch 512, linear:warmup=0.1, 10 passes`."""
    return f"{method_of(recipe)}: {', '.join(parts(recipe).values())}"


def command(
    recipe: Recorded, seed: int = 0, seeds: int = 1, numerics: Mapping[str, Any] | None = None
) -> str:
    """`lenetlab run …` for a shell: the runs of `recipe` with `seeds` seeds from `seed` up.

    On a machine with the same `numerics` it computes the same bits.
    """
    return shlex.join(["lenetlab", "run", *_arguments(recipe, seed, seeds, numerics or {})])


def _arguments(
    recipe: Recorded, seed: int, seeds: int, numerics: Mapping[str, Any]
) -> Iterator[str]:
    yield method_of(recipe)
    yield from _set("", recipe["method"][1])
    for wrapper, its in recipe.get("wrappers", ()):
        yield from _set(f"{wrapper}.", its)
    plan, its = recipe.get("plan", ("fixed", {}))
    yield from _part("plan", plan, "fixed", its, "size", "batch-size", SIZE)
    schedule, its = recipe.get("schedule", ("constant", {}))
    yield from _part("schedule", schedule, "constant", its, "warmup", "warmup", None)
    unit, amount = recipe.get("budget", BUDGET)
    yield from (f"--{unit}", show(amount))
    for name in ("scenario", "rules", "split", "decay"):
        if name in recipe:
            yield from (f"--{name}", recipe[name])
    if "constraint" in recipe:
        constraint, its = recipe["constraint"]
        yield from ("--constraint", constraint)
        yield from _set("constraint.", its)
    if "augmentation" in recipe:
        yield from ("--augment", "+".join(_choice(*part) for part in recipe["augmentation"]))
    if numerics.get("engine", "native") != "native":
        yield from ("--engine", numerics["engine"])
        if "threads" in numerics:
            yield from ("--threads", str(numerics["threads"]))
    yield from ("--seed", str(seed))
    if seeds > 1:
        yield from ("--seeds", str(seeds))


def _part(
    part: str, name: str, usual: str, settings: Recorded, own: str, option: str, default: Any
) -> Iterator[str]:
    """Plan or schedule; its setting `own` has an `option` of its own."""
    if name != usual:
        yield from (f"--{part}", name)
    value = settings.get(own, default)
    if value is not None:
        yield from (f"--{option}", show(value))
    yield from _set(f"{part}.", {key: settings[key] for key in settings if key != own})


def _set(prefix: str, settings: Recorded) -> Iterator[str]:
    for name, value in settings.items():
        yield from ("--set", f"{prefix}{name}={show(value)}")


def _settings(prefix: str, settings: Recorded) -> dict[str, str]:
    return {f"{prefix}{key}": f"{prefix}{key}={show(value)}" for key, value in settings.items()}


def _choice(name: str, settings: Recorded) -> str:
    given = ",".join(f"{key}={show(value)}" for key, value in settings.items())
    return f"{name}:{given}" if given else name
