"""A student's own paper: the starter script's lines word for word, settings, places to write in."""

import json
import re

import pytest
from typer.testing import CliRunner

from lenetlab.analysis.targets import STARTER
from lenetlab.cli.app import app
from lenetlab.experiments.starter.recipe import baseline_recipe
from lenetlab.methods.describe import defaults, describe
from lenetlab.records.cells import FINAL
from lenetlab.records.locate import from_runs
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.records.rows import row_of
from lenetlab.records.run_folder import finished_runs
from lenetlab.report.attachments import Attachments
from lenetlab.report.charts.at_budget import kept_apart, starter_at
from lenetlab.report.charts.theme import styles
from lenetlab.report.charts.training import starter_test, training_rows
from lenetlab.report.paper.front import Front
from lenetlab.report.paper.own import compose_own
from lenetlab.report.paper.pictures import Pictures
from lenetlab.report.paper.starter import baseline_of, is_baseline
from lenetlab.report.paper.write import write
from tests.evening import write_run

BASELINE = json.loads(json.dumps(baseline_recipe().canonical()))
TUNED = {"study": "course", "trials": 12, "passes": 5.0, "held_out": 90.0, "changed": {}}
FRONT = Front("Our optimizers", ("Ada L_ovelace", "Emmy Noether"), "Group 7", "Optimization")


def add(folder, correct, seed=0, points=4, tuned=None, engine="native", **recipe):
    """A run with an evaluation and a point of its trace at every quarter of its budget."""
    before = set(folder.glob("*"))
    amount = recipe.get("budget", ["epochs", 10.0])[1]
    write_run(folder, seed, accuracy=correct / 100, passes=amount, epochs=amount,
              numerics={"engine": engine, "device": "cpu"}, **recipe)  # fmt: skip
    (path,) = set(folder.glob("*")) - before
    curve = json.loads((path / "curve.json").read_text())
    (last,) = curve["evaluations"]
    parts = [(k + 1) / points for k in range(points)]
    curve["evaluations"] = [
        {**last, **{key: last[key] * part for key in ("at", "passes", "epochs")},
         "steps": round(100 * part), "accuracy": correct / 100 - 5 * (1 - part),
         "correct": correct, "images": 10_000, "starter_average_loss": 0.0123456789 / part}
        for part in parts
    ]  # fmt: skip
    curve["trace"] = [{"steps": round(100 * part), "epochs": amount * part, "passes": amount * part,
                       "loss": 1.0 - part / 2 + seed / 10, "rate": 0.1, "batch_size": 64}
                      for part in parts]  # fmt: skip
    (path / "curve.json").write_text(json.dumps(curve))
    machine = json.loads((path / "machine.json").read_text())
    machine |= {"evaluation_seconds": parts, "evaluation_cpu_seconds": parts, "tuned": tuned}
    (path / "machine.json").write_text(json.dumps(machine))


@pytest.fixture
def runs(tmp_path):
    """A folder as a student's evenings leave it."""
    folder = tmp_path / "runs"
    folder.mkdir()
    add(folder, 5950, seed=42, engine="torch", **BASELINE)
    for seed in (0, 1):
        for name, level in (("sgd", 8700), ("adamw", 8900), ("lion", 8880), ("muon", 9000)):
            add(folder, level + 10 * seed, seed, method=[name, {"lr": 0.5}])
        sparse = {"scenario": "sparse", "constraint": ["magnitude", {}]}
        add(folder, 8800 + seed, seed, method=["adamw", {}], **sparse)
        add(folder, 9100 + seed, seed, scenario="l2", method=["muon", {"weight_decay": 0.1}],
            tuned=TUNED)  # fmt: skip
    return folder


@pytest.fixture
def few(tmp_path):
    """The baseline and one method, of too few points for a chart."""
    folder = tmp_path / "few"
    folder.mkdir()
    add(folder, 5950, seed=42, points=2, engine="torch", **BASELINE)
    add(folder, 8950, points=2, method=["adamw", {"lr": 0.5}])
    return folder


def composed(folder, tmp_path):
    """The paper in Markdown, and the names of the figures it has; none is drawn."""
    found, results = finished_runs(folder), from_runs(folder)
    first = baseline_of(found)
    drawn = []

    class NoPictures(Pictures):
        def draw(self, chart, name, width=0):
            drawn.append(name)
            return f"figures/{name}.svg"

    attachments = Attachments(
        methods=describe(cell.place.method for cell in results.cells),
        baseline=row_of(first, FINAL, first.seed) if first else None,
        defaults=defaults(),
    )
    pictures = NoPictures(tmp_path, "svg", styles(results))
    return compose_own(results, found, attachments, pictures, front=FRONT).markdown, drawn


def test_the_baseline_is_known_by_its_recipe_and_the_longest_is_taken(tmp_path):
    script = ["sgd", {"lr": 0.001}]
    add(tmp_path, 9000, engine="torch", method=["sgd", {"lr": 0.01}])
    add(tmp_path, 9000, engine="torch", method=script, budget=["passes", 10.0])
    add(tmp_path, 9000, engine="torch", method=script, plan=["fixed", {"size": 32}])
    add(tmp_path, 9000, engine="native", **BASELINE)
    assert baseline_of(finished_runs(tmp_path)) is None
    for epochs, seed in ((1, 42), (10, 0), (10, 42), (3, 42)):
        recipe = json.loads(json.dumps(baseline_recipe(epochs).canonical()))
        add(tmp_path, 5000 + seed, seed, engine="torch", **recipe)
    found = finished_runs(tmp_path)
    assert sum(map(is_baseline, found)) == 4
    chosen = baseline_of(found)
    assert (chosen.recorded.budget, chosen.seed) == (RecordedRecipe.budget, 42)


def test_the_paper_begins_with_the_required_lines(runs, tmp_path):
    text, drawn = composed(runs, tmp_path)
    lines = [line.strip() for line in text.splitlines()]
    at = lines.index("Using cpu device")
    assert lines[at + 1].startswith(
        "Test set: Average loss: 0.0123456789,           Accuracy: 5950"
    )
    assert at < lines.index("## Methods and their settings")
    assert "Its final test accuracy is 59.50 %." in text
    assert drawn[:2] == ["starter-training", "starter-test"]


def test_settings_are_whole_and_stand_in_the_assignments_order(runs, tmp_path):
    text, _ = composed(runs, tmp_path)
    table = text.partition("Table: The settings")[2].partition("\n\n## ")[0]
    rows = [[cell.strip(" `") for cell in line[2:-2].split(" | ")]
            for line in table.splitlines() if line.startswith("| ")][2:]  # fmt: skip
    assert [row[0] for row in rows] == [
        "*plain, 10 passes*", "muon", "adamw", "lion", "sgd", "sgd", "*l2, 10 passes*", "muon",
        "*sparse, 10 passes*", "adamw",
    ]  # fmt: skip
    adamw = rows[-1]
    assert adamw[1:4] == [str(defaults()["adamw"]["lr"]), "0", "64"]
    assert "beta1=0.9" in adamw[5]
    assert "under magnitude (" in adamw[5]
    assert adamw[6] == "given"
    assert rows[-3][2] == "0.1"
    assert rows[-3][6] == "12 trials, course"


def test_it_leaves_to_the_student_what_runs_cannot_say(runs, tmp_path):
    text, _ = composed(runs, tmp_path)
    assert len(re.findall(r"\\\[your words: |\[your words: ", text)) == 7
    assert "leader" not in text.replace("leaderboard", "").replace("no leader", "")
    assert "Kingma" not in text  # of Adam, which was not run
    assert "1. `muon`: Jordan et al. 2024" in text


def test_a_chart_of_two_points_is_none(few, tmp_path):
    _, drawn = composed(few, tmp_path)
    assert drawn == []
    assert all(starter_test(run) is None for run in finished_runs(few))


def test_training_loss_is_the_mean_over_seeds(runs):
    found = {run.identity["id"]: run for run in finished_runs(runs)}
    cells = [cell for cell in from_runs(runs).cells if cell.place.scenario == "l2"]
    rows = training_rows(cells, found)
    assert [row["passes"] for row in rows] == [2.5, 5, 7.5, 10]
    assert [row["loss"] for row in rows] == pytest.approx([0.925, 0.8, 0.675, 0.55])


def test_without_a_baseline_it_is_asked_for(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    add(folder, 8950, method=["adamw", {"lr": 0.5}])
    text, _ = composed(folder, tmp_path)
    assert "lenetlab baseline --out" in text
    assert "Using cpu device" not in text


def test_the_command_writes_it_with_its_authors(few, tmp_path):
    to = tmp_path / "paper.pdf"
    words = ["report", str(few), "--format", "pdf", "--to", str(to), "--title", FRONT.title]
    found = CliRunner().invoke(app, [*words, "--author", "Ada", "--author", "Emmy", "--group", "7"])
    assert found.exit_code == 0, found.output
    pdf = to.read_bytes()
    assert pdf.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) <= 10


def test_authors_stand_below_the_title_in_every_source(few, tmp_path):
    results, found = from_runs(few), finished_runs(few)
    attachments = Attachments(baseline=row_of(baseline_of(found), FINAL, 42))
    path, _ = write(results, tmp_path / "p.md", "md", attachments, FRONT, found)
    head = path.read_text().split("\n\n")[:3]
    assert head == ["# Our optimizers", r"Ada L\_ovelace, Emmy Noether", "Group 7, Optimization"]
    path, _ = write(results, tmp_path / "p.tex", "tex", attachments, FRONT, found)
    assert r"\author{Ada L\_ovelace, Emmy Noether \\ Group 7, Optimization}" in path.read_text()


def test_authors_are_for_a_paper(few):
    found = CliRunner().invoke(app, ["report", str(few), "--author", "Ada"])
    assert found.exit_code != 0
    assert "add --format pdf" in str(found.exception)


def test_a_shorter_baseline_is_not_where_the_starter_ends(tmp_path):
    short = json.loads(json.dumps(baseline_recipe(1).canonical()))
    for recipe, seconds in ((short, None), (BASELINE, {"cpu_seconds": 1, "accuracy": STARTER})):
        folder = tmp_path / str(seconds)
        folder.mkdir()
        add(folder, 1329, 42, **recipe)
        (run,) = finished_runs(folder)
        row = row_of(run, FINAL, 42)
        assert starter_at(row, "passes") == {"passes": 10, "accuracy": STARTER}
        assert starter_at(row, "cpu_seconds") == seconds


def test_names_in_a_small_chart_keep_apart():
    points = ((1.0, 80.0, 30 * "a"), (20.0, 90.0, "b"), (22.0, 90.1, "c"))
    rows = [{"x": x, "accuracy": y, "called": name} for x, y, name in points]
    assert [row["called"] for row in kept_apart(rows, "x", 1.0, 100.0, 20.0)] == ["c"]
    rows[1]["x"] = 5.0
    assert [row["called"] for row in kept_apart(rows, "x", 1.0, 100.0, 20.0)] == ["b", "c"]
