"""Records computed, shown, judged and trained again, from the command line and from Python."""

import json
import shutil

import pytest
from safetensors.torch import load_file

from lenetlab import run
from lenetlab.errors import UserError
from lenetlab.experiments.study.record_weights import run_of, write_record_weights
from lenetlab.experiments.study.run_ids import Names
from lenetlab.experiments.study.worker import work_on
from lenetlab.records.rows import read_results
from tests.conftest import SmallRuntime
from tests.experiments.study.studying import Inline, go

TINY = """scenarios = ["sparse"]
methods = ["sgd"]
passes = 0.01
seeds = 10
first_seed = 200
[record]
goal = "a sparse net in no time"
above = 5
[tune]
trials = 1
passes = 0.01
[settings]
constraint = "magnitude"
[method.sgd.space]
lr = [0.05, 0.1]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory, _small):
    """A folder with a computed record, `results/records/tiny`, and one that is not, `later`; of few
    images."""
    home = tmp_path_factory.mktemp("project")
    (files := home / "studies" / "records").mkdir(parents=True)
    (files / "tiny.toml").write_text(TINY)
    (files / "later.toml").write_text(TINY.replace("above = 5", "below = 0.2"))
    results, folder = home / "results" / "records" / "tiny", home / "work"
    executor = Inline(lambda task: work_on(task, _small))
    plan = go(files / "tiny.toml", folder, executor, Names(_small), results=results)
    write_record_weights(results, read_results(results), _small, plan.store.weights)
    return home


@pytest.fixture
def small(_small, monkeypatch):
    """`lenetlab run` on these few images."""

    def runtime(data, out, engine, device, threads, resume):
        return SmallRuntime(data, out, engine, device, threads, resume, _loaded=_small._loaded)

    monkeypatch.setattr("lenetlab.experiments.run.runtime.Runtime", runtime)


@pytest.fixture
def rows(project):
    (cell,) = read_results(project / "results" / "records" / "tiny").cells
    return cell.finals


@pytest.fixture
def published(project, monkeypatch):
    """As if the record came with the package."""
    where = "lenetlab.records.record_boards.published"
    monkeypatch.setattr(where, lambda name: project / "results" / name)


def test_boards_are_shown_those_without_results_too(lenetlab, project, rows):
    answer = lenetlab(f"records {project}/results/records")
    later, tiny, figures = [
        line for line in answer.out.splitlines() if line[:4] in ("late", "tiny")
    ]
    assert "mean loss below 0.2" in later
    assert "not computed" in later
    assert "sparse, 0.01 passes" in tiny
    mean = sum(row.accuracy for row in rows) / 10
    assert f"{mean:.2f} ± " in figures
    assert "24,480" in figures
    found = json.loads(lenetlab(f"records {project}/results/records --json").out)
    assert [(one["name"], one["computed"]) for one in found] == [("later", False), ("tiny", True)]


def test_a_record_trained_again_has_the_bits_of_its_row(
    lenetlab, project, published, rows, tmp_path, small
):
    answer = lenetlab("run --recipe tiny --json")
    assert "seed 200: the same figures as recorded" in answer.err
    found = json.loads(answer.out)
    assert (found["accuracy"], found["loss"]) == (rows[0].accuracy, rows[0].loss)
    (weights,) = tmp_path.glob(f"runs/*-{rows[0].id}/weights.safetensors")
    recorded = load_file(project / "results" / "records" / "tiny" / "weights.safetensors")
    again = load_file(weights)
    assert recorded.keys() == again.keys()
    assert all((recorded[name] == again[name]).all() for name in again)
    several = lenetlab("run --recipe tiny --seed 209 --seeds 2")
    assert "seed 209: the same figures as recorded" in several.err
    assert "seed 210 is none of the record's 200 to 209" in several.err


def test_a_row_that_is_not_what_is_computed_is_said(lenetlab, project, tmp_path, small):
    shutil.copytree(project / "results" / "records" / "tiny", folder := tmp_path / "tiny")
    (file,) = folder.glob("sparse/*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for row in lines:
        row["correct"] = 9999
    file.write_text("".join(json.dumps(row) + "\n" for row in lines))
    assert "seed 200: NOT the figures recorded" in lenetlab("run --recipe tiny").err


def test_from_python(published, rows, runtime):
    found = run(recipe="tiny", seed=203, runtime=runtime)
    assert found.identity["id"] == rows[3].id
    assert found.result.loss == rows[3].loss
    with pytest.raises(UserError, match="leave out the method and settings"):
        run("sgd", recipe="tiny")
    with pytest.raises(UserError, match="leave out the method and settings"):
        run(recipe="tiny", lr=1.0)


def test_the_weights_are_accepted_by_the_judge(lenetlab, project):
    path = project / "results" / "records" / "tiny" / "weights.safetensors"
    answer = lenetlab(f"judge {path} --scenario sparse --json")
    (verdict,) = json.loads(answer.out)["verdicts"]
    assert (answer.status, verdict["outcome"]) == (0, "kept")
    assert verdict["problems"] == []


def test_weights_are_made_again_only_where_they_are_not_those_of_the_run(
    project, rows, tmp_path, runtime
):
    folder = project / "results" / "records" / "tiny"
    results = read_results(folder)
    path, content = folder / "weights.safetensors", (folder / "weights.safetensors").read_bytes()
    assert run_of(path) == rows[0].id
    before = path.stat().st_mtime_ns
    write_record_weights(folder, results, runtime, tmp_path)
    assert path.stat().st_mtime_ns == before
    write_record_weights(tmp_path, results, runtime, tmp_path)  # by training again
    assert (tmp_path / "weights.safetensors").read_bytes() == content
    (tmp_path / "broken").write_bytes(b"nothing")
    assert run_of(tmp_path / "broken") is None


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("run --recipe tinny", "unknown record 'tinny'; did you mean 'tiny'? known: tiny"),
        ("run sgd --recipe tiny", "leave out the method"),
        ("run --recipe tiny --passes 3", "leave out --passes"),
        ("run --recipe tiny --set lr=3", "leave out --set"),
        ("run --recipe tiny --scenario sparse", "leave out --scenario"),
        ("run --recipe tiny --tuned", "leave out --tuned"),
        ("run --recipe tiny --seeds 0", "seeds=0 is out of range"),
        ("run", "no method is given"),
        ("records nowhere", "nowhere is no folder"),
    ],
)
def test_wrong_usage_is_one_sentence(lenetlab, published, command, said):
    answer = lenetlab(command)
    assert answer.status == 2
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_a_study_that_is_no_records_is_refused(lenetlab, project, tmp_path):
    shutil.copytree(project / "results" / "records" / "tiny", folder := tmp_path / "other")
    plan = json.loads((folder / "study.json").read_text())
    del plan["record"]
    (folder / "study.json").write_text(json.dumps(plan))
    assert "its study has no [record]" in lenetlab("run --recipe other").err
    assert "there are no record boards in" in lenetlab(f"records {tmp_path}").out


@pytest.mark.long
def test_the_command_leaves_weights_and_a_second_call_runs_nothing(lenetlab, project, tmp_path):
    command = f"study {project}/studies/records/tiny.toml --workers 1 --results tiny"
    assert lenetlab(command).status == 0
    first = {path: path.read_bytes() for path in tmp_path.glob("tiny/**/*") if path.is_file()}
    assert any(path.name == "weights.safetensors" for path in first)
    again = lenetlab(command)
    assert "12 runs, 12 done" in again.err
    assert first == {path: path.read_bytes() for path in first}
