"""The set of vectors with few nonzeros: its nearest point, exactly, and the proximal operators."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetlab.methods.sparsity import Bound, Group, bound, cubic, largest, prunable, soft_threshold
from lenetlab.problem.model import CONSTRAINED, SIZE, views

# few different values, so that ties are the rule
TIED = st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=12)


def small(n: int, k: int) -> Bound:
    return Bound((Group((slice(0, n),), n, k),))


@given(TIED, st.data())
def test_exactly_k_are_kept_whatever_the_ties_and_they_are_the_largest(values, data):
    x = torch.tensor(values).abs()
    k = data.draw(st.integers(0, len(values)))
    chosen = largest(x, k)
    assert int(chosen.sum()) == k
    assert set(chosen.tolist()) <= {0.0, 1.0}
    if 0 < k < len(values):
        assert x[chosen == 1].min() >= x[chosen == 0].max()
        equal = chosen[x == x[chosen == 1].min()].tolist()
        assert equal == sorted(equal, reverse=True)  # the first of equal entries


@given(TIED, st.data())
def test_the_projection_is_idempotent_and_nearest(values, data):
    """Against every vector that has the same values on any other support of size k."""
    from itertools import combinations

    w = torch.tensor(values, dtype=torch.float64)
    k = data.draw(st.integers(1, len(values)))
    b = small(len(values), k)
    p = b.nearest(w)
    assert int(p.count_nonzero()) <= k
    assert b.nearest(p).equal(p)
    best = min(
        float((w - w * torch.zeros_like(w).index_fill(0, torch.tensor(s), 1.0)).norm())
        for s in combinations(range(len(values)), k)
    )
    assert float((w - p).norm()) == pytest.approx(best, abs=1e-12)


@settings(max_examples=20)
@given(st.integers(1, CONSTRAINED - 1), st.booleans(), st.booleans(), st.integers(0, 2**31))
def test_lenets_projection_has_k_nonzeros_and_leaves_the_rest_alone(keep, per_layer, biases, seed):
    w = torch.randn(SIZE, generator=torch.Generator().manual_seed(seed))
    w[: CONSTRAINED // 2] = w[: CONSTRAINED // 2].round()  # ties, many of them zero
    b = bound(keep, per_layer, biases)
    mask = b.mask(w.abs())
    p = views(mask)
    names = ["fc1.weight", "fc2.weight"] + (["fc1.bias", "fc2.bias"] if biases else [])
    counts = {name: int(p[name].sum()) for name in names}
    assert sum(counts.values()) == keep
    assert all(bool((x == 1).all()) for name, x in p.items() if name not in names)
    if per_layer:
        first = sum(v for name, v in counts.items() if name.startswith("fc1"))
        size = 30_720 + 120 * biases
        assert abs(first - keep * size / prunable(biases)) <= 1


def test_the_scenarios_bound_cuts_both_layers_to_60_percent():
    w = torch.randn(SIZE, generator=torch.Generator().manual_seed(0))
    p = views(bound(24_480, per_layer=True).nearest(w))
    assert int(p["fc1.weight"].count_nonzero()) == 18_432
    assert int(p["fc2.weight"].count_nonzero()) == 6_048
    assert int(bound(24_480).nearest(w)[:CONSTRAINED].count_nonzero()) == 24_480


@given(
    st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=5), st.floats(0, 2, width=32)
)  # fmt: skip
def test_soft_thresholding_is_the_proximal_operator_of_l1(values, amount):
    """No point of a fine grid around it has a smaller ½(x − w)² + amount·|x|."""
    w = torch.tensor(values, dtype=torch.float64)
    p = soft_threshold(w, amount)
    expected = [math.copysign(max(abs(v) - amount, 0.0), v) for v in w.tolist()]
    torch.testing.assert_close(p, torch.tensor(expected, dtype=torch.float64))
    grid = torch.linspace(-4, 4, 1601, dtype=torch.float64).unsqueeze(1)
    cost = 0.5 * (grid - w).square() + amount * grid.abs()
    assert bool((0.5 * (p - w).square() + amount * p.abs() <= cost.min(0).values + 1e-12).all())


def test_the_cubic_of_zhu_and_gupta():
    assert [cubic(t, 0.2, 0.6) for t in (0.0, 0.2, 0.6, 1.0)] == [0.0, 0.0, 1.0, 1.0]
    # eq. 1 with s_i = 0, s_f = 1 at the middle: 1 − (1/2)³
    assert cubic(0.4, 0.2, 0.6) == pytest.approx(0.875)
    b = bound(10_000)
    assert b.keeps(cubic(0.4, 0.2, 0.6)) == [round(CONSTRAINED - 0.875 * (CONSTRAINED - 10_000))]
    assert b.keeps(0.0) == [CONSTRAINED]
