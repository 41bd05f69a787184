"""Parts that sentences are made of: how many of what, lists, p-values."""

from collections.abc import Sequence

ONE = {"passes": "pass", "epochs": "epoch"}  # of the units of a budget


def count(n: int, thing: str) -> str:
    """`1 seed`, `10 seeds`, `1,000 seeds`."""
    return f"{n:,} {plural(n, thing)}"


def plural(n: float, thing: str) -> str:
    """`seed` or `seeds`, `pass` or `passes`, as there are `n`."""
    return thing if n == 1 else thing + ("es" if thing.endswith("s") else "s")


def in_units(amount: float, unit: str = "passes") -> str:
    """`10 passes`, `1 epoch`."""
    return f"{amount:g} {plural(amount, ONE[unit])}"


def passes(amount: float) -> str:
    """`10 effective passes`."""
    return f"{amount:g} {plural(amount, 'effective pass')}"


def joined(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *rest, last = parts
    return f"{', '.join(rest)} and {last}" if rest else last


def p_value(value: float) -> str:
    """Four digits after the point, or how small it is at most."""
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def p_equals(value: float) -> str:
    """`p = 0.0123`, `p < 0.0001`."""
    found = p_value(value)
    return f"p {found}" if found.startswith("<") else f"p = {found}"
