"""The polar factor of matrices, without their decomposition: Newton-Schulz as Muon uses it.

U S' Vᵀ for a matrix U S Vᵀ: singular values of at least 0.0015 ‖G‖_F become [0.68, 1.21]. The
coefficients lift small values fast and never settle at 1; zero stays zero. A vector is a matrix of
one row, whose polar factor g / ‖g‖ is exact.
"""

from collections.abc import Sequence

from torch import Tensor

from lenetlab.oracle.linalg import LinearAlgebra

QUINTIC = 3.4445, -4.7750, 2.0315  # Jordan et al. 2024: the steepest at 0 that stays bounded
STEPS = (QUINTIC,) * 5


def polar(matrices: Sequence[Tensor], linalg: LinearAlgebra) -> list[Tensor]:
    """The polar factor of each, of vectors too."""
    return linalg.newton_schulz(matrices, STEPS)
