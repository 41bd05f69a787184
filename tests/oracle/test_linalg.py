"""Factorizations: right, and billed by count and size."""

import pytest
import torch

from lenetlab.oracle.ledger import Ledger
from lenetlab.oracle.linalg import LinearAlgebra


@pytest.fixture
def stack():
    x = torch.randn(3, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x @ x.mT + torch.eye(5, dtype=torch.float64)


def test_results_are_right(stack):
    linalg = LinearAlgebra(Ledger())
    eye = torch.eye(5, dtype=torch.float64).expand(3, 5, 5)
    torch.testing.assert_close(linalg.inv(stack) @ stack, eye)
    torch.testing.assert_close(linalg.cholesky_inverse(stack) @ stack, eye)
    torch.testing.assert_close(linalg.solve(stack, stack), eye)
    values, q = linalg.eigh(stack)
    torch.testing.assert_close(q * values.unsqueeze(1) @ q.mT, stack)
    lower = linalg.cholesky(stack)
    torch.testing.assert_close(lower @ lower.mT, stack)
    q, r = linalg.qr(stack)
    torch.testing.assert_close(q @ r, stack)
    u, s, vt = linalg.svd(stack)
    torch.testing.assert_close(u * s.unsqueeze(1) @ vt, stack)


def test_every_matrix_of_a_stack_is_billed(stack):
    ledger = Ledger()
    linalg = LinearAlgebra(ledger)
    linalg.inv(stack)
    assert (ledger.factorizations, ledger.factorized) == (3, 3 * 125)
    linalg.qr(stack[0, :, :2])
    assert (ledger.factorizations, ledger.factorized) == (4, 3 * 125 + 20)
    assert linalg.seconds > 0
    with pytest.raises(torch.linalg.LinAlgError):
        linalg.cholesky(-stack)
    assert ledger.factorizations == 7
