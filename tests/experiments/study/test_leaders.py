"""The leaders looked into: computed again, equal to what is recorded, drawn from their weights."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.study.leaders import leaders, look_into, write_leader_nets
from lenetlab.problem.model import logits
from lenetlab.records.cells import FINAL, TRIAL, Cell, Results
from lenetlab.records.contest import CellKey
from lenetlab.records.leader_net import FILE
from lenetlab.records.rows import row_of
from lenetlab.report.attachments import read_attachments


@pytest.fixture
def study(runtime):
    """Two methods in one scenario; the tuned one leads, and failed in another."""
    runs = {
        method: [execute(make_recipe(method, epochs=1, batch_size=100), seed, runtime)
                 for seed in (1, 0)]
        for method in ("sgd", "adamw")
    }  # fmt: skip
    cells = []
    for method, found in runs.items():
        finals = tuple(row_of(run, FINAL, run.seed) for run in found)
        trials = tuple(row_of(run, TRIAL, 0) for run in found[:1]) if method == "sgd" else ()
        cells.append(Cell(CellKey(method, "basic", "plain"), trials, finals))
    cells.append(Cell(CellKey("sgd", "basic", "l2")))
    return Results("s", "S", 1, 1.0, 2, 1.0, tuple(cells)), runs["sgd"][1]


def test_the_leaders_lowest_seed_is_looked_into(study, runtime, tmp_path):
    results, run = study
    ((cell, row),) = leaders(results)
    found = look_into(cell, row, runtime, tmp_path)
    assert (found.method, found.scenario, found.seed) == ("sgd", "plain", 0)
    weights = load_file(run.path / "weights.safetensors")
    assert torch.allclose(torch.tensor(found.filters), weights["conv1.weight"].squeeze(1),
                          atol=1e-5)  # fmt: skip
    _, _, test, _ = runtime.load("official")
    answers = logits(weights, test.images.unsqueeze(1).float() / 255).argmax(1)
    counts = found.confusion
    for truth in range(10):
        for given in range(10):
            expected = int(((test.labels == truth) & (answers == given)).sum())
            assert counts[truth][given] == expected
    assert write_leader_nets(tmp_path, results, runtime, tmp_path) == []
    (read,) = read_attachments(tmp_path).leader_nets
    assert read == found


def test_kept_weights_are_what_is_looked_at_and_once(study, runtime, tmp_path):
    results, run = study
    ((_, row),) = leaders(results)
    file = tmp_path / f"{row.id}.safetensors"
    right = load_file(run.path / "weights.safetensors")
    wrong = {name: torch.zeros_like(w) for name, w in right.items()}

    save_file(wrong, file)
    (sentence,) = write_leader_nets(tmp_path, results, runtime, tmp_path)
    assert f"{row.correct} images right as recorded" in sentence
    assert read_attachments(tmp_path).leader_nets == ()

    save_file(right, file)
    assert write_leader_nets(tmp_path, results, runtime, tmp_path) == []
    made = (tmp_path / FILE).read_bytes()
    assert json.loads(made)[0]["id"] == row.id

    save_file(wrong, file)  # what is in the file already is not asked for again
    assert write_leader_nets(tmp_path, results, runtime, tmp_path) == []
    assert (tmp_path / FILE).read_bytes() == made


def test_a_run_that_comes_out_otherwise_is_left_out(study, runtime, tmp_path):
    results, _ = study
    first = results.cells[0]
    wrong = tuple(dataclasses.replace(row, correct=(row.correct or 0) + 1) for row in first.finals)
    changed = dataclasses.replace(results, cells=(dataclasses.replace(first, finals=wrong),))
    (sentence,) = write_leader_nets(tmp_path, changed, runtime, tmp_path)
    assert "images right as recorded" in sentence
