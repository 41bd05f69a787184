"""What theory says of F(w_k) − F* on a strongly convex problem, with all its constants.

c is of strong convexity, L of the gradient's Lipschitz constant, M bounds the variance of a batch's
gradient, `gap` is F − F* where it begins. Steps are counted from 0.

Sources: Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning, SIAM
Review 60(2), 2018, theorems 4.6 and 4.7; Johnson and Zhang, Accelerating Stochastic Gradient
Descent using Predictive Variance Reduction, 2013, theorem 1; Nocedal and Wright, Numerical
Optimization, 2006, theorem 7.1 (linear, for a constant forcing term) and 3.5 (quadratic).
"""

from collections.abc import Sequence


def constant_rate(
    steps: Sequence[int], rate: float, gap: float, c: float, smooth: float, noise: float
) -> list[float]:
    """E F(w_k) − F* of SGD with a constant rate ≤ 1/L: a linear descent to rate·L·M / 2c, where it
    stays (Bottou et al., theorem 4.6, with unbiased gradients). Without noise, gradient descent."""
    floor = rate * smooth * noise / (2 * c)
    return [floor + (1 - rate * c) ** k * (gap - floor) for k in steps]


def falling_rate(
    steps: Sequence[int],
    beta: float,
    gamma: float,
    gap: float,
    c: float,
    smooth: float,
    noise: float,
) -> list[float]:
    """E F(w_k) − F* of SGD with the rates β/(γ + k), k from 1, for β > 1/c and a first rate of at
    most 1/L: no more than ν/(γ + k) (Bottou et al., theorem 4.7)."""
    nu = max(beta**2 * smooth * noise / (2 * (beta * c - 1)), (gamma + 1) * gap)
    return [nu / (gamma + k + 1) for k in steps]


def svrg_factor(rate: float, inner: int, c: float, smooth: float) -> float:
    """By which a stage of `inner` steps multiplies E F − F*, `smooth` being L of every single
    example's loss (Johnson and Zhang, theorem 1)."""
    stable = 1 - 2 * smooth * rate
    return 1 / (c * rate * stable * inner) + 2 * smooth * rate / stable


def inexact_newton(
    norms: Sequence[float], forcing: float, c: float, smooth_hessian: float
) -> list[float | None]:
    r"""F(w_k) − F* of Newton steps solved to a relative residual `forcing`; None before the local
    rate holds. `norms` are the measured ‖∇F(w_k)‖.

    With ‖p‖ ≤ (1 + η)‖∇F‖/c and a Hessian that is Lipschitz with L_H,

        ‖∇F(w_{k+1})‖ ≤ η ‖∇F(w_k)‖ + L_H (1 + η)²/2c² ‖∇F(w_k)‖²        F − F* ≤ ‖∇F‖²/2c

    which is linear with η at last, quadratic for η = 0. It is followed from the first point where
    it promises a descent."""
    curved = smooth_hessian * (1 + forcing) ** 2 / (2 * c**2)
    found: list[float | None] = []
    bound: float | None = None
    for norm in norms:
        if bound is not None:
            bound = forcing * bound + curved * bound**2
        elif forcing + curved * norm < 1:
            bound = norm
        found.append(None if bound is None else bound**2 / (2 * c))
    return found
