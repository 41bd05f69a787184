"""The way of a run through the space of weights: points kept while it trains, in a file beside it.

    trajectory.safetensors   points (k, 44426), float32: the weights to be judged, from the initial
                             ones to the final ones, closer together at the beginning;
                             angles (k, 10), float64: what the step that ended there turned every
                             tensor of the trained weights by, in radians; NaN where there is none;
                             in its metadata the run's id and how far each point is

Recording copies weights between steps, and changes nothing of the training.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lenetlab.disk import check_file, replace_bytes
from lenetlab.errors import UserError
from lenetlab.experiments.run.curve import SLACK
from lenetlab.experiments.run.training import Training
from lenetlab.inspection.layers import angles
from lenetlab.inspection.probe import stacked
from lenetlab.oracle.order import starter_stream
from lenetlab.problem.model import SHAPES, initial_weights, read_weights
from lenetlab.records.run_folder import WEIGHTS, Run

FILE = "trajectory.safetensors"
FORMAT = 1
POINTS = 30  # after the start; the k-th at (k / POINTS)² of the budget
START = {"at": 0.0, "steps": 0, "epochs": 0.0, "passes": 0.0}


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Points of a run, the initial weights first and the final ones last.

    points : (k, n). angles : (k, tensors), radians, NaN where no step is known.
    where : of each point `at` (in the budget's unit), `steps`, `epochs`, `passes`.
    """

    id: str
    points: Tensor
    angles: Tensor
    where: list[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.points)


class Recorder:
    """Collects the points of one run from `on_step`. `whole` is false for a run that was resumed:
    what came before was not seen."""

    def __init__(self, seed: int, amount: float) -> None:
        start = initial(seed)
        self._due = [amount * (k / POINTS) ** 2 for k in range(1, POINTS + 1)]
        self._points, self._angles = [start], [_no_angles()]
        self._where: list[dict[str, Any]] = [dict(START)]
        self._earlier, self._last = start.clone(), start.clone()  # before the last step, after it
        self._at: dict[str, Any] = self._where[0]
        self.whole = True

    def step(self, t: Training, loss: float) -> None:
        """A step was taken."""
        if t.steps == 1:  # they began where the recipe says, not always at the starter's weights
            self._points[0].copy_(t.first)
            self._last.copy_(t.first)
        if t.steps != self._at["steps"] + 1:
            self.whole = False
        self._earlier, self._last = self._last, self._earlier
        self._last.copy_(t.weights.w)
        self._at = {"at": t.position, **t.where()}
        if self._due and self._due[0] <= t.position + SLACK:
            while self._due and self._due[0] <= t.position + SLACK:
                self._due.pop(0)
            self._take(t.eval_weights())

    def trajectory(self, run: Run) -> Trajectory | None:
        """The whole trajectory of the recorded `run`, None if not all of it was seen. Raises:
        `RuntimeError` if it does not end where the run does."""
        if not self.whole or self._at["steps"] != run.result.steps:
            return None
        w = final(run)
        if self._where[-1]["steps"] != run.result.steps:
            self._take(w)
        elif not torch.equal(_bits(self._points[-1]), _bits(w)):
            raise RuntimeError(f"the points do not end at the weights in {run.path}")
        return Trajectory(
            run.identity["id"], stacked(self._points), torch.stack(self._angles), self._where
        )

    def _take(self, w: Tensor) -> None:
        self._points.append(w.detach().to("cpu", copy=True))
        found = angles(self._earlier, self._last).values()
        self._angles.append(_no_angles())
        for i, angle in enumerate(found):
            if angle is not None:
                self._angles[-1][i] = angle
        self._where.append(self._at)


def initial(seed: int) -> Tensor:
    """The starter's initial weights (n,) for this seed: those of every run, unless its recipe has
    another initialisation."""
    return initial_weights(starter_stream(seed))


def final(run: Run) -> Tensor:
    """The final weights (n,) of a run; `UserError` if it has none."""
    if run.status != "done":
        raise UserError(f"the run in {run.path} is {run.status} and has no weights; take another")
    return read_weights(run.path / WEIGHTS)


def same_weights(one: Run, other: Run) -> bool:
    """Whether two runs ended at the same bits."""
    return torch.equal(_bits(final(one)), _bits(final(other)))


def ends(run: Run) -> Trajectory:
    """What every finished run has kept: its initial weights, which its seed gives, and its final
    ones. Raises: `UserError` for a run that began at other weights than the starter's."""
    if run.recorded.initialisation.name != "starter":
        raise UserError(
            f"{run.label} began at {run.recorded.initialisation}, and those weights are not kept; "
            f"`{run.recorded.command(run.seed)} --no-resume --inspect` keeps its points"
        )
    at = {"at": run.recorded.budget[1], "steps": run.result.steps, "epochs": run.result.epochs,
          "passes": run.result.passes}  # fmt: skip
    where: list[dict[str, Any]] = [dict(START), at]
    points = torch.stack([initial(run.seed), final(run)])
    return Trajectory(run.identity["id"], points, torch.stack([_no_angles()] * 2), where)


def write(path: Path, trajectory: Trajectory) -> None:
    """Write the file `path`, atomically."""
    said = {"format": FORMAT, "id": trajectory.id, "where": trajectory.where}
    metadata = {"trajectory": json.dumps(said)}  # one entry: several come in any order
    replace_bytes(path, save({"points": trajectory.points, "angles": trajectory.angles}, metadata))


def keep(run: Run, recorder: Recorder) -> None:
    """Write what was recorded beside the run, if it is the whole of it."""
    if (found := recorder.trajectory(run)) is not None:
        write(run.path / FILE, found)


def read(run: Run) -> Trajectory | None:
    """The trajectory beside a run; None if there is none of it. Raises: `UserError` if the file is
    broken, or if it does not end at the run's weights."""
    path = run.path / FILE
    if not path.exists():
        return None
    check_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            said = json.loads((file.metadata() or {})["trajectory"])
            points, turned = file.get_tensor("points"), file.get_tensor("angles")
        where = said["where"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is broken ({error}); delete it, and it is made again") from None
    if said.get("format") != FORMAT or said.get("id") != run.identity["id"]:
        raise UserError(f"{path} is of another run or version; delete it, and it is made again")
    if not torch.equal(_bits(points[-1]), _bits(final(run))):
        raise UserError(f"{path} does not end at the run's weights; delete it, it is made again")
    return Trajectory(said["id"], points, turned, where)


def _no_angles() -> Tensor:
    return torch.full((len(SHAPES),), torch.nan, dtype=torch.float64)


def _bits(w: Tensor) -> Tensor:
    return w.contiguous().view(torch.int32)
