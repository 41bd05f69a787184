"""The smaller dense net: the same outputs, and really smaller."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetlab.methods.constraints.units import mask_of, surviving
from lenetlab.problem.model import SHAPES, SIZE, initial_weights, logits, views
from lenetlab.problem.shrink import compare, parameters, smaller, units


def net(w: torch.Tensor) -> dict[str, torch.Tensor]:
    return dict(views(w.clone()))


def scores(net: dict[str, torch.Tensor], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    x = torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(9)).to(dtype)
    return logits({name: w.to(dtype) for name, w in net.items()}, x)


@settings(max_examples=25)
@given(st.integers(257, 24_480), st.integers(0, 1000))
def test_a_net_of_removed_units_is_exported_with_equal_outputs(keep, seed):
    w = 3 * initial_weights(torch.Generator().manual_seed(seed))
    first, second = surviving(w, keep)
    full = net(w * mask_of(first, second, w))
    small = smaller(full)
    a, b = int(first.sum()), int(second.sum())
    assert units(small) == (a, b)
    # conv1 156, conv2 2,416, and three dense layers with their biases
    assert parameters(small) == 156 + 2416 + 257 * a + (a + 1) * b + 10 * (b + 1)
    torch.testing.assert_close(scores(small), scores(full), rtol=1e-5, atol=1e-5)
    exact = scores(full, torch.float64)
    torch.testing.assert_close(scores(small, torch.float64), exact, rtol=1e-13, atol=1e-13)


@settings(max_examples=25)
@given(st.integers(0, 1000))
def test_units_that_are_constant_are_folded_into_the_next_bias(seed):
    """Incoming weights are zero but the bias is not: tanh(b) is heard by the next layer."""
    rng = torch.Generator().manual_seed(seed)
    full = net(initial_weights(rng))
    full["fc1.weight"][torch.rand(120, generator=rng) < 0.5] = 0
    full["fc2.weight"][torch.rand(84, generator=rng) < 0.3] = 0
    full["fc3.weight"][:, torch.rand(84, generator=rng) < 0.3] = 0
    small = smaller(full)
    assert units(small) < units(full)
    exact = scores(full, torch.float64)
    doubled = smaller({name: w.double() for name, w in full.items()})
    torch.testing.assert_close(scores(doubled, torch.float64), exact, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(scores(small), scores(full), rtol=1e-5, atol=1e-5)


def test_one_removal_leads_to_another():
    """A unit of fc1 is heard only by a unit of fc2 that nobody hears."""
    full = net(initial_weights(torch.Generator().manual_seed(0)))
    full["fc3.weight"][:, 5] = 0
    only = full["fc2.weight"][5, 7].clone()
    full["fc2.weight"][:, 7] = 0
    full["fc2.weight"][5, 7] = only
    assert units(smaller(full)) == (119, 83)


def test_a_net_whose_every_unit_is_dead_keeps_its_shape_and_its_outputs():
    full = net(initial_weights(torch.Generator().manual_seed(0)))
    full["fc1.weight"].zero_()
    small = smaller(full)
    assert min(units(small)) >= 1
    torch.testing.assert_close(scores(small), scores(full), rtol=1e-5, atol=1e-5)


def test_a_dense_net_stays_as_it_is_and_a_small_one_fits_lenets_shapes_again():
    full = net(initial_weights(torch.Generator().manual_seed(0)))
    same = smaller(full)
    assert all(same[name].equal(w) for name, w in full.items())
    w = torch.cat([v.flatten() for v in full.values()])
    small = smaller(net(w * mask_of(*surviving(w, 5_000), w)))
    again = {name: torch.zeros(shape) for name, shape in SHAPES.items()}  # with silent units
    for name, part in small.items():
        again[name][tuple(slice(n) for n in part.shape)] = part
    torch.testing.assert_close(scores(again), scores(small), rtol=1e-5, atol=1e-5)


def test_the_comparison_says_what_it_is_worth(test):
    w = initial_weights(torch.Generator().manual_seed(0))
    full = net(w * mask_of(*surviving(w, 4_080), w))
    small, result = compare(full, test.images[:200], repeats=1)
    assert result.units == units(small)
    assert result.parameters == (SIZE, parameters(small))
    assert result.nonzeros <= 4_080
    assert 0 <= result.difference < 1e-5 * max(result.scale, 1)
    assert result.disagreements == 0
    assert all(s > 0 for s in (*result.seconds, *result.one))
    x = test.images[:200, None] / 255
    difference = float((logits(small, x) - logits(full, x)).abs().max())
    assert result.difference == pytest.approx(difference, abs=1e-6)
