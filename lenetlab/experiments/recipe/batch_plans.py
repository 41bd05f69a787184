"""Batch plans: the only owner of the batch size.

A plan is asked for the size of the next batch, and may observe the oracle after every step; what
it asks there is charged.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from lenetlab.component import Component, look_up, page_of, registered, registering
from lenetlab.methods.interactive import source_when_imported
from lenetlab.oracle.oracle import Oracle
from lenetlab.settings import POSITIVE_COUNT, Choice, Domain, Settings

SIZES = Domain(1, 60_000, closed=True)


class BatchPlan:
    """What all plans have; most remember nothing."""

    def batch_size(self, epochs: float) -> int:
        """Examples in the next batch, after `epochs` through the data."""
        raise NotImplementedError

    def observe(self, oracle: Oracle) -> None:
        """Look at the objective after a step."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""


@dataclass(frozen=True, kw_only=True)
class PlanEntry(Component):
    """A registered batch plan."""

    kind: str = "batch plan"


Built = TypeVar("Built", bound=type[BatchPlan])


def batch_plan(
    name: str,
    *,
    defaults: Settings,
    reference: str = "",
    version: int = 1,
    domains: Mapping[str, Domain] | None = None,
) -> Callable[[Built], Built]:
    """Register the decorated class, whose docstring is the plan's page. `version` is raised when
    the sizes that it chooses change, or what it asks."""

    return registering(lambda build: PlanEntry(
        name=name, defaults=defaults, reference=reference, version=version, domains=domains or {},
        page=page_of(build), build=build,
        source=source_when_imported(build),
    ))  # fmt: skip


@batch_plan("fixed", defaults={"size": 64}, domains={"size": SIZES})
@dataclass(frozen=True)
class Fixed(BatchPlan):
    """The same size always: 1 is single-sample, 60,000 the full batch."""

    size: int = 64

    def batch_size(self, epochs: float) -> int:
        """Examples in the next batch."""
        return self.size


@batch_plan(
    "geometric",
    reference="Bottou, Curtis and Nocedal 2018",
    defaults={"size": 64, "factor": 2.0, "every": 1.0, "largest": 4096},
    domains={"size": SIZES, "factor": POSITIVE_COUNT, "every": Domain(1e-6), "largest": SIZES},
)
@dataclass(frozen=True)
class Geometric(BatchPlan):
    """`size` · `factor`^⌊epochs / every⌋, at most `largest`.

    Bottou, Curtis and Nocedal 2018, section 5.2.1: a batch that grows geometrically keeps the
    linear rate of full gradients at the price of SGD.
    """

    size: int = 64
    factor: float = 2.0
    every: float = 1.0
    largest: int = 4096

    def batch_size(self, epochs: float) -> int:
        """Examples in the next batch."""
        stage = epochs // self.every
        # in logarithms nothing overflows, however long the run
        if stage * math.log(self.factor) >= math.log(self.largest / self.size):
            return self.largest
        return min(int(self.size * self.factor**stage), self.largest)


@batch_plan(
    "norm_test",
    reference="Byrd, Chin, Nocedal and Wu 2012",
    version=2,
    defaults={"size": 64, "theta": 1.0, "every": 20, "largest": 4096},
    domains={"size": SIZES, "theta": Domain(1e-6), "every": POSITIVE_COUNT, "largest": SIZES},
)
class NormTest(BatchPlan):
    """A batch as large as the gradient's noise asks for: it grows when the test fails.

    Every `every` steps, on the present batch S at the new weights, with the sample variance V of
    single gradients (the trace of their covariance):

        V / |S| ≤ θ² ‖∇f_S‖²,   otherwise  |S| ← V / (θ² ‖∇f_S‖²), at most `largest`

    Byrd, Chin, Nocedal and Wu, Sample size selection in optimization methods for machine learning,
    Math. Program. 134, 2012, eq. 3.6 and 3.9; Bottou, Curtis and Nocedal 2018, section 5.2.2. V
    comes from the norms of single gradients, Σ‖g_i‖² − |S|‖∇f_S‖² over |S| − 1. A test costs 2.4
    gradients of the batch, under a mask too.
    """

    def __init__(
        self, size: int = 64, theta: float = 1.0, every: int = 20, largest: int = 4096
    ) -> None:
        self.theta, self.every, self.largest = theta, every, largest
        self._size = max(2, min(size, largest))  # one example has no variance
        self._steps = 0

    def batch_size(self, epochs: float) -> int:
        """Examples in the next batch."""
        return self._size

    def observe(self, oracle: Oracle) -> None:
        """The test, when it is due."""
        self._steps += 1
        batch = oracle.batch
        if self._steps % self.every or len(batch) < 2 or self._size >= self.largest:
            return
        _, norms = oracle.per_example_norms(batch)
        _, g = oracle.gradient(batch)
        square = float(g.square().sum())
        variance = (float(norms.square().sum()) - len(batch) * square) / (len(batch) - 1)
        wanted = variance / max(self.theta**2 * square, 1e-30)
        if wanted > self._size:
            self._size = math.ceil(min(wanted, self.largest))

    def state(self) -> dict[str, Any]:
        """Size and steps so far."""
        return {"size": self._size, "steps": self._steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._size, self._steps = state["size"], state["steps"]


def plans() -> Mapping[str, PlanEntry]:
    """All registered plans by name."""
    return registered(PlanEntry)


def choose_plan(name: str, given: Settings) -> Choice:
    """The checked choice of a plan; `UserError` for an unknown name or setting."""
    return look_up("batch plan", name, plans()).settings(given)


def make_plan(choice: Choice, n: int) -> BatchPlan:
    """The plan itself; the full batch of a smaller split is that split."""
    settings = dict(choice.settings)
    for key in ("size", "largest"):
        if key in settings:
            settings[key] = min(int(settings[key]), n)  # type: ignore[arg-type]
    made: BatchPlan = plans()[choice.name].build(**settings)
    return made
