"""The searches themselves, apart from any direction.

On φ(α) = F(w + α p), `backtrack` needs values alone, `strong_wolfe` slopes as well; `agreement` is
what a trust region or a damping is changed by.
"""

import math
from collections.abc import Callable

Value = Callable[[float], float]
ValueAndSlope = Callable[[float], tuple[float, float]]

LEAST = 1e-9  # of its first trial: below it a search for a shorter step gives up
TRIES = 30  # evaluations after which a search in both directions does
SAMPLES = ("batch", "fresh")  # of a method: where it searches
ROUNDING = 10 * 2.0**-23  # of a loss in float32, relative, with the factor of Conn et al.


def backtrack(phi: Value, f: float, slope: float, alpha: float, c: float, tau: float) -> float:
    """The first α, τα, τ²α … with φ(α) ≤ φ(0) + c α φ'(0); 0 if there is none above `LEAST` α.

    Armijo 1966; Nocedal and Wright 2006, Algorithm 3.1. A value that is no number is too large.
    """
    least = LEAST * alpha  # a number of trials would end a slow search (τ = 0.95) far too soon
    while not phi(alpha) <= f + c * alpha * slope:
        alpha *= tau
        if alpha <= least:
            return 0.0
    return alpha


def strong_wolfe(
    phi: ValueAndSlope,
    f: float,
    slope: float,
    alpha: float,
    c1: float,
    c2: float,
    tries: int = TRIES,
) -> float:
    """α with φ(α) ≤ φ(0) + c₁ α φ'(0) and |φ'(α)| ≤ c₂ |φ'(0)|.

    Nocedal and Wright 2006, Algorithms 3.5 (bracketing, doubling α) and 3.6 (zoom, by the cubic
    of equation 3.59). Returns the best α with sufficient decrease if none has both after `tries`
    evaluations, 0 if there is none, or if the first trial is 0, as at the start of a warm-up.
    """
    if alpha <= 0:
        return 0.0

    def decreases(a: float, fa: float) -> bool:
        return fa <= f + c1 * a * slope

    def flat(da: float) -> bool:
        return abs(da) <= -c2 * slope

    low = (0.0, f, slope)  # the best end so far: α, φ, φ'
    high: tuple[float, float, float] | None = None  # the other end, once there is a bracket
    for _ in range(tries):
        if high is not None:
            alpha = _cubic(low, high)
        fa, da = phi(alpha)
        if not decreases(alpha, fa) or (fa >= low[1] and low[0] > 0) or not math.isfinite(da):
            high = (alpha, fa, da)
        elif flat(da):
            return alpha
        else:
            outward = math.inf if high is None else high[0] - low[0]
            if da * outward >= 0:
                high = low
            low = (alpha, fa, da)
            if high is None:
                alpha *= 2
        if high is not None and abs(high[0] - low[0]) < 1e-12 * max(1.0, low[0]):
            break
    return low[0]


def agreement(gained: float, promised: float, f: float) -> float:
    """ρ, what F lost by a step over what the model promised; −∞ for a promise that is none.

    A step so short that its gain is lost in the rounding of F is as good as promised: a region that
    has once become that small would otherwise shrink for ever (Conn, Gould and Toint, Trust-Region
    Methods, 2000, section 17.4.2).
    """
    rounding = ROUNDING * max(1.0, abs(f))
    return (gained + rounding) / (promised + rounding) if promised > -rounding else -math.inf


def _cubic(low: tuple[float, float, float], high: tuple[float, float, float]) -> float:
    """The minimum of the cubic through both ends, kept away from them; else their middle."""
    (a, fa, da), (b, fb, db) = low, high
    middle, width = 0.5 * (a + b), abs(b - a)
    d1 = da + db - 3 * (fa - fb) / (a - b)
    square = d1 * d1 - da * db
    if not square >= 0:
        return middle
    d2 = math.copysign(math.sqrt(square), b - a)
    below = db - da + 2 * d2
    if below == 0:
        return middle
    found = b - (b - a) * (db + d2 - d1) / below
    inside = min(a, b) + 0.1 * width < found < max(a, b) - 0.1 * width
    return found if inside else middle
