"""`lenetlab inspect` and `lenetlab run --inspect`, from the command line."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from lenetlab.cli.shared import inspection
from lenetlab.cli.shared.inspection import Asked
from lenetlab.inspection import measure, plane, trajectory
from lenetlab.problem import own_folder
from lenetlab.records import run_folder
from tests.own_images import write
from tests.waiting import wait_until

from .conftest import LENETLAB

SHORT = "--epochs 0.05 --engine native"


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Few points and examples, so that a test takes a second."""
    monkeypatch.setattr(measure, "SAMPLED", 300)
    monkeypatch.setattr(measure, "EVERY", 15)
    monkeypatch.setattr(measure, "SAMPLES", 3)
    monkeypatch.setattr(plane, "SIZE", 9)

    def with_few(*given, **named):
        return Asked(*given, **named) if given else Asked(examples=100, **named)

    monkeypatch.setattr(inspection, "Asked", with_few)


def only(folder):
    (run,) = folder.glob("runs/*/result.json")
    return run.parent


def test_inspecting_changes_no_bit_of_a_run_and_no_ledger(lenetlab, tmp_path):
    assert lenetlab(f"run adamw {SHORT} --out plain").status == 0
    answer = lenetlab(f"run adamw {SHORT} --inspect --json")
    assert answer.status == 0, answer.err
    json.loads(answer.out)  # one value and nothing else
    run = only(tmp_path)
    for file in (run_folder.WEIGHTS, run_folder.RESULT, run_folder.LOSSES, run_folder.RUN):
        plain = tmp_path / "plain" / run.name / file
        assert (run / file).read_bytes() == plain.read_bytes(), file
    kept = (run / trajectory.FILE).read_bytes()
    found = json.loads((run / measure.FILE).read_text())
    assert found["run"] == run.name.rpartition("-")[2]
    assert found["charged"] > 0
    # trained again it has the same points, and gives the same numbers
    (run / trajectory.FILE).unlink()
    again = json.loads(lenetlab("inspect last --examples 100 --json").out)
    assert (run / trajectory.FILE).read_bytes() == kept
    assert again["runs"] == [found]


def test_what_is_printed_and_written(lenetlab, tmp_path):
    answer = lenetlab(f"run sgd {SHORT} --inspect")
    assert answer.status == 0, answer.err
    for words in ("At the end", "sharpness", "noise scale", "fc1.weight", "page: "):
        assert words in answer.out
    run = only(tmp_path)
    page = (run / "inspect.html").read_text()
    assert page.count("<svg") == 5
    assert "http-equiv" in page
    assert "<script" not in page
    id = run.name.rpartition("-")[2]
    answer = lenetlab(f"inspect {id[:8]} --examples 100 --to other --figure other/f.pdf")
    assert answer.status == 0, answer.err
    assert (tmp_path / "other" / "inspect.html").exists()
    assert (tmp_path / "other" / "f.pdf").read_bytes().startswith(b"%PDF")


def test_several_runs_in_one_plane(lenetlab, tmp_path):
    lenetlab(f"run sgd muon {SHORT} --inspect")
    runs = sorted(map(str, tmp_path.glob("runs/*-*")))
    answer = lenetlab(f"inspect {' '.join(runs)} --plane --examples 100 --to both --json")
    assert answer.status == 0, answer.err
    found = json.loads(answer.out)
    assert (tmp_path / "both" / plane.FILE).stat().st_size < 100_000
    assert json.loads((tmp_path / "both" / plane.FILE).read_text()) == found
    assert found["kind"] == "start"
    assert len(found["loss"]) == len(found["loss"][0]) == len(found["x"]) == plane.SIZE
    for run in found["runs"]:
        assert max(run["distance"][0], run["distance"][-1]) < 1e-5
        assert min(found["x"]) < min(run["x"]) <= max(run["x"]) < max(found["x"])
        assert min(found["y"]) < min(run["y"]) <= max(run["y"]) < max(found["y"])
    assert (tmp_path / "both" / "plane.html").read_text().count("<svg") == 2
    (line,) = found["lines"]
    ends = line["loss"][line["t"].index(0.0)], line["loss"][line["t"].index(1.0)]
    assert ends == pytest.approx([run["loss"][-1] for run in found["runs"]], rel=1e-4)
    one = json.loads(lenetlab(f"inspect {runs[0]} --plane --examples 100 --json").out)
    assert one["kind"] == "principal"
    assert 0.5 < one["share"] <= 1
    assert one["lines"] == []


def test_a_run_that_cannot_be_trained_again_is_shown_at_its_ends(lenetlab, tmp_path):
    lenetlab(f"run sgd {SHORT}")
    run = only(tmp_path)
    identity = json.loads((run / "run.json").read_text())
    identity["numerics"]["torch"] = "0.1"
    (run / "run.json").write_text(json.dumps(identity))
    answer = lenetlab("inspect last --examples 100 --json")
    assert answer.status == 0, answer.err
    assert "at its start and its end alone: the numerics differ here, " in answer.err
    (found,) = json.loads(answer.out)["runs"]
    assert [point["steps"] for point in found["along"]] == [0, json.loads(
        (run / "result.json").read_text()
    )["steps"]]  # fmt: skip
    assert not (run / trajectory.FILE).exists()


def test_a_run_on_other_images_is_looked_at_on_those(lenetlab, tmp_path):
    write(tmp_path / "leaves")
    answer = lenetlab("run adamw --passes 0.05 --problem leaves --inspect --json --engine native")
    assert answer.status == 0, answer.err
    summary = json.loads(answer.out)
    run = only(tmp_path)
    found = json.loads((run / measure.FILE).read_text())
    # the first 100 of the 600 images that it was trained and measured on
    assert found["along"][-1]["loss"] == pytest.approx(summary["train_loss"], rel=0.2)
    assert found["along"][-1]["loss"] < 1 < found["along"][0]["loss"]
    assert " on leaves@" in lenetlab("inspect last --examples 100").out
    # together with a run on Fashion-MNIST: beside each other, but in no plane
    lenetlab(f"run sgd {SHORT} --out usual")
    (usual,) = (tmp_path / "usual").iterdir()
    answer = lenetlab(f"inspect {run} {usual} --plane")
    assert answer.status == 2
    assert "one plane shows the loss of one problem, and these runs are on leaves@" in answer.err
    answer = lenetlab(f"inspect {run} {usual} --data leaves")
    assert answer.status == 2
    assert "--data leaves holds the files of one problem, and these runs are on" in answer.err
    shutil.move(tmp_path / "leaves", tmp_path / "gone")
    own_folder._opened_here.clear()  # as in another process, which does not know where it was
    answer = lenetlab(f"inspect {run}")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "are not at hand; expected their folder leaves in the present folder" in answer.err


@pytest.mark.parametrize(
    ("name", "said"),
    [("__main__:Mine", "write its class to a file"), ("mine.py:Mine", "--no-resume --inspect`")],
)
def test_code_from_outside_is_not_run_from_a_record(lenetlab, tmp_path, name, said):
    lenetlab(f"run sgd {SHORT}")
    run = only(tmp_path)
    identity = json.loads((run / "run.json").read_text())
    identity["recipe"]["method"] = [name, {}]
    (run / "run.json").write_text(json.dumps(identity))
    answer = lenetlab("inspect last --examples 100 --json")
    assert answer.status == 0, answer.err
    assert said in answer.err


WRONG = {
    "inspect nothing": "nothing/run.json is missing",
    "inspect last": "has no finished run",
    "inspect net.pt": "net.pt is a file; expected the folder of a finished run",
    "inspect x --eigenvalues 0": "--eigenvalues 0 is out of range; expected 1 to 20",
    "inspect x --examples 5": "--examples 5 is out of range; expected 100 to 50000",
    "inspect x --figure f.gif": "cannot write the figure f.gif; expected one of .svg, .pdf, .png",
}


@pytest.mark.parametrize("command", WRONG)
def test_wrong_usage_is_one_sentence(command, lenetlab, tmp_path):
    (tmp_path / "net.pt").touch()
    answer = lenetlab(command)
    assert answer.status == 2
    assert WRONG[command] in answer.err
    assert answer.err.count("\n") == 1


def test_a_run_named_twice_is_refused(lenetlab):
    lenetlab(f"run sgd {SHORT}")
    answer = lenetlab("inspect last last")
    assert answer.status == 2
    assert "is named twice" in answer.err


def test_convergence_is_written_and_printed(lenetlab, tmp_path, monkeypatch):
    from lenetlab.inspection import convergence, softmax

    monkeypatch.setattr(convergence, "MADE", (convergence.newton_loose, convergence.newton_tight))
    monkeypatch.setattr(softmax.softmax_regression, "__defaults__", (200,))
    answer = lenetlab("convergence --to here --figure rates.pdf")
    assert answer.status == 0, answer.err
    assert "Newton-CG, exact" in answer.out
    found = json.loads((tmp_path / "here" / "convergence.json").read_text())
    assert found["problem"]["examples"] == 200
    assert (tmp_path / "here" / "convergence.html").read_text().count("<svg") == 1
    assert (tmp_path / "rates.pdf").read_bytes().startswith(b"%PDF")
    assert lenetlab("convergence --seeds 0").status == 2


@pytest.mark.long
def test_ended_by_a_signal_while_it_trains_again(lenetlab, tmp_path):
    assert lenetlab("run sgd --epochs 2").status == 0
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    running = subprocess.Popen(
        [LENETLAB, "inspect", "last"], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    )  # fmt: skip
    wait_until(lambda: list(scratch.glob("lenetlab-again-*/*/run.json")), "training", running)
    time.sleep(0.2)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert err.splitlines()[-1].startswith("interrupted at step ")
    assert err.endswith("; the same command begins it anew\n")
    assert not list(scratch.glob("lenetlab-again-*"))
    assert lenetlab("inspect last --examples 100 --eigenvalues 1 --json").status == 0
