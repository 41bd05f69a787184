"""What is measured at a weight vector: accuracy, true mean loss, the script's "average loss"."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lenetlab.problem.data import CLASSES

SCRIPT_BATCH = 64  # the starter script evaluates in batches of 64


@dataclass(frozen=True)
class Evaluation:
    """One evaluation on a data set.

    accuracy : percent of images classified correctly.
    loss : true mean cross-entropy, the sum over images divided by their number (nats).
    starter_average_loss : what the script prints as "Average loss": the sum of the *means* of
        batches of 64, divided by the number of images. About 1/64 of `loss`; for comparing with
        the script's lines only.
    correct, images : the counts behind the accuracy.
    """

    accuracy: float
    loss: float
    starter_average_loss: float
    correct: int
    images: int


def evaluate(logits: Tensor, labels: Tensor) -> Evaluation:
    """Measure class scores `logits` (n, 10) against `labels` (n,).

    The script's figure is computed operation by operation as the script does it, so that equal
    scores give equal bits; the true mean is summed in float64.
    """
    correct = int((logits.argmax(dim=1) == labels).sum())
    batches = zip(torch.split(logits, SCRIPT_BATCH), torch.split(labels, SCRIPT_BATCH), strict=True)
    total_of_means = 0.0
    for scores, truth in batches:
        total_of_means += F.cross_entropy(scores, truth).item()
    losses = F.cross_entropy(logits, labels, reduction="none")
    # float64 is missing on some accelerators, so the sum is taken on the CPU
    loss = losses.cpu().to(torch.float64).mean().item()
    n = len(labels)
    return Evaluation(100.0 * correct / n, loss, total_of_means / n, correct, n)


def confusion(predicted: Tensor, labels: Tensor) -> Tensor:
    """How many images (n,) of each true class, a row, were put into each class, a column."""
    k = len(CLASSES)
    return torch.bincount(labels * k + predicted, minlength=k * k).view(k, k)
