"""The data order against PyTorch's own loader, and its position saved and restored."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from lenetlab.oracle.order import DataOrder, starter_stream
from lenetlab.problem.model import initial_weights

from ..reference import LeNet5

N = 1000


def scripts_batches(seed: int, epochs: int, batch_size: int) -> list[list[int]]:
    """What the script's loop sees: it peeks into the test loader, makes the model, and in every
    epoch goes through the training loader and then the test loader."""
    train = DataLoader(TensorDataset(torch.arange(N)), batch_size=batch_size, shuffle=True)
    test = DataLoader(TensorDataset(torch.arange(10)), batch_size=batch_size)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        next(iter(test))
        LeNet5()
        seen = []
        for _ in range(epochs):
            seen += [batch.tolist() for (batch,) in train]
            list(test)
    return seen


def order_of(seed: int) -> DataOrder:
    stream = starter_stream(seed)
    initial_weights(stream)
    return DataOrder(stream, N)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**63 - 1), batch_size=st.sampled_from([1, 7, 64, 1000]))
def test_batches_are_the_scripts(seed, batch_size):
    expected = scripts_batches(seed, 3, batch_size)
    order = order_of(seed)
    assert [order.take(batch_size).tolist() for _ in expected] == expected


@given(sizes=st.lists(st.integers(1, 400), max_size=30), cut=st.integers(0, 30))
def test_it_goes_on_from_any_position(sizes, cut):
    whole, first = order_of(5), order_of(5)
    expected = [whole.take(size).tolist() for size in sizes]
    seen = [first.take(size).tolist() for size in sizes[:cut]]
    second = order_of(99)  # another seed: everything must come from the saved state
    second.restore(first.state())
    assert second.epochs == first.epochs
    seen += [second.take(size).tolist() for size in sizes[cut:]]
    assert seen == expected
    assert second.epochs == whole.epochs


@given(sizes=st.lists(st.integers(1, 400), min_size=20, max_size=40))
def test_every_sweep_sees_every_example_once_and_no_batch_crosses_its_end(sizes):
    order = order_of(3)
    sweep: list[int] = []
    for size in sizes:
        batch = order.take(size).tolist()
        assert 1 <= len(batch) <= size
        sweep += batch
        assert len(sweep) <= N
        if len(sweep) == N:
            assert sorted(sweep) == list(range(N))
            assert order.epochs == int(order.epochs)
            sweep = []


def test_sweeps_are_counted():
    order = order_of(0)
    assert order.epochs == 0
    order.take(250)
    assert order.epochs == 0.25
    order.take(N)
    assert order.epochs == 1
    order.take(500)
    assert order.epochs == 1.5
