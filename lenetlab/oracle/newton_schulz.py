"""Newton-Schulz: the singular values of a matrix moved by polynomials, without a decomposition.

A step applies s ← a s + b s³ + c s⁵ to all of them and turns nothing. This is in PyTorch, for any
device and precision; native/levelled.h does the same for many small matrices in one call.
"""

from collections.abc import Sequence

from torch import Tensor, addmm

Quintic = tuple[float, float, float]  # a, b, c
LEAST = 1e-7  # norm of a matrix that is scaled to one


def newton_schulz(g: Tensor, steps: Sequence[Quintic]) -> Tensor:
    """The `steps` on `g` / ‖`g`‖_F. The Gram matrix is formed on the smaller side. A vector is a
    matrix of one row that needs no steps: `g` / ‖`g`‖ is exact; zero stays zero."""
    x: Tensor = g / g.norm().clamp(min=LEAST)
    if g.dim() == 1:
        return x
    tall = g.size(0) > g.size(1)
    x = x.T if tall else x
    for a, b, c in steps:
        gram = x @ x.T
        x = addmm(x, addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
