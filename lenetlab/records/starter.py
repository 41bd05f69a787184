"""The starter script's training: its seed, its recipe, and its line for an evaluation.

The line is an assignment's required one, word for word, in the papers as on the terminal; no torch
is needed for it, since what reads results has none.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lenetlab.records.recipe import RecordedRecipe
from lenetlab.settings import Choice

SEED = 42
# What `lenetlab baseline` trains, for however many epochs.
RECIPE = RecordedRecipe(Choice("sgd", {"lr": 0.001}))


def test_line(evaluation: Mapping[str, Any]) -> str:
    """The script's line for one evaluation (its percentage is float32 arithmetic)."""
    correct, n = evaluation["correct"], evaluation["images"]
    percent = float(np.float32(100 * correct) / np.float32(n))
    gap = " " * 10  # a line continuation inside the script's string
    return (
        f"Test set: Average loss: {evaluation['starter_average_loss']}, {gap}"
        f"Accuracy: {correct}/{n} ({percent}%)"
    )
