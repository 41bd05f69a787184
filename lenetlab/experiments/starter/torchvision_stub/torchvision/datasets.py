"""`FashionMNIST`, read from wherever lenetlab finds the data."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch

from lenetlab.problem.data import CLASSES, load


class FashionMNIST(torch.utils.data.Dataset[Any]):
    """Pairs of image and label; an image is uint8 (28, 28) before `transform`."""

    classes: ClassVar[list[str]] = list(CLASSES)

    def __init__(
        self,
        root: str,
        train: bool = True,
        transform: Callable[[torch.Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        download: bool = False,
    ) -> None:
        half = load("train" if train else "test")
        self.data, self.targets = half.images, half.labels
        self.transform, self.target_transform = transform, target_transform

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, label = self.data[index], int(self.targets[index])
        return (
            image if self.transform is None else self.transform(image),
            label if self.target_transform is None else self.target_transform(label),
        )


def __getattr__(name: str) -> None:
    raise AttributeError(
        f"lenetlab's stand-in for torchvision has no datasets.{name}; install torchvision itself"
    )
