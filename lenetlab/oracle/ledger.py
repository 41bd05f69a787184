"""The ledger of a run: what was computed, counted in examples, and its cost in passes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

PASS = 60_000  # example gradients in one effective pass, whatever the size of the training split

# What one example costs, in units of one example gradient (forward and backward).
COST: Mapping[str, float] = {
    "gradients": 1.0,
    "forwards": 0.4,
    "hessian_products": 2.4,
    "gauss_newton_products": 1.7,
    "per_example_gradients": 2.4,
    "layers": 1.4,
}


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts of examples per kind of answer; factorizations by count and size. They grow by
    `charge`; to set one is an error, so that no method changes by mistake what it has cost.

    gradients, forwards, hessian_products, gauss_newton_products, per_example_gradients, layers :
        examples.
    factorizations : number of matrix factorizations; `factorized` adds up their n³.
    """

    gradients: int = 0
    forwards: int = 0
    hessian_products: int = 0
    gauss_newton_products: int = 0
    per_example_gradients: int = 0
    layers: int = 0
    factorizations: int = 0
    factorized: int = 0

    def charge(self, kind: str, amount: int) -> None:
        """Add `amount` to the count named `kind`; `AttributeError` for a kind that is none,
        `ValueError` for what would take something away."""
        if amount < 0:
            raise ValueError(f"a charge of {amount} {kind}; expected 0 or more")
        object.__setattr__(self, kind, getattr(self, kind) + amount)

    @property
    def passes(self) -> float:
        """Effective passes: the whole cost in units of 60,000 example gradients."""
        return sum(cost * int(getattr(self, kind)) for kind, cost in COST.items()) / PASS

    def counts(self) -> dict[str, int]:
        """All counts by name, for records and checkpoints."""
        return asdict(self)

    def restore(self, counts: Mapping[str, int]) -> None:
        """Set every count to the recorded one."""
        for field in fields(self):
            object.__setattr__(self, field.name, int(counts[field.name]))
