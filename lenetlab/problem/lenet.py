"""LeNet-5 as PyTorch people have it: a module, with the starter script's names."""

import torch
from torch import Tensor, nn

from lenetlab.problem.model import logits, state_dict


class LeNet5(nn.Module):
    """The starter script's net. From flat weights (44426,), or as PyTorch draws it.

    Images (n, 1, 28, 28) in [0, 1] go in, class scores (n, 10) come out.
    """

    def __init__(self, w: Tensor | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(256, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        if w is not None:
            self.load_state_dict({name: t.clone() for name, t in state_dict(w).items()})

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        return logits(dict(self.named_parameters()), x)

    @torch.no_grad()
    def classify(self, x: Tensor) -> Tensor:
        """The class of every image (n,)."""
        scores: Tensor = self(x)
        return scores.argmax(dim=1)
