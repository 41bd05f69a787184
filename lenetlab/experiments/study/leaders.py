"""What the leaders of a study mistake for what, and their first layer.

The weights are those that the study kept, or are computed again from recipe and seed. Either way
they must measure as the recorded run did, so that what is drawn is what is in the table.
"""

from collections.abc import Iterator
from pathlib import Path

import torch

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.run.in_memory import compute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.problem.evaluation import confusion
from lenetlab.problem.model import read_weights, views
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import FASHION_MNIST, Problem
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.leader_net import LeaderNet, keep_leader_nets, read_leader_nets
from lenetlab.records.selection import leader


def write_leader_nets(folder: Path, results: Results, runtime: Runtime, kept: Path) -> list[str]:
    """Bring `leaders.json`, beside the rows in `folder`, up to date with `results`.

    `kept` is where a study keeps weights, by id. What the file says of a run that still leads is
    not made again. Returns a sentence for each leader that could not be evaluated.
    """
    before = {net.id: net for net in read_leader_nets(folder)}
    after: dict[str, LeaderNet] = {}
    left_out = []
    for cell, row in leaders(results):
        try:
            after[row.id] = before.get(row.id) or look_into(cell, row, runtime, kept)
        except UserError as error:
            left_out.append(str(error))
    if after != before:
        keep_leader_nets(folder, list(after.values()))
    return left_out


def leaders(results: Results) -> Iterator[tuple[Cell, RunRow]]:
    """The leaders of all leaderboards, each once, and its finished run of the lowest seed."""
    firsts = (leader(results.within(contest)) for contest in results.leaderboards())
    for cell in {first.place: first for first in firsts if first is not None}.values():
        done = [row for row in cell.finals if row.done]
        if done:
            yield cell, min(done, key=lambda row: row.seed)


def look_into(cell: Cell, row: RunRow, runtime: Runtime, kept: Path) -> LeaderNet:
    """Of one run. Raises `UserError` as `weights_of` does."""
    weights, counts = weights_of(row, runtime, kept)
    filters = views(weights)["conv1.weight"].view(6, 5, 5)
    return LeaderNet(
        id=row.id,
        method=cell.place.name,
        scenario=cell.place.scenario,
        rules=cell.place.rules,
        problem=row.recorded.problem,
        seed=row.seed,
        accuracy=row.accuracy,
        confusion=counts.tolist(),
        filters=[[[round(float(x), 5) for x in line] for line in one] for one in filters],
    )


def weights_of(row: RunRow, runtime: Runtime, kept: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The weights of a run (44426,), kept or computed again, and the test images by true and
    predicted class (10, 10). Raises `UserError` where they measure otherwise than recorded, as
    they may when they have to be computed again on a machine of another kind."""
    file = kept / f"{row.id}.safetensors"
    if file.exists():
        weights: torch.Tensor | None = read_weights(file)
    else:
        weights = compute(recall(row.recipe), row.seed, runtime, eval_at=[]).weights
    problem = find_problem(row.recorded.problem)
    counts = None if weights is None else mistakes(weights, runtime, problem)
    correct = None if counts is None else int(counts.diagonal().sum())
    if weights is None or counts is None or correct != row.correct:
        raise UserError(
            f"run {row.id} ({row.label}, seed {row.seed}) has {row.correct} images right as "
            f"recorded and {correct} computed here, where the numerics differ; evaluate it on "
            "the machine that it is from"
        )
    return weights, counts


def mistakes(
    weights: torch.Tensor, runtime: Runtime, problem: Problem = FASHION_MNIST
) -> torch.Tensor:
    """The test images by true and predicted class (10, 10), of weights (44426,)."""
    _, _, test, engine = runtime.load("official", problem)
    predicted = engine.logits(weights.to(test.labels.device)).argmax(dim=1).cpu()
    return confusion(predicted, test.labels.cpu())
