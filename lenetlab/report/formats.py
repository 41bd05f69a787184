"""How a figure is written: digits, units, and a dash for what does not exist."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what only watches a study loads no SciPy
    from lenetlab.analysis.intervals import Summary

MISSING = "–"
Write = Callable[[float], str]


def percent(value: float) -> str:
    return f"{value:.2f} %"


def two(value: float) -> str:
    """An accuracy where the unit is in the heading."""
    return f"{value:.2f}"


def points(value: float) -> str:
    """A difference of accuracies, with its sign."""
    return f"{value:+.2f}".replace("-", "−")


def signed_four(value: float) -> str:
    """A difference of mean losses, with its sign."""
    return f"{value:+.4f}".replace("-", "−")


def four(value: float) -> str:
    """A mean loss."""
    return f"{value:.4f}"


def six(value: float) -> str:
    """The script's average loss, as many digits as the script prints of it and two more."""
    return f"{value:.6f}"


def count(value: float) -> str:
    return f"{round(value):,}"


def amount(value: float) -> str:
    """Three digits, without an exponent where people would not write one."""
    if value == 0 or 0.001 <= abs(value) < 1e6:
        digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
        text = f"{value:,.{digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds < 120:
        return f"{amount(seconds)} s"
    return f"{amount(seconds / 60)} min" if seconds < 7200 else f"{amount(seconds / 3600)} h"


def three(value: float) -> str:
    """Three digits that count, zeros too, for columns: 0.0123, 0.52, 12.3, 1,230; `never` for
    infinity."""
    if math.isinf(value):
        return "never"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(digits, 6)}f}"


def plus_minus(found: "Summary | None", write: Write, unit: str = "") -> str:
    """`90.67 % ± 0.16`, half of the mean's interval; without one the mean alone."""
    if found is None:
        return MISSING
    off = "" if found.half is None else f" ± {write(found.half)}"
    return f"{write(found.mean)}{unit}{off}"


def number(value: float | None, digits: int) -> str:
    """Rounded, a dash for none."""
    return MISSING if value is None else f"{value:.{digits}f}"


def target(value: float) -> str:
    """A target as it was given."""
    return f"{value:g}"
