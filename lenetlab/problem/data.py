"""A problem as tensors: pixels stay uint8 in memory, a batch is divided by 255 when used."""

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.problem.fetch import fetch
from lenetlab.problem.files import locate, read
from lenetlab.problem.problems import FASHION_MNIST, Problem, held_out

CLASSES = FASHION_MNIST.classes


@dataclass(frozen=True, eq=False)
class Split:
    """Images (n, 28, 28) uint8 and labels (n,) int64, in the order of the files.

    `checksum` names the content: the SHA-256 of the images' IDX bytes, and what was taken.
    """

    images: Tensor
    labels: Tensor
    checksum: str
    source: str
    folder: Path

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, first: int, end: int) -> "Split":
        """Images `first` up to `end` (excluded), as views."""
        return replace(
            self,
            images=self.images[first:end],
            labels=self.labels[first:end],
            checksum=f"{self.checksum}[{first}:{end}]",
        )

    def to(self, device: torch.device) -> "Split":
        """The same split with its tensors on `device`."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))


def load(half: str, data: Path | None = None, problem: Problem = FASHION_MNIST) -> Split:
    """The `train` or `test` half, found, verified and read (about 0.3 s from gz files).

    `data` names a folder that must hold the files; without it the sources of
    `lenetlab.problem.files.places` are tried in order, and the data is fetched if none has it.
    Raises `UserError` for a missing, truncated, swapped or altered file.
    """
    if data is not None and not data.is_dir():
        raise UserError(f"--data {data} is not a folder; expected one with the four IDX files")
    source, folder = locate(half, data, partial(fetch, problem=problem), problem)
    files = problem.files[half]
    contents = [read(file, folder, problem) for file in files]
    images, labels = (
        torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=file.header)
        for file, content in zip(files, contents, strict=True)
    )
    images = images.view(files[0].shape)
    if problem.transposed:
        images = images.transpose(1, 2).contiguous()
    return Split(images, labels.to(torch.int64), _checksum(problem, half, contents), source, folder)


def _checksum(problem: Problem, half: str, contents: list[bytes]) -> str:
    """Of the images alone where files are verified against what is known of both; else of both."""
    images = problem.files[half][0]
    if problem.pinned and images.sha256:
        return images.sha256[:16]
    sums = "".join(hashlib.sha256(content).hexdigest() for content in contents)
    return hashlib.sha256(sums.encode()).hexdigest()[:16]


def load_pair(
    split: str, data: Path | None = None, problem: Problem = FASHION_MNIST
) -> tuple[Split, Split]:
    """What is trained on and what is measured on.

    `official`: all training and all test images, of Fashion-MNIST 60,000 and 10,000. `inner`: the
    training images alone, the last sixth of them (10,000) measured on and the others trained on,
    for choosing hyperparameters; the test files are not opened.
    """
    train = load("train", data, problem)
    if split == "official":
        test = load("test", data, problem)
        if not problem.pinned:  # the test images have a part in what a run comes to
            train = replace(train, checksum=f"{train.checksum}+{test.checksum}")
        return train, test
    cut = len(train) - held_out(len(train))
    return train.take(0, cut), train.take(cut, len(train))
