"""What the oracle answers, against float64 autograd through the script's own module, and what it
charges."""

from itertools import product
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.oracle.ledger import Ledger
from lenetlab.oracle.native_engine import NativeEngine
from lenetlab.oracle.oracle import REMEMBERED, Batch, Oracle
from lenetlab.oracle.order import DataOrder, starter_stream
from lenetlab.oracle.torch_engine import CHUNK, TorchEngine
from lenetlab.oracle.weights import Weights
from lenetlab.problem.model import CONSTRAINED, SIZE, initial_weights, state_dict, views

from ..reference import LeNet5

N = 4200
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def split(train):
    return train.take(0, N)


@pytest.fixture
def lab(split):
    """An oracle over 4,200 images and what it was made of."""

    def make(
        l2: float = 0.0, batch_size: int = 64, mask: Tensor | None = None, native: bool = False
    ):
        stream = starter_stream(0)
        weights = Weights(initial_weights(stream))
        oracle = Oracle(
            NativeEngine(split.images, split.labels) if native else TorchEngine(split, CPU),
            weights,
            DataOrder(stream, N),
            lambda: batch_size,
            torch.Generator().manual_seed(1),
            l2,
        )
        oracle.mask = mask
        return SimpleNamespace(oracle=oracle, weights=weights, split=split)

    return make


def exact(lab, indices: Tensor, at: Tensor, l2: float = 0.0, mask: Tensor | None = None):
    """F and ∇F at m∘w in float64, by autograd through w itself."""
    w = at.double().requires_grad_()
    effective = w if mask is None else w * mask.double()
    x = lab.split.images[indices].double().unsqueeze(1) / 255
    scores = torch.func.functional_call(LeNet5().double(), views(effective), (x,))
    loss = F.cross_entropy(scores, lab.split.labels[indices]) + l2 / 2 * effective.dot(effective)
    (gradient,) = torch.autograd.grad(loss, w)
    return loss.detach(), gradient


def some_mask() -> Tensor:
    mask = torch.ones(SIZE)
    mask[:CONSTRAINED] = (torch.arange(CONSTRAINED) % 5 < 3).float()
    return mask


def close(found: Tensor, expected: Tensor) -> bool:
    error = (found.double() - expected).norm()
    return bool(error <= 1e-5 * expected.norm() + 1e-9)


@pytest.mark.parametrize(
    ("masked", "l2", "size"),
    [*product([False, True], [0.0, 0.05], [1, 64, CHUNK]), (True, 0.05, 2 * CHUNK + 1)],
)
def test_value_and_gradient_are_those_of_float64(lab, size, l2, masked):
    mask = some_mask() if masked else None
    made = lab(l2, mask=mask)
    batch = made.oracle.draw(size)
    value = made.oracle.value(batch)
    loss, gradient = made.oracle.gradient(batch)
    true_loss, true_gradient = exact(made, batch.indices, made.weights.w, l2, mask)
    assert close(value, true_loss)
    assert close(loss, true_loss)
    assert close(gradient, true_gradient)
    if mask is not None:
        assert not gradient[mask == 0].any()


def test_a_question_at_another_point_changes_nothing(lab):
    made = lab()
    before, batch = made.weights.w.clone(), made.oracle.draw(64)
    there = before + 0.1
    loss, gradient = made.oracle.gradient(batch, at=there)
    true_loss, true_gradient = exact(made, batch.indices, there)
    assert close(loss, true_loss)
    assert close(gradient, true_gradient)
    assert close(made.oracle.value(batch, at=there), true_loss)
    assert made.weights.w.equal(before)
    assert not made.weights.g.any()


@pytest.mark.parametrize("l2", [0.0, 0.05])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("native", [False, True])
def test_values_at_the_rows_of_a_matrix_are_those_of_the_rows_and_cost_as_much(
    lab, l2, masked, native
):
    mask = some_mask() if masked else None
    made = lab(l2, mask=mask, native=native)
    batch = made.oracle.draw(64)
    at = made.weights.w + 0.1 * torch.randn(3, SIZE, generator=made.oracle.rng)
    values = made.oracle.value(batch, at=at)
    assert made.oracle.ledger.forwards == 3 * 64
    assert values.shape == (3,)
    for row, value in zip(at, values, strict=True):
        assert float(value) == float(made.oracle.value(batch, at=row))
        assert close(value, exact(made, batch.indices, row, l2, mask)[0])
    assert len(set(values.tolist())) == 3


@pytest.mark.parametrize("native", [False, True])
def test_a_row_about_a_large_batch_is_remembered(lab, native):
    made = lab(native=native)
    w = made.weights.w.clone()
    rows = made.oracle.value(made.oracle.full, at=torch.stack([w + 0.1, w]))
    assert made.oracle.ledger.forwards == 2 * N
    assert made.oracle.value(made.oracle.full) == rows[1]
    assert made.oracle.ledger.forwards == 2 * N


def test_without_a_size_a_batch_is_drawn_by_the_plan(lab):
    made, twin = lab(batch_size=96), lab(batch_size=96)
    assert made.oracle.draw().indices.equal(twin.oracle.draw(96).indices)
    second = made.oracle.draw()
    assert made.oracle.batch is second
    assert second.indices.equal(twin.oracle.draw(96).indices)


@pytest.mark.parametrize("form", ["flat", "named", "layers"])
def test_calling_it_is_a_closure_that_fills_every_grad(lab, form):
    made = lab()
    params = made.weights.params(form)
    batch = made.oracle.batch
    with torch.no_grad():  # as PyTorch's optimizers call
        loss = made.oracle()
    assert loss.shape == ()
    assert not loss.requires_grad
    true_loss, true_gradient = exact(made, batch.indices, made.weights.w)
    assert close(loss, true_loss)
    assert close(torch.cat([p.grad.flatten() for p in params]), true_gradient)


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad_neither_detaches_nor_adds_up(lab, set_to_none):
    made = lab()
    params = made.weights.params("named")
    optimizer = torch.optim.SGD(params, lr=0.1)
    made.oracle()
    first = [p.grad.clone() for p in params]
    for _ in range(2):
        optimizer.zero_grad(set_to_none=set_to_none)
        made.oracle()
        for p, before in zip(params, first, strict=True):
            assert p.grad.equal(before)
    assert made.weights.g.any()
    start = made.weights.w.clone()
    optimizer.step()
    assert made.weights.w.equal(torch.add(start, made.weights.g, alpha=-0.1))


def test_parameters_are_views_in_the_promised_shapes(lab):
    weights = lab().weights
    shapes = {name: tuple(w.shape) for name, w in views(weights.w).items()}
    assert [tuple(p.shape) for p in weights.params("named")] == list(shapes.values())
    layers = [tuple(p.shape) for p in weights.params("layers")]
    assert layers[2] == (16, 150)  # conv2 as a matrix
    assert layers[4] == (6, 25)
    assert max(map(len, layers)) == 2
    (flat,) = weights.params("flat")
    with torch.no_grad():
        flat.fill_(3)
    assert (state_dict(weights.w)["conv1.weight"] == 3).all()


def test_the_first_question_of_a_step_draws_and_later_ones_reuse(lab):
    oracle = lab().oracle
    first = oracle.batch
    oracle()
    assert oracle.batch is first
    oracle.next_step()
    second = oracle.batch
    assert second is not first
    assert not set(first.indices.tolist()) & set(second.indices.tolist())
    drawn = oracle.draw(10)
    assert oracle.batch is drawn
    assert len(drawn) == oracle.batch_size == 10


def test_drawing_goes_through_the_data_order(lab):
    oracle = lab().oracle
    batches = [oracle.draw(1500).indices for _ in range(4)]
    assert [len(b) for b in batches] == [1500, 1500, 1200, 1500]
    assert sorted(torch.cat(batches[:3]).tolist()) == list(range(N))


def test_a_sample_is_exact_and_leaves_the_order_alone(lab):
    oracle = lab().oracle
    position = oracle.order.epochs
    one, other = oracle.sample(300).indices, oracle.sample(300).indices
    assert len(set(one.tolist())) == 300  # without replacement
    assert not one.equal(other)
    assert oracle.order.epochs == position
    again = lab().oracle.sample(300).indices
    assert again.equal(one)  # from the oracle's own generator
    assert sorted(oracle.sample(N).indices.tolist()) == list(range(N))


def test_the_partition_is_fixed(lab):
    oracle = lab().oracle
    parts = oracle.partition(800)
    assert [len(part) for part in parts] == [800] * 5 + [200]
    assert torch.cat([part.indices for part in parts]).equal(torch.arange(N))


@pytest.mark.parametrize("ask", ["draw", "sample", "partition"])
@pytest.mark.parametrize("size", [0, -1, N + 1])
def test_sizes_out_of_range_are_refused(lab, ask, size):
    with pytest.raises(UserError, match=f"batch size {size} is out of range; expected 1 to {N}"):
        getattr(lab().oracle, ask)(size)


def test_the_full_batch_is_the_mean_over_its_partition(lab):
    oracle = lab().oracle
    loss, gradient = oracle.gradient(oracle.full)
    parts = [oracle.gradient(part) for part in oracle.partition(600)]
    assert close(loss, torch.stack([value for value, _ in parts]).double().mean())
    assert close(gradient, torch.stack([g for _, g in parts]).double().mean(dim=0))


def test_every_answer_is_charged(lab):
    oracle = lab().oracle
    oracle()
    assert oracle.ledger == Ledger(gradients=64)
    oracle()  # a small batch is not remembered: asking twice costs twice
    assert oracle.ledger == Ledger(gradients=128)
    oracle.value(oracle.sample(100))
    assert oracle.ledger == Ledger(gradients=128, forwards=100)
    oracle.gradient(oracle.full)
    assert oracle.ledger == Ledger(gradients=128 + N, forwards=100)


def test_the_same_large_question_is_answered_from_memory_and_free(lab):
    made = lab(batch_size=N)
    oracle, w = made.oracle, made.weights.w
    first, gradient = oracle.gradient(oracle.full)
    gradient = gradient.clone()
    ledger_counts = oracle.ledger.counts()
    again, same = oracle.gradient(Batch(torch.arange(N)))  # equal indices, another object
    assert again == first
    assert same.equal(gradient)
    assert oracle.value(oracle.full) == first
    oracle()  # the present batch is the full one
    assert made.weights.g.equal(gradient)
    assert oracle.ledger.counts() == ledger_counts

    w[0] += 1e-3  # other bits of w: another question
    oracle.gradient(oracle.full)
    assert oracle.ledger.gradients == 2 * N
    oracle.mask = some_mask()  # another objective
    oracle.gradient(oracle.full)
    assert oracle.ledger.gradients == 3 * N


def test_what_is_done_to_an_answer_is_not_done_to_what_is_remembered(lab):
    oracle = lab().oracle
    value = oracle.value(oracle.full)
    true = float(value)
    value.mul_(3)
    again = oracle.value(oracle.full)
    assert float(again) == true
    again.zero_()
    assert float(oracle.value(oracle.full)) == true
    loss, g = oracle.gradient(oracle.full)
    assert oracle.recalled == 2  # the gradient was asked for, and paid
    loss.zero_()
    g.zero_()
    loss, g = oracle.gradient(oracle.full)
    assert oracle.recalled == 3
    assert (float(loss) > 0, bool(g.any())) == (True, True)


def test_a_remembered_value_is_no_gradient(lab):
    oracle = lab().oracle
    oracle.value(oracle.full)
    oracle.value(oracle.full)
    oracle.gradient(oracle.full)
    assert oracle.ledger == Ledger(forwards=N, gradients=N)


def test_memory_belongs_to_batches_of_its_size(lab):
    for size, times in ((REMEMBERED, 1), (REMEMBERED - 1, 2)):
        oracle = lab().oracle
        batch = oracle.sample(size)
        for _ in range(2):
            oracle.gradient(batch)
        assert oracle.ledger.gradients == times * size


def test_the_mask_holds_whatever_the_weights_are(lab):
    made = lab()
    mask = some_mask()
    made.oracle.mask = mask
    batch = made.oracle.draw(64)
    loss = made.oracle.value(batch).clone()
    made.weights.w[mask == 0] += 5.0  # no masked weight has an effect
    assert made.oracle.value(batch) == loss


def test_the_engine_answers_alike_in_float64(lab):
    made = lab()
    engine = TorchEngine(made.split, CPU)
    w = made.weights.w.double()
    out = torch.empty_like(w)
    indices = torch.arange(1500)
    loss = engine.gradient(w, indices, out)
    true_loss, true_gradient = exact(made, indices, w)
    assert loss == pytest.approx(float(true_loss), abs=1e-13)
    assert torch.allclose(out, true_gradient, rtol=1e-10, atol=1e-14)
