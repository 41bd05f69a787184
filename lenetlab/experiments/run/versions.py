"""Versions of what every run goes through: raised when bits change, part of every run's name.

Parts that a recipe chooses (methods, wrappers, constraints, plans, schedules, augmentation) carry a
version of their own where they are registered. Raise the narrowest that all runs with other bits
have in common: a version here renames every run there is.

tests/experiments/run/test_versions.py knows which version each module belongs to.
"""

from collections.abc import Mapping

from lenetlab.oracle.ledger import COST

# At 1 a part is left out of the record: names from before it was counted stay.
PARTS: Mapping[str, int] = {
    "problem": 1,  # the data as it is read, LeNet-5, its initial weights, how it is measured
    "order": 1,  # which examples come when
    "oracle": 1,  # answers, first and second order, and what each of them is charged
    "engine": 1,  # the PyTorch engine; the native one has a key of its own
    "loop": 1,  # schedule, plan, step, constraint; where a budget ends and which weights count
    "methods": 1,  # what methods share: state, wrapping, masks, the sparing of biases
}

# The prices that a record without `prices` was charged at. A kind of question that is new is
# added here as well: no run from before has asked it.
FIRST_PRICES: Mapping[str, float] = {
    "gradients": 1.0,
    "forwards": 1 / 3,
    "hessian_products": 2.4,
    "gauss_newton_products": 1.7,
    "per_example_gradients": 2.4,
    "layers": 1.4,
}


def changed_parts() -> dict[str, int]:
    """The parts above whose version is not the first."""
    return {part: version for part, version in PARTS.items() if version != 1}


def changed_prices() -> dict[str, float]:
    """The ledger's prices that are not the first ones: they decide where a run ends."""
    return {kind: cost for kind, cost in COST.items() if cost != FIRST_PRICES.get(kind)}
