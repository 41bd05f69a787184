"""TensorBoard's event files, read back with its own reader and held against the record."""

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lenetlab.errors import Interrupted
from lenetlab.experiments.recipe.recipe import Recipe, make_recipe
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.tensorboard import Listener, listening, write_row
from lenetlab.records import run_folder
from lenetlab.records.cells import FINAL
from lenetlab.records.rows import row_of

RECIPE = make_recipe("ema+adamw", {"lr": 0.003}, epochs=3, batch_size=50, schedule="cosine")


def single(x: float) -> float:
    """As an event file has it, in single precision."""
    return float(struct.unpack("f", struct.pack("f", x))[0])


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found = EventAccumulator(str(folder), {"scalars": 0}).Reload()
    return {
        tag: [(point.step, point.value) for point in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def recorded(points: list[dict[str, Any]], name: str) -> list[tuple[int, float]]:
    return [(point["steps"], single(point[name])) for point in points]


def heard(
    to: Path, runtime: Runtime, recipe: Recipe = RECIPE, stop: int | None = None
) -> run_folder.Run:
    with listening(to, recipe, 0, runtime) as listener:

        def on_step(t: Any, loss: float) -> None:
            listener.step(t, loss)
            if t.steps == stop:
                import signal

                signal.raise_signal(signal.SIGINT)

        run = execute(recipe, 0, runtime, None, on_step, listener.evaluated)
        listener.record(run)
    return run


def test_the_points_are_those_of_the_record(runtime: Runtime, tmp_path: Path) -> None:
    run = heard(tmp_path / "tb", runtime)
    found = scalars(tmp_path / "tb" / run.path.name)
    for name in ("loss", "rate", "batch_size"):
        assert found[f"train/{name}"] == recorded(run.trace, name)
    for name in ("accuracy", "loss"):
        assert found[f"test/{name}"] == recorded(run.evaluations, name)
        assert found[f"final/{name}"] == [(0, single(getattr(run.result, name)))]


def test_listening_changes_no_bit(runtime: Runtime, tmp_path: Path) -> None:
    plain = execute(RECIPE, 0, runtime)
    files = (
        run_folder.RUN,
        run_folder.RESULT,
        run_folder.CURVE,
        run_folder.LOSSES,
        run_folder.WEIGHTS,
    )
    before = {name: (plain.path / name).read_bytes() for name in files}
    again = heard(tmp_path / "tb", replace(runtime, resume=False))
    assert again.path == plain.path
    assert {name: (again.path / name).read_bytes() for name in files} == before


def test_a_resumed_run_has_every_step_once(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        heard(tmp_path / "tb", runtime, stop=47)
    run = heard(tmp_path / "tb", runtime)
    folder = tmp_path / "tb" / run.path.name
    assert len(list(folder.glob("events*"))) == 2
    found = scalars(folder)
    assert found["train/rate"] == recorded(run.trace, "rate")
    assert found["test/loss"] == recorded(run.evaluations, "loss")
    steps = [step for step, _ in found["train/loss"]]
    assert steps == [point["steps"] for point in run.trace]


def test_what_was_lost_with_a_killed_process_is_dropped(runtime: Runtime, tmp_path: Path) -> None:
    """The old file has points beyond the checkpoint: they are not shown beside the new ones."""
    run = execute(RECIPE, 0, runtime)

    class At:
        def __init__(self, steps: int) -> None:
            self.steps, self.position, self.rate = steps, steps / 30, 1.0
            self.oracle = type("Asked", (), {"batch_size": 50})()

        def where(self) -> dict[str, Any]:
            return {"steps": self.steps, "epochs": self.position, "passes": self.position}

    for begin, end in ((1, 60), (40, 90)):
        listener = Listener(tmp_path / "tb", 3.0, held_out=False)
        for k in range(begin, end + 1):
            listener.step(At(k), float(begin))  # type: ignore[arg-type]
        listener.close()
    found = scalars(tmp_path / "tb")["train/loss"]
    assert [step for step, _ in found] == list(range(1, 91))
    assert {value for step, value in found if step >= 40} == {40.0}
    assert run.status == "done"


def test_a_run_that_was_there_is_written_once(runtime: Runtime, tmp_path: Path) -> None:
    run = execute(RECIPE, 0, runtime)
    for _ in range(2):
        heard(tmp_path / "tb", runtime)
        found = scalars(tmp_path / "tb" / run.path.name)
        assert found["train/loss"] == recorded(run.trace, "loss")


def test_a_row_of_a_study(runtime: Runtime, tmp_path: Path) -> None:
    row = row_of(execute(replace(RECIPE, split="inner"), 0, runtime), FINAL, 0)
    for _ in range(2):
        write_row(tmp_path, row)
    (folder,) = tmp_path.glob("ema+adamw-*")
    assert scalars(folder)["held_out/accuracy"] == recorded(list(row.evaluations), "accuracy")


def test_a_diverged_run_has_no_figures(runtime: Runtime, tmp_path: Path) -> None:
    run = heard(tmp_path / "tb", runtime, make_recipe("sgd", {"lr": 1e38}, epochs=1, batch_size=50))
    assert run.status == "diverged"
    found = scalars(tmp_path / "tb" / run.path.name)
    assert not any(tag.startswith("final/") for tag in found)
    assert all(np.isfinite(value) for points in found.values() for _, value in points)


def test_a_recipe_as_plain_values() -> None:
    found = RECIPE.recorded().flat()
    assert found["method"] == "adamw"
    assert found["lr"] == 0.003
    assert found["wrappers"] == "ema"
    assert found["schedule"] == "cosine"
    assert found["plan.size"] == 50
    assert found["epochs"] == 3
