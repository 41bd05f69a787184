"""Several runs in one plane of weights, with the loss on it: the numbers that plane.json holds.

    kind, share    of two runs with the same initial weights `start`: the plane has these and both
                   final ones in it; of three `ends`: it has the final ones in it; of others
                   `principal`: it is nearest to all points of the trajectories, and `share` of
                   their variance lies in it
    x, y, loss     a grid in it (y rows, x columns), in units of the weights, and the mean loss of
                   the first `examples` training images there
    runs           run, method, label, recipe, seed; of every point at, passes, x, y, the loss at
                   the point itself, and its distance from the plane, which the grid does not show
    lines          from the end of the first run to that of each other: t, loss, barrier

A few tens of kilobytes for several runs: meant to be drawn by any page.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lenetlab.inspection.directions import Plane, plane_through, principal_plane
from lenetlab.inspection.landscape import grid, line, spaced
from lenetlab.inspection.measure import OnProgress
from lenetlab.inspection.probe import Probe
from lenetlab.inspection.trajectory import Trajectory
from lenetlab.records.run_folder import Run

FILE = "plane.json"
FORMAT = 1
SIZE = 25  # of the grid, each way
MARGIN = 0.12  # of the trajectories' extent, left free around them
BETWEEN = spaced(-0.25, 1.25, 31)  # along the lines between ends


def in_one_plane(
    runs: Sequence[Run],
    trajectories: Sequence[Trajectory],
    probe: Probe,
    on_progress: OnProgress = lambda what, done, of: None,
) -> dict[str, Any]:
    """What plane.json holds of `runs` with their `trajectories`. Raises: `UserError` where
    they lie on one line."""
    kind, plane, share = common_plane(trajectories)
    where = [plane.coordinates(one.points) for one in trajectories]
    x, y = _square(torch.cat(where))
    on_progress("grid", 0, 1)
    losses = grid(probe, plane, x, y, trajectories[0].points[0])
    on_progress("trajectories", 0, 1)
    ends = [one.points[-1] for one in trajectories]
    ways = [line(probe, ends[0], end - ends[0], BETWEEN) for end in ends[1:]]
    return {
        "format": FORMAT,
        "examples": len(probe.batch),
        "kind": kind,
        "share": share,
        "x": _short(x),
        "y": _short(y),
        "loss": [_short(row) for row in losses],
        "runs": [
            _run(run, one, at, plane, probe)
            for run, one, at in zip(runs, trajectories, where, strict=True)
        ],
        "lines": [
            {"t": _short(way.t), "loss": _short(way.loss), "barrier": way.barrier} for way in ways
        ],
    }


def common_plane(trajectories: Sequence[Trajectory]) -> tuple[str, Plane, float | None]:
    """Its kind, the plane, and for a principal one the share of variance in it."""
    start, ends = trajectories[0].points[0], [one.points[-1] for one in trajectories]
    if len(trajectories) == 2 and torch.equal(start, trajectories[1].points[0]):
        return "start", plane_through(start, *ends), None
    if len(trajectories) == 3:  # their directions differ: the nearest plane would show two of them
        return "ends", plane_through(*ends), None
    return "principal", *principal_plane(torch.cat([one.points for one in trajectories]))


def _run(
    run: Run, trajectory: Trajectory, at: Tensor, plane: Plane, probe: Probe
) -> dict[str, Any]:
    return {
        "run": trajectory.id,
        "method": run.recorded.name,
        "label": run.label,
        "recipe": run.recorded.words(),
        "seed": run.seed,
        "at": _short([where["at"] for where in trajectory.where]),
        "passes": _short([where["passes"] for where in trajectory.where]),
        "x": _short(at[:, 0].tolist()),
        "y": _short(at[:, 1].tolist()),
        "loss": _short(probe.losses(trajectory.points)),
        "distance": _short(plane.distances(trajectory.points).tolist()),
    }


def _square(points: Tensor) -> tuple[list[float], list[float]]:
    """The coordinates of a square grid around `points` (k, 2): a length is the same both ways."""
    low, high = points.min(0).values, points.max(0).values
    half = float((high - low).max()) * (0.5 + MARGIN)
    x, y = ((low + high) / 2).tolist()
    return spaced(x - half, x + half, SIZE), spaced(y - half, y + half, SIZE)


def _short(values: Sequence[float]) -> list[float]:
    """Five digits are more than a picture shows."""
    return [float(f"{value:.5g}") for value in values]
