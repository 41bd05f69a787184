"""Measured convergence beside the rate that theory promises, on softmax regression.

What convergence.json holds: problem (examples, features, l2, c, smooth, smooth_each, least), seeds,
and courses, each a `Course`.

The laboratory's own methods are driven as a training drives them, by an oracle over a problem whose
constants and minimum are known. Theory's lines are upper bounds on the mean over all draws of
examples, with replacement, which is how they are drawn here; a training sweeps through them. That
of SVRG is for a snapshot drawn from the stage's iterates (option II); the method takes the last,
as one does (option I), so there the line is a guide and no bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

from torch import Tensor

from lenetlab.experiments.recipe.schedules import make_schedule, schedules
from lenetlab.inspection.measure import OnProgress
from lenetlab.inspection.rates import constant_rate, falling_rate, inexact_newton, svrg_factor
from lenetlab.inspection.softmax import Known
from lenetlab.methods.lookup import find
from lenetlab.methods.wrappers import compose
from lenetlab.settings import Choice

FILE = "convergence.json"
FORMAT = 1
SEEDS = 5
POINTS = 60  # of a long course
BATCH = 16  # of SGD


@dataclass(frozen=True)
class Course:
    """A method's way to the minimum.

    k : steps, or stages of SVRG. measured : the mean over seeds of F − F*; low, high : the least
    and the largest. theory : the bound, None where it says nothing. rate : the bound in words.
    """

    title: str
    unit: str
    k: list[int]
    measured: list[float]
    low: list[float]
    high: list[float]
    theory: list[float | None]
    rate: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def courses(
    known: Known, seeds: int = SEEDS, on_progress: OnProgress = lambda what, done, of: None
) -> list[Course]:
    """All methods, from W = 0."""
    found = []
    for number, make in enumerate(MADE):
        on_progress("method", number, len(MADE))
        found.append(make(known, seeds))
    return found


def record(known: Known, found: Sequence[Course], seeds: int) -> dict[str, Any]:
    """What convergence.json holds."""
    n, features = known.problem.x.shape
    return {
        "format": FORMAT,
        "problem": {
            "examples": n, "features": features, "l2": known.l2, "c": known.c,
            "smooth": known.smooth, "smooth_each": known.smooth_each, "least": known.least,
        },
        "seeds": seeds,
        "courses": [asdict(course) for course in found],
    }  # fmt: skip


def gradient_descent(known: Known, seeds: int) -> Course:
    """The full gradient with the rate 1/L."""
    steps, rate = _spread(400), 1 / known.smooth
    way = [_drive(known, "full_batch", {"lr": rate}, steps, len(known.problem))]
    bound = constant_rate(steps, rate, _gap(known), known.c, known.smooth, 0.0)
    said = f"(1 − c/L)ᵏ, L/c = {known.smooth / known.c:.0f}"
    return _course("Gradient descent", "steps", known, steps, way, bound, said, {"lr": rate})


def constant(known: Known, seeds: int) -> Course:
    """Batches of `BATCH` at a constant rate of 1/(20 L)."""
    steps, rate = _spread(4000), 0.05 / known.smooth
    ways = [_drive(known, "sgd", {"lr": rate}, steps, BATCH, seed) for seed in range(seeds)]
    noise = _noise(known, ways)
    bound = constant_rate(steps, rate, _gap(known), known.c, known.smooth, noise)
    return _course("SGD, constant rate", "steps", known, steps, ways, bound,
                   "linear to a floor of αLM/2c", {"lr": rate, "batch_size": BATCH})  # fmt: skip


def falling(known: Known, seeds: int) -> Course:
    """Batches of `BATCH` at the rate β/(γ + k): β = 2/c, the first rate 1/L."""
    steps, beta = _spread(10_000), 2 / known.c
    first = beta * known.smooth  # γ + 1
    given = {"lr": beta / first}
    ways = [_drive(known, "sgd", given, steps, BATCH, seed, tau=first) for seed in range(seeds)]
    noise = _noise(known, ways)
    bound = falling_rate(steps, beta, first - 1, _gap(known), known.c, known.smooth, noise)
    return _course("SGD, rate 1/t", "steps", known, steps, ways, bound, "ν/(γ + k)",
                   {**given, "schedule": "1/t", "tau": first, "batch_size": BATCH})  # fmt: skip


def svrg(known: Known, seeds: int) -> Course:
    """Single examples at the rate 1/(10 L), a snapshot every 1000 steps."""
    inner, stages, rate = 1000, 8, 0.1 / known.smooth_each
    every = inner / len(known.problem)
    k = list(range(stages + 1))
    around = Choice("svrg", {"alpha": 1.0, "every": every})
    steps = [inner * stage for stage in k]
    ways = [_drive(known, "sgd", {"lr": rate}, steps, 1, seed, around) for seed in range(seeds)]
    factor = svrg_factor(rate, inner, known.c, known.smooth_each)
    bound = [_gap(known) * factor**stage for stage in k]
    settings = {"lr": rate, "batch_size": 1, **around.settings}
    return _course("SVRG", f"stages of {inner} steps", known, k, ways, bound,
                   f"{factor:.2f} a stage", settings)  # fmt: skip


def newton_loose(known: Known, seeds: int) -> Course:
    """Newton-CG that solves for each step to a tenth."""
    return _newton(known, 0.1, "Newton-CG, residual 0.1", "a tenth of ‖∇F‖ a step, at last")


def newton_tight(known: Known, seeds: int) -> Course:
    """Newton-CG that solves exactly."""
    return _newton(known, 1e-10, "Newton-CG, exact", "quadratic, at last")


def _newton(known: Known, rho: float, title: str, said: str) -> Course:
    n, steps = len(known.problem), list(range(13))
    given = {"lr": 1.0, "damping": 0.0, "rho": rho, "iterations": 500, "curvature": n}
    way = _drive(known, "newton_cg", given, steps, n)
    _, oracle = known.pose(n)
    norms = [float(oracle.gradient(oracle.full, at=w)[1].norm()) for w in way]
    bound = inexact_newton(norms, rho, known.c, known.smooth_hessian)
    return _course(title, "steps", known, steps, [way], bound, said, given)


def _drive(
    known: Known,
    method: str,
    settings: Mapping[str, Any],
    at: Sequence[int],
    batch_size: int,
    seed: int = 0,
    around: Choice | None = None,
    tau: float | None = None,
) -> list[Tensor]:
    """The weights after the numbers of steps in `at`, of a registered method at these settings,
    inside a wrapper and under the schedule 1/t if they are given."""
    weights, oracle = known.pose(batch_size, seed)
    entry = find(method)
    base = entry.optimizer(weights.params(entry.form), {**entry.defaults, **settings})
    wrappers = [] if around is None else [around]
    optimizer = compose(base, wrappers, weights)
    schedule = None if tau is None else make_schedule(schedules()["1/t"].settings({"tau": tau}))
    found: list[Tensor] = []
    rate = settings["lr"]
    for k in range(at[-1] + 1):
        if k == at[len(found)]:
            found.append(optimizer.eval_weights(weights.w).clone())
        if schedule is not None:
            for group in optimizer.param_groups:
                group["lr"] = rate * schedule(0.0, k)
        oracle.next_step()
        optimizer.step(oracle)
    return found


def _course(
    title: str,
    unit: str,
    known: Known,
    k: list[int],
    ways: Sequence[Sequence[Tensor]],
    theory: Sequence[float | None],
    rate: str,
    settings: Mapping[str, Any],
) -> Course:
    each = [[known.excess(w) for w in way] for way in ways]
    points = list(zip(*each, strict=True))
    return Course(
        title,
        unit,
        k,
        [fmean(point) for point in points],
        [min(point) for point in points],
        [max(point) for point in points],
        list(theory),
        rate,
        settings,
    )


def _gap(known: Known) -> float:
    return known.excess(known.problem.start)


def _noise(known: Known, ways: Sequence[Sequence[Tensor]]) -> float:
    """M: the largest variance of a batch's gradient at any point of the runs."""
    return max(known.variance(w) for way in ways for w in way) / BATCH


def _spread(last: int) -> list[int]:
    """0 to `last`, closer together at the beginning."""
    return sorted({round(last * (i / POINTS) ** 2) for i in range(POINTS + 1)})


MADE = (gradient_descent, constant, falling, svrg, newton_loose, newton_tight)
