"""The starter script's line for an evaluation."""

import torch

from lenetlab.records import starter


def test_the_percentage_is_the_scripts_to_the_last_digit():
    for correct in range(10_001):
        evaluation = {"correct": correct, "images": 10_000, "starter_average_loss": 0.0123456789}
        percent = (100.0 * torch.tensor(correct) / 10_000).item()  # as the script has it
        assert starter.test_line(evaluation).endswith(f" Accuracy: {correct}/10000 ({percent}%)")
