"""`ToTensor`, by the same operations as torchvision's; anything else says that it is missing."""

import torch


class ToTensor:
    """uint8 (28, 28) to float32 (1, 28, 28) in [0, 1]."""

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        return image.unsqueeze(0).to(torch.float32).div(255)


def __getattr__(name: str) -> None:
    raise AttributeError(f"lenetlab's stand-in for torchvision has no transforms.{name}")
