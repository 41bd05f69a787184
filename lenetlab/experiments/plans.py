"""Batch plans: the only owner of the batch size, as a function of the sweeps gone through."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lenetlab.errors import unknown
from lenetlab.settings import POSITIVE_COUNT, Choice, Domain, Settings, resolve

SIZES = Domain(1, 60_000, closed=True)


@dataclass(frozen=True)
class Fixed:
    """The same size always: 1 is single-sample, 60,000 the full batch."""

    size: int = 64

    def batch_size(self, sweeps: float) -> int:
        """Examples in the next batch."""
        return self.size


@dataclass(frozen=True)
class Geometric:
    """`size` · `factor`^⌊sweeps / every⌋, at most `largest`.

    Bottou, Curtis and Nocedal 2018, section 5.2.1: a batch that grows geometrically keeps the
    linear rate of full gradients at the price of SGD.
    """

    size: int = 64
    factor: float = 2.0
    every: float = 1.0
    largest: int = 4096

    def batch_size(self, sweeps: float) -> int:
        """Examples in the next batch."""
        stage = sweeps // self.every
        # in logarithms nothing overflows, however long the run
        if stage * math.log(self.factor) >= math.log(self.largest / self.size):
            return self.largest
        return min(int(self.size * self.factor**stage), self.largest)


Plan = Fixed | Geometric
PLANS: Mapping[str, Callable[..., Plan]] = {"fixed": Fixed, "geometric": Geometric}
_DEFAULTS: Mapping[str, Settings] = {
    "fixed": {"size": 64},
    "geometric": {"size": 64, "factor": 2.0, "every": 1.0, "largest": 4096},
}
_DOMAINS = {
    "size": SIZES,
    "largest": SIZES,
    "factor": POSITIVE_COUNT,
    "every": Domain(1e-6),
}


def choose_plan(name: str, given: Settings) -> Choice:
    """The checked choice of a plan; `UserError` for an unknown name or setting."""
    if name not in PLANS:
        raise unknown("batch plan", name, PLANS)
    return resolve("batch plan", name, _DEFAULTS[name], given, _DOMAINS)


def make_plan(choice: Choice, n: int) -> Plan:
    """The plan itself; the full batch of a smaller split is that split."""
    settings = dict(choice.settings)
    for key in ("size", "largest"):
        if key in settings:
            settings[key] = min(int(settings[key]), n)  # type: ignore[arg-type]
    return PLANS[choice.name](**settings)
