"""Factorizations, done and charged: PyTorch's FLOP counter takes them for free.

The ledger counts matrices and adds up m·n·min(m, n), which is n³ for a square one; every matrix of
a stack (…, m, n) counts. The seconds they took are kept here, apart from the ledger, because a
repeated run has the same counts and other seconds.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from lenetlab.oracle.ledger import Ledger
from lenetlab.oracle.newton_schulz import Quintic, newton_schulz


@runtime_checkable
class HasNewtonSchulz(Protocol):
    """An engine with a Newton-Schulz iteration of its own."""

    def newton_schulz(self, matrices: Sequence[Tensor], steps: Sequence[Quintic]) -> list[Tensor]:
        """Every one of the matrices and vectors after the steps."""
        ...


class LinearAlgebra:
    """`torch.linalg` for methods, under the same names and with the same results; and
    Newton-Schulz, by `engine` where it knows how, which is products alone and not billed."""

    def __init__(self, ledger: Ledger, engine: object = None) -> None:
        self.seconds = 0.0
        self._ledger = ledger
        self._newton_schulz_engine = engine if isinstance(engine, HasNewtonSchulz) else None

    def inv(self, a: Tensor) -> Tensor:
        """A⁻¹ of square matrices (…, n, n)."""
        with self._charged(a):
            x: Tensor = torch.linalg.inv(a)
            return x

    def cholesky(self, a: Tensor) -> Tensor:
        """L with A = L Lᵀ, of positive definite matrices; `LinAlgError` for others."""
        with self._charged(a):
            x: Tensor = torch.linalg.cholesky(a)
            return x

    def cholesky_inverse(self, a: Tensor) -> Tensor:
        """A⁻¹ of positive definite matrices: half the work of `inv`, and symmetric."""
        with self._charged(a):
            return torch.cholesky_inverse(torch.linalg.cholesky(a))

    def solve(self, a: Tensor, b: Tensor) -> Tensor:
        """A⁻¹ B."""
        with self._charged(a):
            x: Tensor = torch.linalg.solve(a, b)
            return x

    def eigh(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """Eigenvalues (…, n), ascending, and eigenvectors of symmetric matrices."""
        with self._charged(a):
            values, vectors = torch.linalg.eigh(a)
            return values, vectors

    def qr(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """Q and R, reduced."""
        with self._charged(a):
            q, r = torch.linalg.qr(a)
            return q, r

    def svd(self, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """U, S and Vᵀ, reduced."""
        with self._charged(a):
            u, s, vt = torch.linalg.svd(a, full_matrices=False)
            return u, s, vt

    def newton_schulz(self, matrices: Sequence[Tensor], steps: Sequence[Quintic]) -> list[Tensor]:
        """Matrices and vectors, scaled to a norm of 1, after the steps s ← a s + b s³ + c s⁵."""
        if self._newton_schulz_engine is None:
            return [newton_schulz(g, steps) for g in matrices]
        return self._newton_schulz_engine.newton_schulz(matrices, steps)

    @contextmanager
    def _charged(self, a: Tensor) -> Iterator[None]:
        *stack, m, n = a.shape
        count = torch.Size(stack).numel()
        self._ledger.charge("factorizations", count)
        self._ledger.charge("factorized", count * m * n * min(m, n))
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - begin
