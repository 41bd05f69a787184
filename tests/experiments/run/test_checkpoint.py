"""Checkpoints: every dtype and container comes back; nothing broken is taken for whole."""

import math
import os

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from lenetlab.errors import UserError
from lenetlab.experiments.run import checkpoint
from lenetlab.problem.model import read_weights

DTYPES = [
    torch.bool, torch.uint8, torch.int32, torch.int64, torch.float16, torch.bfloat16,
    torch.float32, torch.float64,
]  # fmt: skip


def test_tensors_come_back_in_their_own_dtype(tmp_path):
    generator = torch.Generator().manual_seed(3)
    tree = {str(dtype): (100 * torch.rand(3, 5, generator=generator)).to(dtype) for dtype in DTYPES}
    tree |= {"empty": torch.empty(0, 4), "scalar": torch.tensor(7), "view": torch.ones(6)[::2]}
    tree["special"] = torch.tensor([math.nan, math.inf, -0.0])
    checkpoint.write(tmp_path / "c", tree)
    found = checkpoint.read(tmp_path / "c")
    assert found.keys() == tree.keys()
    for name, tensor in tree.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        assert bytes(found[name].contiguous().reshape(-1).view(torch.uint8).tolist()) == bytes(
            tensor.contiguous().reshape(-1).view(torch.uint8).tolist()
        )


def test_tensors_are_aligned_as_new_ones_are(tmp_path):
    """Sums of vectors at other addresses have other bits."""
    checkpoint.write(tmp_path / "c", [torch.ones(n) for n in range(1, 20)])
    found = checkpoint.read(tmp_path / "c")
    assert {tensor.data_ptr() % 64 for tensor in found} == {0}


def test_a_generator_goes_on_where_it_was(tmp_path):
    generator = torch.Generator().manual_seed(5)
    torch.rand(17, generator=generator)
    checkpoint.write(tmp_path / "c", {"generator": generator})
    expected = torch.rand(9, generator=generator)
    found = checkpoint.read(tmp_path / "c")["generator"]
    assert torch.rand(9, generator=found).equal(expected)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda part: (
        st.lists(part, max_size=3)
        | st.lists(part, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(), part, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=30)  # a file each
@given(PLAIN)
def test_plain_trees_come_back_equal_in_value_and_type(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("c") / "c"
    checkpoint.write(path, tree)
    found = checkpoint.read(path)
    assert found == tree
    assert repr(found) == repr(tree)  # 1 and True and 1.0 are equal


def test_what_cannot_be_kept_is_named_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "c"
    checkpoint.write(path, {"a": 1})
    with pytest.raises(TypeError, match=r"state\.state\[1\]\.hook is a function"):
        checkpoint.write(path, {"state": [0, {"hook": test_a_generator_goes_on_where_it_was}]})
    assert checkpoint.read(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "c"
    checkpoint.write(path, {"w": torch.arange(100.0), "n": 3})
    return path


def test_no_bit_can_be_flipped(saved):
    whole = saved.read_bytes()
    for at in range(0, len(whole), 13):
        saved.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(UserError, match=r"is broken|was altered|has format") as caught:
            checkpoint.read(saved)
        assert str(saved) in str(caught.value)
        assert "--no-resume" in str(caught.value)


@pytest.mark.parametrize("length", [0, 5, 100, -1])
def test_a_truncated_one_is_refused(saved, length):
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(UserError, match=r"is broken"):
        checkpoint.read(saved)


def test_a_foreign_or_older_file_is_refused(saved):
    save_file({"w": torch.zeros(1)}, saved)
    with pytest.raises(UserError, match="has format none, expected 3"):
        checkpoint.read(saved)
    save_file({"w": torch.zeros(1)}, saved, {"format": "0"})
    with pytest.raises(UserError, match="has format 0, expected 3"):
        checkpoint.read(saved)


def test_nothing_is_pickled(saved):
    with safe_open(saved, framework="pt") as file:
        assert set(file.metadata()) == {"format", "skeleton", "sha256"}


def test_the_order_of_a_tensor_in_memory_survives(tmp_path):
    """A product with a transposed matrix adds up in another order, and has other bits."""
    across = torch.arange(24.0).view(2, 3, 4).permute(2, 0, 1)
    slices = torch.arange(10.0)[::3]
    checkpoint.write(tmp_path / "state", {"across": across, "slices": slices})
    found = checkpoint.read(tmp_path / "state")
    assert found["across"].equal(across)
    assert found["across"].stride() == across.stride()
    assert found["slices"].equal(slices)


@pytest.mark.parametrize("reader", [checkpoint.read, read_weights], ids=["checkpoint", "weights"])
def test_a_pipe_is_not_waited_for(tmp_path, reader):
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(UserError, match="is no regular file"):
        reader(tmp_path / "pipe.safetensors")


@pytest.mark.parametrize(("reader", "said"), [
    (checkpoint.read, "is broken"), (read_weights, "has 1,000,000,000 bytes"),
])  # fmt: skip
def test_a_checkpoint_may_be_larger_than_results(tmp_path, reader, said):
    """Some methods remember a gradient of every batch. Here is nothing but a size."""
    path = tmp_path / "large.safetensors"
    checkpoint.write(path, {"w": torch.zeros(3)})
    os.truncate(path, 10**9)
    with pytest.raises(UserError, match=said):
        reader(path)
