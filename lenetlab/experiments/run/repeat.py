"""A recorded run computed again, on a runtime like its own."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from lenetlab.errors import Interrupted, UserError
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.identity import numerics_of
from lenetlab.experiments.run.on_disk import OnStep, execute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.records.numerics import numerics_differ
from lenetlab.records.run_folder import Run


class NotRepeatable(UserError):
    """A run cannot be trained again here; the message says why."""


@contextmanager
def repeated_run(
    run: Run, recipe: Recipe, data: Path | None, on_step: OnStep = lambda t, loss: None
) -> Iterator[Run]:
    """The run of that `recipe` trained again, however it ends, in a folder that is there until it
    has been looked at. Raises: `NotRepeatable` where the numerics differ, `UserError` where they
    are not to be had, `Interrupted` after a signal."""
    said = run.identity["numerics"]
    with tempfile.TemporaryDirectory(prefix="lenetlab-again-") as scratch:
        runtime = runtime_like(said, data, Path(scratch))
        if other := numerics_differ(said, numerics_here(recipe, runtime)):
            raise NotRepeatable(f"the numerics differ here, {other}")
        try:
            again = execute(recipe, run.seed, runtime, [], on_step)  # its end is measured
        except Interrupted as stop:  # what it has is in a folder that is gone now
            raise Interrupted(None, stop.step, stop.number) from None
        yield again


def runtime_like(said: Mapping[str, Any], data: Path | None, out: Path) -> Runtime:
    """A runtime like the one that the numerics record names; `UserError` where it names none."""
    engine, device, threads = said.get("engine"), said.get("device"), said.get("threads")
    if isinstance(engine, str) and isinstance(device, str) and type(threads) in (int, type(None)):
        return Runtime(data, out, engine, device, threads)
    raise UserError(
        f"its numerics name no engine, device and threads ({engine!r}, {device!r}, {threads!r})"
    )


def without_data(runtime: Runtime, out: Path | None = None) -> Runtime:
    """The same, its data unread: for another process, or for runs of another folder."""
    return replace(runtime, out=out or runtime.out, _loaded={}, _measured={})


def numerics_here(recipe: Recipe, runtime: Runtime) -> dict[str, Any]:
    """The numerics record that runs of `recipe` get on `runtime`."""
    _, engine, _, _ = runtime.load(recipe.split, recipe.problem)
    return numerics_of(recipe, engine, runtime.torch_device)
