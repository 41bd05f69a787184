"""LeNet-5 as a flat vector against the script's own module."""

import ast
import math
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from lenetlab.errors import UserError
from lenetlab.oracle.order import starter_stream
from lenetlab.problem.model import (
    CONSTRAINED,
    SHAPES,
    SIZE,
    STATE_DICT_ORDER,
    flatten,
    initial_weights,
    logits,
    state_dict,
    views,
)

from .. import reference
from ..reference import LeNet5


@pytest.mark.skipif(
    "LENETLAB_STARTER" not in os.environ,
    reason="LENETLAB_STARTER names no folder with the starter script",
)
def test_the_reference_is_the_scripts_class_word_for_word():
    def the_class(path: Path) -> str:
        tree = ast.parse(path.read_text())
        return next(ast.dump(n) for n in tree.body if getattr(n, "name", "") == "LeNet5")

    script = Path(os.environ["LENETLAB_STARTER"]) / "fashionMNIST.py"
    assert the_class(Path(reference.__file__)) == the_class(script)


def test_names_and_shapes_are_those_of_the_scripts_state_dict():
    theirs = LeNet5().state_dict()
    assert list(theirs) == list(STATE_DICT_ORDER)
    assert {name: tuple(w.shape) for name, w in theirs.items()} == SHAPES
    assert sum(w.numel() for w in theirs.values()) == SIZE == 44_426
    assert CONSTRAINED == theirs["fc1.weight"].numel() + theirs["fc2.weight"].numel() == 40_800


def test_weights_move_both_ways():
    theirs = LeNet5()
    w = flatten(theirs.state_dict())
    assert w.shape == (SIZE,)
    other = LeNet5()
    other.load_state_dict(state_dict(w))
    for a, b in zip(theirs.parameters(), other.parameters(), strict=True):
        assert a.equal(b)
    assert list(state_dict(w)) == list(theirs.state_dict())


def test_the_constrained_weights_come_first():
    w = torch.arange(SIZE, dtype=torch.float32)
    named = views(w)
    assert named["fc1.weight"].flatten()[0] == 0
    assert named["fc2.weight"].flatten()[-1] == CONSTRAINED - 1


def test_views_share_memory_and_copies_do_not():
    w = torch.zeros(SIZE)
    views(w)["conv1.bias"].fill_(1)
    assert w.sum() == 6
    state_dict(w)["fc1.bias"].fill_(1)
    assert w.sum() == 6


def test_logits_are_the_scripts_to_the_bit(test):
    model = LeNet5()
    x = test.images[:64].unsqueeze(1).float() / 255
    with torch.no_grad():
        assert logits(views(flatten(model.state_dict())), x).equal(model(x))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**63 - 1))
def test_initial_weights_are_the_scripts_for_every_seed(seed):
    """The script peeks into its test loader before it makes the model; that draws a number."""
    loader = DataLoader(TensorDataset(torch.zeros(3)), batch_size=64)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        next(iter(loader))
        theirs = flatten(LeNet5().state_dict())
    assert initial_weights(starter_stream(seed)).equal(theirs)


def test_initial_weights_lie_within_their_bounds():
    for name, w in views(initial_weights(starter_stream(1))).items():
        layer = name.partition(".")[0]
        bound = 1 / math.sqrt(math.prod(SHAPES[f"{layer}.weight"][1:]))
        assert 0.5 * bound < w.abs().max() <= bound


def test_foreign_weights_are_refused_by_name_and_shape():
    good = state_dict(torch.zeros(SIZE))
    with pytest.raises(UserError, match=r"'fc4.bias' is no parameter"):
        flatten(good | {"fc4.bias": torch.zeros(1)})
    with pytest.raises(UserError, match=r"fc1.bias has shape \(84,\), expected \(120,\)"):
        flatten(good | {"fc1.bias": torch.zeros(84)})
    del good["fc2.weight"]
    with pytest.raises(UserError, match=r"'fc2.weight' is missing"):
        flatten(good)
