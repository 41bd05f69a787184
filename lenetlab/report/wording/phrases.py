"""Parts that sentences are made of."""

from collections.abc import Sequence


def passes(amount: float) -> str:
    """`10 effective passes`."""
    return f"{amount:g} effective pass" + ("" if amount == 1 else "es")


def joined(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *rest, last = parts
    return f"{', '.join(rest)} and {last}" if rest else last
