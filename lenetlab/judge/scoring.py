"""What a net scores on the 10,000 test images."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from lenetlab.analysis.proportions import wilson
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.problem.data import CLASSES
from lenetlab.problem.evaluation import Evaluation, confusion, evaluate
from lenetlab.problem.model import CONSTRAINED, LAYERS, views
from lenetlab.problem.problems import FASHION_MNIST, Problem


@dataclass(frozen=True)
class Score:
    """One measurement.

    low, high : 95 % interval of the accuracy, in percent (Wilson).
    nonzeros : of each layer's weight; `constrained` of fc1's and fc2's together.
    per_class : accuracy on each class, in percent.
    confusion : images by true class (row) and predicted class (column).
    right : whether each image was classified correctly (n,), for comparisons image by image.
    """

    evaluation: Evaluation
    low: float
    high: float
    nonzeros: dict[str, int]
    constrained: int
    per_class: list[float]
    confusion: list[list[int]]
    right: Tensor = field(repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """The score as plain values, for `--json`."""
        return asdict(self.evaluation) | {
            "interval": [self.low, self.high],
            "nonzeros": self.constrained,
            "nonzeros_per_layer": self.nonzeros,
            "per_class": dict(zip(CLASSES, self.per_class, strict=True)),
            "confusion": self.confusion,
        }


class Scorer:
    """Measures by the engine of a runtime; images are read and verified when first used."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def score(
        self, w: Tensor, split: str = "official", problem: Problem = FASHION_MNIST
    ) -> Score | None:
        """Measure flat weights `w`; None where their class scores overflow. `split` is `official`
        for the test images, `inner` for the training images that it holds out."""
        images, engine = self._runtime.measured(split, problem)
        logits = engine.logits(w.to(self._runtime.torch_device)).cpu()
        if not bool(torch.isfinite(logits).all()):
            return None
        labels = images.labels
        evaluation = evaluate(logits, labels)
        if not math.isfinite(evaluation.loss):
            return None
        predicted = logits.argmax(dim=1)
        counts = confusion(predicted, labels)
        low, high = wilson(evaluation.correct, evaluation.images)
        named = views(w)
        return Score(
            evaluation,
            100 * low,
            100 * high,
            {layer: int(named[f"{layer}.weight"].count_nonzero()) for layer in LAYERS},
            int(w[:CONSTRAINED].count_nonzero()),
            (100.0 * counts.diagonal() / counts.sum(dim=1)).tolist(),
            counts.tolist(),
            predicted == labels,
        )

    @property
    def engine(self) -> str:
        """The name of the engine that measures."""
        return self._runtime.engine
