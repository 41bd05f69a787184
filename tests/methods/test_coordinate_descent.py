"""Coordinate descent: all coordinates, the largest, and those that are drawn."""

import math

import pytest
import torch

from lenetlab.errors import UserError
from tests.methods.training import build, last, steps
from tests.problems import Quadratic, Softmax, setting


def test_coordinate_descent_with_all_coordinates_is_sgd():
    ours, plain = setting(Softmax(), 12), setting(Softmax(), 12)
    pairs = zip(
        steps("coordinate_descent", ours, 50, lr=0.3, block=1.0),
        steps("sgd", plain, 50, lr=0.3),
        strict=True,
    )
    for a, b in pairs:
        torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-15)


def test_greedy_moves_the_largest_derivatives_and_random_moves_all_in_time():
    s = setting(Quadratic())
    _, g = s.oracle.gradient(s.oracle.full)
    moved = last("coordinate_descent", s, 1, block=0.3, rule="greedy", lr=0.1)
    assert moved.nonzero().flatten().tolist() == sorted(g.abs().topk(3).indices.tolist())
    torch.testing.assert_close(moved[moved != 0], -0.1 * g[moved != 0])

    s, before, counts = setting(Quadratic()), torch.zeros(9), torch.zeros(9)
    for w in steps("coordinate_descent", s, 900, block=0.3, lr=1e-3):
        assert int((w != before).sum()) == 3
        counts += w != before
        before = w
    assert (counts - 300).abs().max() < 5 * math.sqrt(900 * (1 / 3) * (2 / 3))


def test_an_unknown_rule_is_refused():
    with pytest.raises(UserError, match="did you mean 'greedy'"):
        build("coordinate_descent", setting(Quadratic()), rule="gredy")
