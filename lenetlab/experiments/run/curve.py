"""The curve of a run: a trace of the training, and the evaluations on the images held out of it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lenetlab.experiments.run.stopwatch import Clock
from lenetlab.problem.evaluation import Evaluation

POINTS = 200  # of the trace over the whole budget
SLACK = 1e-9  # of positions, which are sums of decimals

Where = dict[str, Any]  # steps, epochs and passes done


class Curve:
    """Collects points as the training passes fixed positions in its budget."""

    def __init__(self, amount: float, eval_at: Sequence[float]) -> None:
        self.trace: list[dict[str, Any]] = []
        self.evaluations: list[dict[str, Any]] = []
        # training time at each evaluation, wall and CPU: machine fields
        self.evaluation_seconds: list[float] = []
        self.evaluation_cpu_seconds: list[float] = []
        self.planned = sorted({float(x) for x in eval_at if 0 < x < amount - SLACK} | {amount})
        self._amount = amount
        self._passed = 0  # positions of the trace so far
        self._sum, self._count = 0.0, 0

    def add_step(self, position: float, where: Where, loss: float, **others: Any) -> None:
        """Take note of a step; a point of the trace is the mean loss since the one before."""
        self._sum += loss
        self._count += 1
        passed = int((position + SLACK) / self._amount * POINTS)
        if passed > self._passed:
            self.trace.append(where | {"loss": self._sum / self._count} | others)
            self._passed, self._sum, self._count = passed, 0.0, 0

    @property
    def due(self) -> float:
        """The next position to evaluate at; infinite when all are done."""
        done = len(self.evaluations)
        return self.planned[done] if done < len(self.planned) else float("inf")

    def add_evaluation(
        self, where: Where, evaluation: Evaluation, nonzeros: int, clock: Clock
    ) -> None:
        """Take note of a measurement that was due, and of the nonzeros in fc1 and fc2."""
        measured = {"at": self.due} | where | asdict(evaluation) | {"nonzeros": nonzeros}
        self.evaluations.append(measured)
        self.evaluation_seconds.append(clock.wall)
        self.evaluation_cpu_seconds.append(clock.cpu)

    def record(self) -> dict[str, Any]:
        """What curve.json holds."""
        return {"trace": self.trace, "evaluations": self.evaluations}

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "trace": self.trace,
            "evaluations": self.evaluations,
            "evaluation_seconds": self.evaluation_seconds,
            "evaluation_cpu_seconds": self.evaluation_cpu_seconds,
            "planned": self.planned,
            "since": [self._passed, self._sum, self._count],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved curve."""
        self.trace, self.evaluations = state["trace"], state["evaluations"]
        self.evaluation_seconds = state["evaluation_seconds"]
        self.evaluation_cpu_seconds = state["evaluation_cpu_seconds"]
        self._passed, self._sum, self._count = state["since"]
