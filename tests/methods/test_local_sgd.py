"""Local SGD: one worker, workers that always talk, and workers by hand."""

import torch

from tests.methods.training import steps
from tests.problems import Softmax, setting


def test_local_sgd_with_one_worker_is_sgd_bit_for_bit():
    ours, plain = setting(Softmax(), 16), setting(Softmax(), 16)  # 120 = 7 · 16 + 8
    given = {"lr": 0.3, "workers": 1, "H": 5}
    pairs = zip(steps("local_sgd", ours, 60, **given), steps("sgd", plain, 60, lr=0.3), strict=True)
    for a, b in pairs:
        assert a.equal(b)
    assert ours.oracle.ledger.gradients == plain.oracle.ledger.gradients


def test_local_sgd_that_always_talks_is_sgd_on_a_larger_batch():
    ours, plain = setting(Softmax(), 10), setting(Softmax(), 40)
    given = {"lr": 0.3, "workers": 4, "H": 1}
    pairs = zip(steps("local_sgd", ours, 30, **given), steps("sgd", plain, 30, lr=0.3), strict=True)
    for a, b in pairs:
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_workers_go_their_own_ways_and_meet():
    s, twin = setting(Softmax(), 10), setting(Softmax(), 10)
    workers = [torch.zeros(15, dtype=torch.float64) for _ in range(3)]
    for t, found in enumerate(steps("local_sgd", s, 30, lr=0.3, workers=3, H=4)):
        for w_k in workers:
            twin.oracle.next_step()
            _, g = twin.oracle.gradient(twin.oracle.batch, at=w_k)
            w_k -= 0.3 * g
        mean = sum(workers) / 3
        torch.testing.assert_close(found, mean, rtol=1e-12, atol=1e-12)
        if (t + 1) % 4 == 0:
            workers = [mean.clone() for _ in workers]
        else:
            assert not workers[0].equal(workers[1])
