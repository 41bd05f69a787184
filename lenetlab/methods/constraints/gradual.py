"""Gradual pruning: a cut every so often, deeper on a cubic from `begin` to `end`."""

from typing import ClassVar

from lenetlab.errors import UserError
from lenetlab.methods.constraint import Constraint
from lenetlab.methods.sparsity import Bound, cubic
from lenetlab.methods.wrappers import Composed
from lenetlab.oracle.oracle import Oracle


class Gradual(Constraint):
    """Calls `cut` with the share of the way that is done, every `every` of the budget."""

    STATE: ClassVar[tuple[str, ...]] = ("due",)

    def __init__(self, bound: Bound, begin: float, end: float, every: float) -> None:
        super().__init__(bound)
        if not begin < end:
            raise UserError(
                f"constraint {type(self).__name__.lower()}: begin={begin:g} is not before "
                f"end={end:g}; expected begin < end"
            )
        self.begin, self.end, self.every = begin, end, every

    def start(self, oracle: Oracle, optimizer: Composed) -> None:
        self.due = self.begin

    def act(self, oracle: Oracle, optimizer: Composed, progress: float) -> None:
        if progress < self.due - 1e-9:
            return
        self.cut(oracle, cubic(progress, self.begin, self.end))
        # the last time is at `end` itself, however `every` divides the way there
        after = progress + self.every
        self.due = float("inf") if progress >= self.end else min(after, self.end)

    def cut(self, oracle: Oracle, share: float) -> None:
        """Choose the mask of `share` ∈ [0, 1] of the way to the bound."""
        raise NotImplementedError
