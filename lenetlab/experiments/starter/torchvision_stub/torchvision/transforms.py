"""What scripts mostly take from `torchvision.transforms`, by the same operations; anything else
says that it is missing."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


class ToTensor:
    """uint8 (28, 28) to float32 (1, 28, 28) in [0, 1]."""

    def __call__(self, image: Tensor) -> Tensor:
        return image.unsqueeze(0).to(torch.float32).div(255)


class Compose:
    """One transform after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image


class Normalize:
    """(x − mean) / std, channel by channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace

    def __call__(self, image: Tensor) -> Tensor:
        mean, std = (torch.as_tensor(x, dtype=image.dtype).view(-1, 1, 1) for x in
                     (self.mean, self.std))  # fmt: skip
        return (image if self.inplace else image.clone()).sub_(mean).div_(std)


class Lambda:
    """A function of the script's own."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)


def __getattr__(name: str) -> None:
    raise AttributeError(
        f"lenetlab's stand-in for torchvision has no transforms.{name}; install torchvision itself"
    )
