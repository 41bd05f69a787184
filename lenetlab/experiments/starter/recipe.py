"""The starter script's training as a recipe, and its printed output from a run of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from prettytable import PrettyTable

from lenetlab.experiments.recipe.recipe import Recipe, make_recipe
from lenetlab.experiments.run.environment import choose_device
from lenetlab.problem.data import Split
from lenetlab.problem.evaluation import SCRIPT_BATCH
from lenetlab.problem.model import SHAPES, SIZE, STATE_DICT_ORDER
from lenetlab.records.starter import RECIPE, test_line

EPOCHS = 10


def baseline_recipe(epochs: float = EPOCHS) -> Recipe:
    """SGD, rate 0.001, batch 64: what the script does."""
    method = RECIPE.method
    return make_recipe(method.name, method.settings, epochs=epochs, batch_size=SCRIPT_BATCH)


def preamble(train: Split, test: Split) -> str:
    """What the script prints before it trains."""
    image = train.images[0].unsqueeze(0).to(torch.float32)
    labels = test.labels[:SCRIPT_BATCH]
    table = PrettyTable(["Modules", "Parameters"])
    for name in STATE_DICT_ORDER:
        table.add_row([name, torch.Size(SHAPES[name]).numel()])
    return "\n".join(
        [
            f"number of training samples: {len(train)}",
            f"number of testing samples: {len(test)}",
            f"datatype of the 1st training sample:  {image.type()}",
            f"size of the 1st training sample:  {image.size()}",
            f"Shape of X [N, C, H, W]: {torch.Size((len(labels), 1, 28, 28))}",
            f"Shape of y: {labels.shape} {labels.dtype}",
            f"Using {choose_device('auto').type} device",
            str(table),
            f"Total Trainable Params: {SIZE}",
            str(torch.Size(SHAPES["fc1.weight"]).numel()),
            str(torch.Size(SHAPES["fc2.weight"]).numel()),
        ]
    )


def step_line(step: int, loss: float, steps_per_epoch: int) -> str:
    """The script's line for one step, counted from 1."""
    return f"Epoch {(step - 1) // steps_per_epoch}, Step {step}, Loss: {loss}"


def script_lines(
    losses: Sequence[float],
    evaluations: Sequence[dict[str, Any]],
    steps_per_epoch: int,
    every: int = 1,
    after: int = 0,
) -> Iterator[str]:
    """The script's lines in its order, from step `after` + 1 up to the last evaluation.

    Of the steps only each `every`-th has a line; the script prints them all.
    """
    for evaluation in evaluations:
        for step in range(after + 1, evaluation["steps"] + 1):
            if step % every == 0:
                yield step_line(step, losses[step - 1], steps_per_epoch)
        if evaluation["steps"] > after:
            yield test_line(evaluation)
            after = evaluation["steps"]


def epoch_ends(evaluations: Sequence[dict[str, Any]], epochs: float) -> list[dict[str, Any]]:
    """Where the script measures: at the end of every epoch, and of the `epochs` in all. `lenetlab
    run` measures the same training at other points as well."""
    return [found for found in evaluations if found["at"] % 1 == 0 or found["at"] == epochs]


@dataclass(frozen=True)
class TestLine:
    """One evaluation as the script prints it; `starter_average_loss` is its "Average loss"."""

    epoch: int
    correct: int
    starter_average_loss: float

    __test__ = False  # its name is the script's word, not pytest's


def test_lines_of(evaluations: Sequence[dict[str, Any]]) -> list[TestLine]:
    """The lines of measurements at the ends of epochs."""
    return [
        TestLine(i, int(evaluation["correct"]), float(evaluation["starter_average_loss"]))
        for i, evaluation in enumerate(evaluations, start=1)
    ]
