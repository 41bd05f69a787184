"""The run directory: its files, and how they are read.

    run.json             recipe, seed, data, numerics, and the hash of them: the identity
    curve.json           trace of the training (loss, learning rate, batch size) and evaluations
    losses.npy           training loss of every step, float32
    weights.safetensors  the weights that were judged, under the script's names
    result.json          status, reason, final figures, ledger; written last: then the run is whole
    machine.json         clock, memory, environment, whose recipe it was: all that may differ when
                         a run is repeated
    checkpoint.safetensors   only while the run is unfinished

Everything except machine.json is reproduced bit for bit. Reading needs no torch. What
`lenetlab inspect` leaves beside them (lenetlab/inspection) is no part of the run.
"""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lenetlab.disk import MissingFile, check_file, read_json, replace_json
from lenetlab.errors import UserError
from lenetlab.records.finished import Result, Spent
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.records.shapes import NUMBER, misfit, shape_of

FORMAT = 3  # of the run directory; raised when its files change

RUN, CURVE, RESULT, MACHINE = "run.json", "curve.json", "result.json", "machine.json"
LOSSES, WEIGHTS, CHECKPOINT = "losses.npy", "weights.safetensors", "checkpoint.safetensors"

WHERE = {"steps": int, "epochs": float, "passes": float}
# What is relied on by who reads a run.
SHAPES = {
    RUN: {
        "id": str, "label": str, "seed": int, "numerics": {"engine": str, "device": str},
        "recipe": {"method": list},
    },
    RESULT: shape_of(Result),
    CURVE: {
        "trace": [{"loss": float, "rate": NUMBER, "batch_size": int, **WHERE}],
        "evaluations": [{"at": float, "accuracy": float, "loss": float,
                         "starter_average_loss": float, "nonzeros": int, **WHERE}],
    },
    MACHINE: {
        **shape_of(Spent), "threads": (int, None),
        "evaluation_seconds": [float], "evaluation_cpu_seconds": [float],
    },
}  # fmt: skip


DONE = {  # what a result has that ended with figures
    "accuracy": float, "loss": float, "starter_average_loss": float, "correct": int,
    "nonzeros": int, "passes": float, "steps": int, "ledger_counts": {"gradients": int},
}  # fmt: skip


def check_format(path: Path, identity: Any) -> None:
    """Refuse a run.json of another version of the run directory, or of none."""
    found = identity.get("format") if isinstance(identity, dict) else None
    if found != FORMAT:
        raise UserError(
            f"{path.parent} holds a run of format {found}, this version of lenetlab reads and "
            f"writes format {FORMAT}; choose another --out, or read it with the version it is from"
        )


@dataclass(frozen=True)
class Run:
    """A finished run. Figures that do not exist are None, never 0.

    identity, result, curve, machine : what the four JSON files in the folder `path` hold.
    """

    path: Path
    identity: dict[str, Any]
    result: Result
    curve: dict[str, Any]
    machine: dict[str, Any]

    @property
    def status(self) -> str:
        """`done`, `diverged`, `error` or `timeout`."""
        return self.result.status

    @property
    def spent(self) -> Spent:
        """Seconds and memory."""
        return Spent(**{name: self.machine[name] for name in shape_of(Spent)})

    @property
    def recipe(self) -> dict[str, Any]:
        """The recipe, canonical: without what is at its default."""
        return dict(self.identity["recipe"])

    @cached_property
    def recorded(self) -> RecordedRecipe:
        """The recipe, read; `UserError` if it is none."""
        return RecordedRecipe.read(self.recipe)

    @property
    def seed(self) -> int:
        """The seed."""
        return int(self.identity["seed"])

    @property
    def label(self) -> str:
        """Method and changed hyperparameters."""
        return str(self.identity["label"])

    @property
    def unit(self) -> str:
        """What the budget was counted in: `epochs` or `passes`."""
        return self.recorded.budget[0]

    @property
    def held_out(self) -> bool:
        """Whether it was measured on held-out training images, not on the test set."""
        return self.recorded.held_out

    @property
    def measured_on(self) -> str:
        """`test`, or `held-out` for the last 10,000 training images."""
        return "held-out" if self.held_out else "test"

    @property
    def tuned(self) -> dict[str, Any] | None:
        """The search whose recipe it was, if a tuned one was asked for: study, trials, passes,
        held-out accuracy (None if the recipe was changed), what was changed."""
        found: dict[str, Any] | None = self.machine.get("tuned")
        return found

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """Measurements in the order of the training, each with `seconds` and `cpu_seconds` of
        training time."""
        seconds = zip(
            self.machine["evaluation_seconds"], self.machine["evaluation_cpu_seconds"], strict=True
        )
        return [
            {**evaluation, "seconds": wall, "cpu_seconds": cpu}
            for evaluation, (wall, cpu) in zip(self.curve["evaluations"], seconds, strict=True)
        ]

    @property
    def trace(self) -> list[dict[str, Any]]:
        """Up to 200 points: mean training loss since the point before, rate, batch size."""
        return list(self.curve["trace"])

    @cached_property
    def losses(self) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """Training loss of every step (steps,), float32."""
        try:
            check_file(self.path / LOSSES)
            return np.asarray(np.load(self.path / LOSSES, allow_pickle=False))
        except (OSError, ValueError, EOFError) as error:
            raise UserError(f"{self.path / LOSSES} cannot be read ({error}); train the run again") \
                from None  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """One flat dictionary: what `--json` prints. Accuracy in percent and losses in nats are of
        the images that `measured_on` names: `test`, or `held-out` ones with `--split inner`;
        `train_accuracy` and `train_loss` of the first 10,000 training images. Times in seconds,
        memory in MB."""
        return {
            "measured_on": self.measured_on,
            **asdict(self.result),
            **asdict(self.spent),
            "method": self.recorded.method.name,
            "recipe": self.identity["recipe"],
            "tuned": self.tuned,
            "seed": self.seed,
            "engine": self.identity["numerics"]["engine"],
            "device": self.identity["numerics"]["device"],
            "threads": self.machine["threads"],
            "run_dir": str(self.path),
        }


def read_file(path: Path, name: str) -> Any:
    """The JSON in the file `name` of the run folder `path`; `UserError` with what to do."""
    try:
        return read_json(path / name, f"move the folder {path} away and run again")
    except MissingFile as error:
        raise UserError(f"{error}; expected a finished run in {path}") from None


def read_run(path: Path) -> Run:
    """The finished run in the folder `path`; `UserError` if there is none."""
    if path.is_file():
        raise UserError(f"{path} is a file; expected the folder of a finished run")
    identity = read_file(path, RUN)
    check_format(path / RUN, identity)
    files = {RUN: identity} | {name: read_file(path, name) for name in SHAPES if name != RUN}
    shapes = [*SHAPES.items()]
    if isinstance(files[RESULT], dict) and files[RESULT].get("status") == "done":
        shapes.append((RESULT, DONE))
    for name, shape in shapes:
        if wrong := misfit(files[name], shape, name.partition(".")[0]):
            raise UserError(
                f"{path / name} is broken ({wrong}); move the folder {path} away and run again"
            )
    evaluations, machine = files[CURVE]["evaluations"], files[MACHINE]
    if (
        not len(evaluations)
        == len(machine["evaluation_seconds"])
        == len(machine["evaluation_cpu_seconds"])
    ):
        raise UserError(f"{path / MACHINE} is of another run than {CURVE}; move {path} away")
    return Run(path, identity, Result.read(files[RESULT]), files[CURVE], machine)


def noted(run: Run, **facts: Any) -> Run:
    """The run with `facts` beside it, in machine.json: they change nothing of what it is."""
    machine = {**run.machine, **facts}
    if machine != run.machine:
        replace_json(run.path / MACHINE, machine)
    return replace(run, machine=machine)


def latest_run(folder: Path) -> Path:
    """The folder of the run in `folder` that was finished last; `UserError` if there is none."""
    found = sorted(folder.glob(f"*/{RESULT}"), key=lambda result: result.stat().st_mtime)
    if not found:
        raise UserError(f"{folder} has no finished run; expected folders of runs by `lenetlab run`")
    return found[-1].parent


def finished_runs(folder: Path) -> list[Run]:
    """The whole runs in the folders directly inside `folder`, by name; unfinished ones are not
    among them, and a copy of one is no other run. Raises `UserError` for a broken one."""
    found = [read_run(result.parent) for result in sorted(folder.glob(f"*/{RESULT}"))]
    return list({run.identity["id"]: run for run in reversed(found)}.values())[::-1]
