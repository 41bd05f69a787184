"""The ends of the Hessian's spectrum: its largest eigenvalues, or its least, by Lanczos iteration.

The largest is what is called sharpness: gradient descent with the rate η is stable where it is
below 2/η. The Hessian is known by its products alone (Pearlmutter 1994), which the oracle has
exactly; the iteration is ARPACK's, implicitly restarted (Lehoucq, Sorensen and Yang 1998).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.oracle.oracle import Batch, Oracle

TOLERANCE = 1e-3  # relative, of the eigenvalues: products in float32 allow for little more

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """values : (k,), the outermost first. vectors : (n, k), of norm 1. products : what it took."""

    values: Array
    vectors: Array
    products: int


def eigenvalues(
    oracle: Oracle,
    batch: Batch,
    w: Tensor,
    k: int = 1,
    end: Literal["largest", "least"] = "largest",
    tolerance: float = TOLERANCE,
    start: Array | None = None,
) -> Eigenpairs:
    """The `k` largest or least eigenvalues, by algebraic size, of the Hessian on `batch` at `w`.

    start : where the iteration begins (n,), best near the eigenvectors sought; a fixed random
        vector if None. Charged: a Hessian product an example and product. Raises: `UserError` where
        the iteration does not converge."""
    hessian = oracle.hessian(batch, at=w)
    products = 0

    def product(v: Array) -> Array:
        nonlocal products
        products += 1
        column = torch.from_numpy(np.ascontiguousarray(v.reshape(-1))).to(w)
        return (hessian @ column).double().cpu().numpy()

    if start is None:
        start = np.random.default_rng(0).standard_normal(len(w))
    operator = LinearOperator(hessian.shape, matvec=product, dtype=np.float64)
    which = "LA" if end == "largest" else "SA"
    try:
        values, vectors = eigsh(operator, k, which=which, tol=tolerance, v0=start)
    except ArpackNoConvergence as error:
        raise UserError(
            f"the {k} {end} eigenvalues did not converge ({error}); ask for fewer of them"
        ) from None
    order = np.argsort(values)[:: -1 if end == "largest" else 1]
    return Eigenpairs(values[order], vectors[:, order], products)
