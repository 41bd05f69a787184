"""Results found from a study file, a working folder, a folder of results, a folder of runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from lenetlab.errors import UserError
from lenetlab.opening import from_runs, open_results
from lenetlab.results import write_results
from tests.studies import made_up

NUMERICS = {"engine": "native", "device": "cpu", "torch": "2.13"}


def write_run(folder: Path, seed: int = 0, numerics: Any = NUMERICS, **recipe: Any) -> None:
    """A run folder as `lenetlab run` leaves it, with these fields of the recipe."""
    recipe = {"method": ["sgd", {}], **recipe}
    name = f"run-{len(list(folder.glob('*')))}"
    (folder / name).mkdir(parents=True)
    final = {"accuracy": 90.0 + seed, "loss": 0.3, "starter_average_loss": 0.005, "correct": 9000}
    files = {
        "run": {"format": 1, "id": f"{name}", "label": "x", "recipe": recipe, "seed": seed,
                "numerics": numerics},
        "result": {"status": "done", "reason": None, "final": final, "nonzeros": 5, "passes": 10,
                   "epochs": 10, "steps": 9, "bill": {}},
        "curve": {"looks": [], "trace": []},
        "machine": {"train_seconds": 1, "cpu_seconds": 1, "apart_seconds": 0,
                    "peak_memory_mb": 1, "look_seconds": [], "look_cpu_seconds": []},
    }  # fmt: skip
    for file, content in files.items():
        (folder / name / f"{file}.json").write_text(json.dumps(content))


def test_every_way_to_name_a_study_gives_its_results(tmp_path):
    made = made_up(("sgd",), ("plain",), seeds=2, trials=1)
    working = tmp_path / "runs" / "studies" / "course"
    write_results(working / "results", made)
    (tmp_path / "course.toml").write_text("title = 'x'")
    for target in (tmp_path / "course.toml", working, working / "results"):
        assert open_results(target, tmp_path / "runs") == made


def test_what_is_not_there_is_said(tmp_path):
    (tmp_path / "course.toml").write_text("title = 'x'")
    with pytest.raises(UserError, match=r"give `lenetlab study .*course\.toml` first"):
        open_results(tmp_path / "course.toml", tmp_path / "runs")
    with pytest.raises(UserError, match="does not exist"):
        open_results(tmp_path / "nowhere")
    with pytest.raises(UserError, match="has no results"):
        open_results(tmp_path)


def test_runs_of_a_recipe_are_a_cell_by_seed(tmp_path):
    for seed in (1, 0, 2):
        write_run(tmp_path, seed)
    write_run(tmp_path, split="inner")
    (cell,) = open_results(tmp_path).cells
    assert cell.place.name == "sgd"
    assert [row.seed for row in cell.finals] == [0, 1, 2]
    assert [row.accuracy for row in cell.finals] == [90, 91, 92]
    assert [row.number for row in cell.trials] == [0]


def test_cells_of_a_method_are_told_apart_by_what_differs(tmp_path):
    write_run(tmp_path, budget=["passes", 5.0])
    write_run(tmp_path, method=["sgd", {"lr": 0.1}], budget=["passes", 5.0])
    write_run(tmp_path, method=["sgd", {"lr": 0.1}], budget=["passes", 5.0],
              plan=["fixed", {"size": 16}])  # fmt: skip
    write_run(tmp_path, method=["adam", {"lr": 0.2}], budget=["passes", 5.0])
    write_run(tmp_path, method=["sgd", {"lr": 0.3}], budget=["passes", 5.0], scenario="sparse",
              wrappers=[["ema", {}]])  # fmt: skip
    found = from_runs(tmp_path)
    assert [cell.place.name for cell in found.cells] == [
        "sgd, batch 64", "sgd, lr=0.1, batch 64", "sgd, lr=0.1, batch 16", "adam", "ema+sgd",
    ]  # fmt: skip
    assert found.scenarios() == [("plain", "strict"), ("sparse", "strict")]
    assert (found.passes, found.seeds, found.trials) == (5, 1, 0)


def test_another_engine_is_another_cell(tmp_path):
    write_run(tmp_path)
    write_run(tmp_path, numerics={**NUMERICS, "engine": "torch"})
    names = [cell.place.name for cell in from_runs(tmp_path).cells]
    assert names == ["sgd, engine native", "sgd, engine torch"]
