"""All that is measured of one run, as the numbers that inspect.json holds.

run, label, seed         whose they are
examples                 how many training images values and curvature, and noise, were taken on
along                    at points of the run: at, steps, epochs, passes; loss, accuracy (%) on
                         those images; gradient_norm; sharpness, the largest eigenvalue;
                         noise (variance, squared_norm, scale, error); norms and angles by
                         tensor (radians a step, null where there is none)
end                      eigenvalues, the largest first; least, the smallest; trace (mean,
                         error, samples); batch_size of the run, and how many times the fewest
                         steps and examples it takes at the last noise scale
line                     t and loss from the initial weights (0) to the final ones (1), barrier
random                   t and loss along two filter-normalised directions through the end
charged                  what the questions would have cost the run, in effective passes
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from torch import Tensor

from lenetlab.inspection.directions import filter_normalised
from lenetlab.inspection.landscape import line, spaced
from lenetlab.inspection.layers import norms
from lenetlab.inspection.noise import NoiseScale, noise_scale
from lenetlab.inspection.probe import Probe
from lenetlab.inspection.spectrum import Array, eigenvalues
from lenetlab.inspection.trace import SAMPLES, hessian_trace
from lenetlab.inspection.trajectory import Trajectory
from lenetlab.records.run_folder import Run

FILE = "inspect.json"
FORMAT = 1
EVERY = 2  # of the points of a trajectory, counted from its end, one is measured
EIGENVALUES = 5
EXAMPLES, SAMPLED = 2000, 10_000
BEYOND = spaced(-0.5, 1.5, 41)  # along the line from start to end
AROUND = spaced(-1.0, 1.0, 41)  # in lengths of the weights, along random directions

OnProgress = Callable[[str, int, int], None]  # what is done, how much of it, out of how much


def measure(
    run: Run,
    trajectory: Trajectory,
    probe: Probe,
    k: int = EIGENVALUES,
    on_progress: OnProgress = lambda what, done, of: None,
) -> dict[str, Any]:
    """What inspect.json holds of `run`, whose `trajectory` is known."""
    chosen = sorted(
        range(len(trajectory) - 1, -1, -EVERY) if len(trajectory) > 2 else range(len(trajectory))
    )
    if chosen[0] != 0:
        chosen = [0, *chosen]
    along: list[dict[str, Any]] = []
    direction: Array | None = None
    for number, i in enumerate(chosen):
        on_progress("points of the run", number, len(chosen))
        row, direction = _point(probe, trajectory.points[i], direction)
        turned = trajectory.angles[i].tolist()
        named = dict(zip(probe.shapes, (None if a != a else a for a in turned), strict=True))
        along.append({**trajectory.where[i], **row, "angles": named})
    on_progress("the end's curvature", 0, 1)
    end = _end(run, probe, trajectory.points[-1], along[-1], k, direction)
    on_progress("lines", 0, 1)
    start, last = trajectory.points[0], trajectory.points[-1]
    way = line(probe, start, last - start, BEYOND)
    return {
        "format": FORMAT,
        "run": run.identity["id"],
        "label": run.label,
        "recipe": run.recorded.words(),
        "seed": run.seed,
        "examples": {"curvature": len(probe.batch), "noise": len(probe.sample)},
        "along": along,
        "end": end,
        "line": {"t": way.t, "loss": way.loss, "barrier": way.barrier},
        "random": _random(probe, last),
        "charged": probe.oracle.ledger.passes,
    }


def _point(probe: Probe, w: Tensor, direction: Array | None) -> tuple[dict[str, Any], Array]:
    """The measured part of a point, and where the next search for an eigenvector begins."""
    top = eigenvalues(probe.oracle, probe.batch, w, start=direction)
    loss, gradient = probe.oracle.gradient(probe.batch, at=w)
    return {
        "loss": float(loss),
        "accuracy": probe.accuracy(w),
        "gradient_norm": float(gradient.norm()),
        "sharpness": float(top.values[0]),
        "noise": asdict(noise_scale(probe.oracle, probe.sample, w)),
        "norms": norms(w, probe.shapes),
    }, top.vectors[:, 0]


def _end(
    run: Run, probe: Probe, w: Tensor, last: dict[str, Any], k: int, direction: Array | None
) -> dict[str, Any]:
    top = eigenvalues(probe.oracle, probe.batch, w, k, start=direction)
    least = eigenvalues(probe.oracle, probe.batch, w, 1, "least")
    trace = hessian_trace(probe.oracle, probe.batch, w, probe.generator(), SAMPLES)
    size, noise = run.recorded.batch_size, NoiseScale(**last["noise"])
    return {
        "eigenvalues": top.values.tolist(),
        "least": float(least.values[0]),
        "trace": asdict(trace),
        "batch_size": size,
        "steps_factor": noise.steps(size),
        "examples_factor": noise.examples(size),
    }


def _random(probe: Probe, w: Tensor) -> list[dict[str, Any]]:
    """The loss along two random directions, the same for nets of one size."""
    rng = probe.generator()
    lines = [line(probe, w, filter_normalised(w, rng, probe.shapes), AROUND) for _ in range(2)]
    return [{"t": one.t, "loss": one.loss} for one in lines]
