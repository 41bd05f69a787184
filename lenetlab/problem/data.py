"""Fashion-MNIST as tensors: pixels stay uint8 in memory, a batch is divided by 255 when used."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.problem.fetch import fetch
from lenetlab.problem.files import FILES, locate, read

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

HELD_OUT = 10_000  # the last training images, which tuning may be scored on


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


def load(half: str, data: Path | None = None) -> Split:
    """The `train` or `test` half, found, verified and read (about 0.3 s from gz files).

    `data` names a folder that must hold the files; without it the sources of
    `lenetlab.problem.files.places` are tried in order, and the data is fetched if none has it.
    Raises `UserError` for a missing, truncated, swapped or altered file.
    """
    if data is not None and not data.is_dir():
        raise UserError(f"--data {data} is not a folder; expected one with the four IDX files")
    source, folder = locate(half, data, fetch)
    images, labels = (
        torch.frombuffer(bytearray(read(file, folder)), dtype=torch.uint8, offset=file.header)
        for file in FILES[half]
    )
    return Split(
        images.view(FILES[half][0].shape),
        labels.to(torch.int64),
        FILES[half][0].sha256[:16],
        source,
        folder,
    )


def load_pair(split: str, data: Path | None = None) -> tuple[Split, Split]:
    """What is trained on and what is measured on.

    `official`: the 60,000 training and the 10,000 test images. `inner`: the first 50,000 and the
    last 10,000 *training* images, for choosing hyperparameters; the test files are not opened.
    """
    train = load("train", data)
    if split == "official":
        return train, load("test", data)
    cut = len(train) - HELD_OUT
    return train.take(0, cut), train.take(cut, len(train))
