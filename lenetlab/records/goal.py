"""What a record is about: a bound for the mean of its runs, fixed before any of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """`goal` : in words. One of the bounds is given: the mean test accuracy, in percent, is to be
    `above`, or the mean test loss `below`."""

    goal: str
    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if (self.above is None) == (self.below is None):
            raise TypeError("a record has one bound, above or below")

    @property
    def of_loss(self) -> bool:
        """Whether it bounds the loss."""
        return self.above is None

    @property
    def bound(self) -> float:
        """The bound that is given."""
        found = self.below if self.above is None else self.above
        assert found is not None
        return found
