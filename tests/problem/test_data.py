"""The split: 60,000 and 10,000 images, or 50,000 and 10,000 of the training half alone."""

import pytest
import torch

from lenetlab.errors import UserError
from lenetlab.problem.data import load_pair
from lenetlab.problem.files import FILES, read
from lenetlab.problem.problems import held_out


@pytest.fixture(scope="module")
def train_alone(train, tmp_path_factory):
    """A folder from which the test half is gone."""
    folder = tmp_path_factory.mktemp("train_alone")
    for file in FILES["train"]:
        (folder / file.name).write_bytes(read(file, train.folder))
    return folder


def test_the_official_split_is_the_files(train, test):
    assert train.images.shape == (60_000, 28, 28)
    assert test.images.shape == (10_000, 28, 28)
    assert train.images.dtype == torch.uint8
    assert train.labels.dtype == torch.int64
    assert train.labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert test.labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    assert train.labels.bincount().tolist() == [6000] * 10


def test_the_inner_split_never_opens_the_test_files(train, train_alone):
    fit, others = load_pair("inner", train_alone)
    assert (len(fit), len(others)) == (50_000, held_out(60_000))
    assert fit.images.equal(train.images[:50_000])
    assert others.images.equal(train.images[50_000:])
    assert others.labels.equal(train.labels[50_000:])
    with pytest.raises(UserError, match="t10k-images"):
        load_pair("official", train_alone)


def test_a_part_has_another_checksum(train):
    fit = train.take(0, 50_000)
    assert fit.checksum != train.checksum
    assert fit.checksum != train.take(50_000, 60_000).checksum
    assert fit.images.data_ptr() == train.images.data_ptr()
