"""`lenetlab compare` on written results: what it says, and what it refuses."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lenetlab.cli import main
from lenetlab.cli.app import app
from lenetlab.records.cells import Cell, RunRow
from lenetlab.records.contest import CellKey
from lenetlab.records.rows import write_results
from tests.studies import made_up


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "course"
    write_results(folder, made_up(("sgd", "adamw", "muon"), ("plain", "l2"), failing=("adamw",)))
    return folder


def said(*arguments: object) -> str:
    """What is printed, on a wide page; failures go to stderr."""
    result = CliRunner().invoke(app, ["compare", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_the_leaderboard_is_told_in_words(study):
    text = said(study, "--scenario", "plain")
    assert "The leader is muon: best on held-out training images" in text
    assert "behind the leader" in text
    assert "not tested: 10 of 10 runs failed" in text
    assert "never (10)" in text
    assert "\nl2\n" not in text
    assert "\nl2\n" in said(study)


def test_against_and_metric_change_the_comparison(study):
    text = said(study, "--scenario", "plain", "--against", "sgd", "--metric", "loss")
    assert "Everything is compared with sgd: as asked." in text
    assert "ahead of sgd" in text


def test_json_is_one_value_with_everything(study):
    found = json.loads(said(study, "--json"))
    assert [board["scenario"] for board in found["boards"]] == ["plain", "l2"]
    muon = found["boards"][0]["lines"][0]
    assert (muon["name"], muon["rank"], muon["standing"]) == ("muon", 1, "reference")
    assert {"difference", "reached", "tuning", "training", "records", "command"} <= set(muon)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenario", "plan"], "did you mean 'plain'"),
        (["--against", "muo"], "did you mean 'muon'"),
        (["--metric", "acc"], "did you mean 'accuracy'"),
    ],
)
def test_what_is_not_there_is_one_sentence(study, arguments, message, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lenetlab", "compare", str(study), *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_comparing_needs_no_torch(study):
    code = (
        "import sys; from lenetlab.cli.app import app\n"
        f"app(['compare', {str(study)!r}], standalone_mode=False)\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


def test_an_interval_with_zero_beside_a_difference_is_explained(study, tmp_path):
    assert "Borderline" not in said(study)
    made = made_up(("sgd", "adamw", "muon"), ("plain",), seeds=3, trials=1)
    first, second, third = made.cells
    finals = [replace(row, accuracy=a) for row, a in zip(second.finals, (89, 88, 90), strict=True)]
    # p = 0.008 and 0.039, Holm's 0.016 and 0.039; the second's 97.5 % interval is -0.41 to 3.54
    cells = (
        replace(first, finals=shifted(finals, (0, 0, 0))),
        replace(second, finals=shifted(finals, (1.0, 1.1, 0.8))),
        replace(third, finals=shifted(finals, (1.0, 1.6, 2.1))),
    )
    write_results(tmp_path, replace(made, cells=cells))
    text = said(tmp_path, "--against", "sgd")
    assert text.count("ahead of sgd") == 2
    assert "borderline: ahead of sgd" in text
    assert "Borderline: the test, corrected by Holm’s rule" in text


def test_methods_without_a_run_are_a_sentence_and_not_rows_of_dashes(tmp_path):
    made = made_up(("sgd", "adamw", "muon"), ("plain", "l2"), seeds=3, trials=1)
    names = [f"method_{number}" for number in range(49)]
    waiting = [Cell(CellKey(name, "", where)) for where in ("plain", "l2") for name in names]
    first = replace(made.cells[0], finals=())  # it has trials
    begun = [cell for cell in made.cells[1:] if cell.place.scenario == "plain"]
    write_results(tmp_path, replace(made, cells=(first, *begun, *waiting)))
    text = said(tmp_path, "--scenario", "plain")
    told = text[text.index("Without a run yet: method_0,") :].split("\n\n")[0]
    assert " ".join(told.split()).endswith("method_47, method_48 (49 methods).")
    assert max(map(len, told.splitlines())) <= 200
    assert text.count("method_48") == 1
    # what has trials has its row: of results, differences and costs
    assert len([line for line in text.splitlines() if "sgd " in line]) == 3
    nothing = said(tmp_path, "--scenario", "l2")
    assert nothing.splitlines()[1].startswith("Without a run yet: method_0,")
    assert nothing.strip().endswith("(49 methods).")
    found = json.loads(said(tmp_path, "--json"))
    assert [len(board["lines"]) for board in found["boards"]] == [3 + 49, 49]


def shifted(finals: list[RunRow], by: tuple[float, ...]) -> tuple[RunRow, ...]:
    return tuple(
        replace(row, accuracy=row.accuracy + more) for row, more in zip(finals, by, strict=True)
    )


@pytest.fixture(scope="module")
def two_problems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study on two problems, the recipes of the first carried over."""
    made = made_up(("sgd", "adamw", "muon"), ("plain",), seeds=3)
    mnist = [
        replace(cell, trials=(),
                place=replace(cell.place, problem="mnist", tuned_on="fashion-mnist"))
        for cell in made.cells
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("two") / "two"
    write_results(folder, replace(made, cells=(*made.cells, *mnist)))
    return folder


def test_problems_are_compared_apart_and_ranked_across(two_problems):
    text = said(two_problems)
    assert "\nplain on mnist\n" in text
    assert "The leader is muon: the leader on fashion-mnist, where the recipes are from." in text
    assert "plain, across problems" in text
    across = text.split("across problems")[1]
    assert "MNIST, %" in across
    assert "not told apart: muon, adamw, sgd" in across
    assert "none can be on fewer than 3 problems" in across
    assert text.count("59.53 %  ") == 2  # targets are Fashion-MNIST's: in passes and in seconds
    alone = said(two_problems, "--problem", "mnist")
    assert "across problems" not in alone
    assert "59.53" not in alone
    found = json.loads(said(two_problems, "--json"))
    assert [one["problem"] for one in found["boards"]] == ["fashion-mnist", "mnist"]
    (ranking,) = found["rankings"]
    assert [one["name"] for one in ranking["methods"]] == ["muon", "adamw", "sgd"]
    assert ranking["methods"][0]["ranks"] == [1, 1]


def test_a_problem_that_results_do_not_have(two_problems):
    result = CliRunner().invoke(app, ["compare", str(two_problems), "--problem", "minst"])
    assert "did you mean 'mnist'" in str(result.exception)
