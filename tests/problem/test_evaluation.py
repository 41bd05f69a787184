"""Accuracy, true mean loss and the script's "average loss", each against its own formula."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lenetlab.problem.evaluation import evaluate


@pytest.fixture(params=[157 * 64, 10_000, 65, 1])
def measured(request):
    generator = torch.Generator().manual_seed(request.param)
    logits = 3 * torch.randn(request.param, 10, generator=generator)
    labels = torch.randint(0, 10, (request.param,), generator=generator)
    return logits, labels


def losses(logits: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """−log softmax of the true class, in float64 and NumPy alone."""
    z = logits.numpy().astype(np.float64)
    return np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels.numpy()]


def test_accuracy_and_true_mean(measured):
    logits, labels = measured
    found = evaluate(logits, labels)
    correct = int((logits.numpy().argmax(axis=1) == labels.numpy()).sum())
    assert (found.correct, found.images) == (correct, len(labels))
    assert found.accuracy == 100 * correct / len(labels)
    assert found.loss == pytest.approx(losses(logits, labels).mean(), rel=1e-6)


def test_the_starters_figure_adds_batch_means_and_divides_by_images(measured):
    logits, labels = measured
    single = losses(logits, labels)
    means = [single[i : i + 64].mean() for i in range(0, len(single), 64)]
    expected = sum(means) / len(single)
    assert evaluate(logits, labels).starter_average_loss == pytest.approx(expected, rel=1e-6)


def test_the_starters_figure_has_the_scripts_bits(measured):
    logits, labels = measured
    criterion = nn.CrossEntropyLoss()
    total = 0
    for i in range(0, len(labels), 64):
        total += criterion(logits[i : i + 64], labels[i : i + 64]).item()
    assert evaluate(logits, labels).starter_average_loss == total / len(labels)


def test_a_score_that_is_no_number_makes_the_loss_none_either():
    logits = torch.zeros(100, 10)
    logits[7, 3] = math.nan
    found = evaluate(logits, torch.zeros(100, dtype=torch.int64))
    assert math.isnan(found.loss)
    assert math.isnan(found.starter_average_loss)
