"""The command that computes a run again, from its recipe as it is recorded."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from lenetlab.results import Row
from lenetlab.settings import show

SIZE = 64  # of a batch that a recipe does not mention
BUDGET = ("epochs", 10)


def command(row: Row, seeds: int = 1) -> str:
    """`lenetlab run …` for `row`, to be pasted into a shell; with `seeds` from the row's own up.

    Given on a machine with the same numerics, it computes the same bits.
    """
    return shlex.join(["lenetlab", "run", *_words(row.recipe, row.numerics, row.seed, seeds)])


def _words(
    recipe: Mapping[str, Any], numerics: Mapping[str, Any], seed: int, seeds: int
) -> Iterator[str]:
    name, settings = recipe["method"]
    wrappers = recipe.get("wrappers", [])
    yield "+".join([*(wrapper for wrapper, _ in wrappers), name])
    yield from _set(settings)
    for wrapper, its in wrappers:
        yield from _set(its, f"{wrapper}.")
    yield from _plan(*recipe.get("plan", ("fixed", {})))
    yield from _schedule(*recipe.get("schedule", ("constant", {})))
    unit, amount = recipe.get("budget", BUDGET)
    yield from (f"--{unit}", show(amount))
    for part in ("scenario", "rules", "split", "decay"):
        if part in recipe:
            yield from (f"--{part}", recipe[part])
    if "constraint" in recipe:
        constraint, its = recipe["constraint"]
        yield from ("--constraint", constraint)
        yield from _set(its, "constraint.")
    if "augmentation" in recipe:
        yield from ("--augment", "+".join(_choice(*part) for part in recipe["augmentation"]))
    if numerics.get("engine", "native") != "native":
        yield from ("--engine", numerics["engine"])
        if "threads" in numerics:
            yield from ("--threads", str(numerics["threads"]))
    yield from ("--seed", str(seed))
    if seeds > 1:
        yield from ("--seeds", str(seeds))


def _plan(name: str, settings: Mapping[str, Any]) -> Iterator[str]:
    rest = dict(settings)
    yield from ("--batch-size", show(rest.pop("size", SIZE)))
    if name != "fixed":
        yield from ("--plan", name)
    yield from _set(rest, "plan.")


def _schedule(name: str, settings: Mapping[str, Any]) -> Iterator[str]:
    rest = dict(settings)
    if name != "constant":
        yield from ("--schedule", name)
    if "warmup" in rest:
        yield from ("--warmup", show(rest.pop("warmup")))
    yield from _set(rest, "schedule.")


def _set(settings: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in settings.items():
        yield from ("--set", f"{prefix}{name}={show(value)}")


def _choice(name: str, settings: Mapping[str, Any]) -> str:
    given = ",".join(f"{key}={show(value)}" for key, value in settings.items())
    return f"{name}:{given}" if given else name
