"""Results found from a study file, a working folder, a folder of results, a folder of runs."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lenetlab.disk import read_json, replace_json
from lenetlab.errors import UserError
from lenetlab.records.contest import Contest
from lenetlab.records.locate import from_runs, open_results, results_folder
from lenetlab.records.rows import STUDY, write_results
from lenetlab.records.run_folder import RESULT
from tests.evening import NUMERICS, write_run
from tests.studies import made_up


def test_every_way_to_name_a_study_gives_its_results(tmp_path):
    made = made_up(("sgd",), ("plain",), seeds=2, trials=1)
    working = tmp_path / "runs" / "studies" / "course"
    write_results(working / "results", made)
    (tmp_path / "course.toml").write_text("title = 'x'")
    for target in (tmp_path / "course.toml", working, working / "results"):
        found = open_results(target, tmp_path / "runs")
        assert replace(found, again="") == made


def test_the_published_study_is_found_by_its_name_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_json(results_folder(Path("course")) / STUDY)["name"] == "course"
    own = replace(made_up(("sgd",), ("plain",), seeds=2, trials=1), title="A folder goes before")
    write_results(tmp_path / "course", own)
    assert open_results(Path("course")).title == own.title


def test_what_is_not_there_is_said(tmp_path):
    (tmp_path / "course.toml").write_text("title = 'x'")
    with pytest.raises(UserError, match=r"give `lenetlab study .*course\.toml` first"):
        open_results(tmp_path / "course.toml", tmp_path / "runs")
    with pytest.raises(UserError, match="does not exist"):
        open_results(tmp_path / "nowhere")
    with pytest.raises(UserError, match="has no results"):
        open_results(tmp_path)


def test_runs_that_were_interrupted_are_no_other_folder(tmp_path):
    write_run(tmp_path)
    (tmp_path / "run-0" / "result.json").unlink()
    with pytest.raises(UserError, match="has 1 run, none of which is finished; the command that"):
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


def test_a_copy_of_a_run_is_no_other_run(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path, seed)
    for path in list(tmp_path.iterdir()):
        shutil.copytree(path, path.with_name(f"{path.name}-backup"))
    (cell,) = open_results(tmp_path).cells
    assert [row.seed for row in cell.finals] == [0, 1]


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
    assert [contest[:3] for contest in found.contests()] == [
        ("plain", "strict", "5 passes"), ("sparse", "strict", "5 passes"),
    ]  # fmt: skip
    assert (found.planned, found.tuned, found.passes, found.seeds) == (False, False, 0, 0)


def test_what_differs_in_scenario_rules_budget_or_size_is_ranked_apart(tmp_path):
    """An epoch is a pass where the bill says so, and on held-out images where it is 5/6 of one."""
    write_run(tmp_path, passes=1, epochs=1, budget=["epochs", 1.0])
    write_run(tmp_path, passes=1, epochs=1, budget=["passes", 1.0], method=["adam", {}])
    write_run(tmp_path, passes=5 / 6, epochs=1, budget=["epochs", 1.0], method=["lion", {}],
              split="inner")  # fmt: skip
    write_run(tmp_path, passes=2, epochs=1, budget=["epochs", 1.0], wrappers=[["sam", {}]])
    write_run(tmp_path, passes=2, epochs=2, budget=["epochs", 2.0])
    write_run(tmp_path, passes=1, epochs=1, budget=["epochs", 1.0], rules="open")
    for keep in (765, 4080):
        write_run(tmp_path, passes=1, epochs=1, budget=["epochs", 1.0], scenario="frontier",
                  constraint=["magnitude", {"keep": keep}])  # fmt: skip
    found = from_runs(tmp_path)
    names = {contest.title: [cell.place.method for cell in found.within(contest)]
             for contest in found.contests()}  # fmt: skip
    assert names == {
        "plain, 1 epoch": ["sam+sgd"],
        "plain, 2 passes": ["sgd"],
        "plain, 1 pass": ["sgd", "adam", "lion"],
        "plain, open, 1 pass": ["sgd"],
        "frontier, 4,080 weights, 1 pass": ["sgd"],
        "frontier, 765 weights, 1 pass": ["sgd"],
    }
    assert Contest("plain", "open", "0.2 passes").key == "plain,open,0.2-passes"


def test_the_nets_of_a_frontier_are_ranked_by_how_many_weights_they_keep(tmp_path):
    made = made_up(("sgd", "muon"), ("frontier",), seeds=2, trials=0)
    cells = []
    for cell, keep in zip(made.cells, (24480, 765), strict=True):
        settings = {} if keep == 24480 else {"keep": keep}
        finals = tuple(
            replace(row, recipe={**row.recipe, "constraint": ["magnitude", settings]})
            for row in cell.finals
        )
        cells.append(replace(cell, finals=finals))
    write_results(tmp_path, replace(made, cells=tuple(cells)))
    titles = [contest.title for contest in open_results(tmp_path).contests()]
    assert titles == ["frontier, 24,480 weights", "frontier, 765 weights"]
    before = (tmp_path / "study.json").read_bytes()
    write_results(tmp_path, open_results(tmp_path))
    assert (tmp_path / "study.json").read_bytes() == before


def test_the_command_of_a_study_is_its_own_or_not_given(tmp_path):
    made = made_up(("sgd",), ("plain",), seeds=2, trials=1)  # its name is made-up
    for folder, command in (
        ("made-up", "lenetlab study made-up.toml"),
        ("made-up/results", "lenetlab study made-up.toml"),
        ("challenge,muon,plain/results", ""),
    ):
        write_results(tmp_path / folder, made)
        assert open_results(tmp_path / folder).again == command


def test_another_engine_is_another_cell(tmp_path):
    write_run(tmp_path)
    write_run(tmp_path, numerics={**NUMERICS, "engine": "torch"})
    names = [cell.place.name for cell in from_runs(tmp_path).cells]
    assert names == ["sgd, engine native", "sgd, engine torch"]


def test_versions_of_parts_are_said_where_names_do_not_tell_them_apart(tmp_path):
    for name, version in (("magnitude", 1), ("iht", 2)):
        write_run(tmp_path / "two", scenario="sparse", constraint=[name, {}],
                  numerics={**NUMERICS, "constraint_version": version})  # fmt: skip
    names = [cell.place.name for cell in from_runs(tmp_path / "two").cells]
    assert names == ["sgd, under magnitude", "sgd, under iht"]
    for version in (1, 2):
        write_run(tmp_path / "one", scenario="sparse", constraint=["iht", {}],
                  numerics={**NUMERICS, "constraint_version": version})  # fmt: skip
    names = [cell.place.name for cell in from_runs(tmp_path / "one").cells]
    assert names == ["sgd, constraint_version 1", "sgd, constraint_version 2"]


@pytest.mark.parametrize(("key", "value"), [
    ("accuracy", None), ("loss", None), ("passes", None), ("ledger_counts", {}),
])  # fmt: skip
def test_a_run_that_is_done_has_its_figures(tmp_path, key, value):
    write_run(tmp_path)
    (path,) = tmp_path.iterdir()
    result = read_json(path / RESULT)
    replace_json(path / RESULT, {**result, key: value})
    with pytest.raises(UserError, match=rf"result\.json is broken \(result.*{key}"):
        from_runs(tmp_path)
