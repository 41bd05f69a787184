"""The leaders of a study looked into: what they take for what, and their first layer.

The weights are computed again from recipe and seed, and must measure as the recorded run did: so
a study keeps no weights, and what is drawn is what is in the table.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from lenetlab.errors import UserError
from lenetlab.experiments.bench import Bench
from lenetlab.experiments.compute import compute
from lenetlab.experiments.recall import recall
from lenetlab.problem.model import views
from lenetlab.records import replace_json
from lenetlab.results import Cell, Results, Row, leader

CHAMPIONS = "champions.json"  # read by lenetlab.report.beside


def write_champions(folder: Path, results: Results, bench: Bench) -> Path:
    """Write `champions.json` beside the rows in `folder`; a few seconds for each leaderboard."""
    path = folder / CHAMPIONS
    replace_json(path, list(champions(results, bench)))
    return path


def champions(results: Results, bench: Bench) -> Iterator[dict[str, Any]]:
    """For the leader of every leaderboard, the finished run of its lowest seed: test images by
    truth and answer (10, 10), and conv1's weights (6, 5, 5)."""
    for scenario, rules in results.scenarios():
        cell = leader(results.within(scenario, rules))
        done = [row for row in cell.finals if row.done] if cell else []
        if cell and done:
            yield look_into(cell, min(done, key=lambda row: row.seed), bench)


def look_into(cell: Cell, row: Row, bench: Bench) -> dict[str, Any]:
    """One run, computed again. Raises `UserError` where it comes out otherwise than recorded, as
    it may on a machine of another kind."""
    found = compute(recall(row.recipe), row.seed, bench, looks=[])
    correct = found.result["final"]["correct"]
    if found.weights is None or correct != row.correct:
        raise UserError(
            f"run {row.id} ({row.label}, seed {row.seed}) has {row.correct} images right as "
            f"recorded and {correct} computed here, where the numerics differ; look into it on "
            "the machine that it is from"
        )
    _, _, test, engine = bench.load("official")
    answers = engine.logits(found.weights).argmax(dim=1).cpu()
    counts = torch.bincount(10 * test.labels.cpu() + answers, minlength=100).view(10, 10)
    filters = views(found.weights)["conv1.weight"].view(6, 5, 5)
    return {
        "id": row.id,
        "method": cell.place.name,
        "scenario": cell.place.scenario,
        "rules": cell.place.rules,
        "seed": row.seed,
        "accuracy": row.accuracy,
        "confusion": counts.tolist(),
        "filters": [[[round(float(x), 5) for x in line] for line in one] for one in filters],
    }
