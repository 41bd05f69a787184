"""The starter script and `lenetlab baseline`, side by side: every printed digit is equal."""

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

from lenetlab.experiments.starter.recipe import epoch_ends
from lenetlab.report.run_plots import loss_panels, save

from .conftest import process

STEPS = 300
EPOCHS = STEPS * 64 / 60_000
TRACE = Path(__file__).with_name("starter_trace.json")

HANDED_IN = Path(__file__).parent.parent / "experiments" / "starter" / "handed_in"

needs_script = pytest.mark.skipif(
    "LENETLAB_STARTER" not in os.environ,
    reason="LENETLAB_STARTER names no folder with the starter script",
)


def shortened(script: Path, folder: Path, steps: int = STEPS) -> Path:
    """A copy of the script that stops after `steps` steps and one evaluation."""
    text = script.read_text()
    text, epochs = re.subn(r"n_epochs = 10\b", "n_epochs = 1", text)
    line = re.compile(r"^( +)print\(f'Epoch .*\n", re.MULTILINE)
    text, prints = line.subn(rf"\g<0>\g<1>if step == {steps}: break\n", text)
    assert (epochs, prints) == (1, 1), "the script is not the starter script"
    copy = folder / "fashionMNIST.py"
    copy.write_text(text)
    return copy


def printed_by_script(folder: Path, **environment: str) -> list[str]:
    """The lines that the shortened script prints, run beside its own stand-in for torchvision."""
    starter = Path(os.environ["LENETLAB_STARTER"]).resolve()
    done = subprocess.run(
        [sys.executable, shortened(starter / "fashionMNIST.py", folder)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(starter), "MPLBACKEND": "Agg"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def conditions() -> dict[str, str]:
    """What the bits of the PyTorch engine depend on, beside the number of threads."""
    return {
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
    }


@needs_script
def test_300_steps_and_an_evaluation_print_the_same_lines(tmp_path):
    ours = process(f"baseline --verbose --epochs {EPOCHS}", tmp_path)
    theirs = printed_by_script(tmp_path)
    assert ours.returncode == 0
    assert len(theirs) > STEPS
    assert ours.stdout.splitlines() == theirs


def test_the_trace_of_the_script_at_one_thread_is_ours(tmp_path):
    trace = json.loads(TRACE.read_text())
    if trace["conditions"] != conditions():
        pytest.skip(f"the trace was recorded with {trace['conditions']}, here is {conditions()}")
    ours = process(f"baseline --verbose --epochs {EPOCHS} --threads 1", tmp_path)
    assert ours.stdout.splitlines() == trace["lines"]


@pytest.mark.long
@needs_script
def test_somebodys_copy_is_run_and_compared(tmp_path):
    starter = Path(os.environ["LENETLAB_STARTER"])
    copy = shortened(starter / "fashionMNIST.py", tmp_path, 30)
    epochs = 30 * 64 / 60_000
    same = process(f"baseline --epochs {epochs} --script {copy} --json", tmp_path)
    assert same.returncode == 0, same.stderr
    found = json.loads(same.stdout)
    assert found["same"] is True
    assert found["script_lines"] == found["test_lines"]
    assert len(found["test_lines"]) == 1
    assert found["test_lines"][0].keys() == {"epoch", "correct", "starter_average_loss"}

    assert found["average_losses_compared"] is True
    (said,) = found["script"]
    assert said["but"] == []
    assert said["command"].startswith("lenetlab run sgd --set lr=0.001")
    assert said["command"].endswith("--seed 42")

    copy.write_text(copy.read_text().replace("lr=0.001", "lr=0.1"))
    other = process(f"baseline --epochs {epochs} --script {copy}", tmp_path)
    assert other.returncode == 0, "it is another training, and says so"
    assert "0 of 1 test lines are equal" in other.stdout
    assert "as a recipe   lenetlab run sgd --set lr=0.1" in other.stdout
    assert "below 59.53, the starter script" in other.stdout


@needs_script
@pytest.mark.long
def test_a_script_that_claims_to_be_the_baseline_and_prints_other_lines_fails(tmp_path):
    starter = Path(os.environ["LENETLAB_STARTER"])
    copy = shortened(starter / "fashionMNIST.py", tmp_path, 30)
    text = copy.read_text()
    assert "    correct = 0\n" in text
    copy.write_text(text.replace("    correct = 0\n", "    correct = 1\n"))
    answer = process(f"baseline --epochs {30 * 64 / 60_000} --script {copy}", tmp_path)
    assert answer.returncode == 1
    assert "0 of 1 test lines are equal" in answer.stdout


@pytest.mark.long
def test_a_script_stands_beside_several_seeds(tmp_path):
    script = HANDED_IN / "large_test_batch.py"
    answer = process(f"baseline --epochs 0.032 --seeds 2 --script {script}", tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "all seeds" in answer.stdout
    assert "1 of 1 counts are equal" in answer.stdout
    assert "average losses are not compared: the script measures at batch 1000" in answer.stdout
    assert "points below the baseline's mean" in answer.stdout or "points above" in answer.stdout
    assert "2 seeds)" in answer.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--seeds 0", "seeds=0 is out of range"),
        (f"--seeds 2 --seed {2**63 - 1}", "is out of range; expected 0 to 2^63 - 2"),
        ("--seeds 100000000", "this comes to 100,000,000 runs"),
    ],
)
def test_seeds_that_are_none_are_refused_before_anything_is_trained(lenetlab, given, said):
    answer = lenetlab(f"baseline --epochs 0.01 {given}")
    assert answer.status == 2
    assert said in answer.err


def test_lines_are_those_of_the_ends_of_epochs():
    """`lenetlab run sgd --engine torch` leaves the same run, measured at more points."""
    at = [0.1, 0.25, 0.5, 1.0, 2.0, 2.5]
    found = [{"at": x, "steps": round(x * 938)} for x in at]
    assert [one["at"] for one in epoch_ends(found, 2.5)] == [1.0, 2.0, 2.5]
    assert [one["at"] for one in epoch_ends(found[:3], 2.5)] == []


@pytest.mark.long
def test_several_seeds_leave_runs_that_are_one_seeds_own(tmp_path):
    several = process("baseline --epochs 1 --seeds 2 --threads 1", tmp_path)
    one = process("baseline --epochs 1 --threads 1", tmp_path)
    assert several.returncode == one.returncode == 0
    assert [line for line in one.stdout.splitlines() if "Test set" in line] == [
        line for line in one.stdout.splitlines() if "Average loss" in line
    ]
    assert one.stdout.count("Average loss") == 1
    assert len(list((tmp_path / "runs").glob("*/result.json"))) == 2


def test_what_several_seeds_have_no_place_for_is_refused(lenetlab):
    for option in ("--verbose", "--figure f.png", "--results there"):
        answer = lenetlab(f"baseline --seeds 2 {option}")
        assert answer.status == 2
        assert f"{option.split()[0]} is for one run" in answer.err


def test_a_script_that_cannot_begin_is_refused_before_anything_is_trained(lenetlab, tmp_path):
    for name in ("progress_bar.py", "undeclared_latin1.py"):
        answer = lenetlab(f"baseline --epochs 0.01 --script {HANDED_IN / name}")
        assert answer.status == 2
        assert name in answer.err
    assert not (tmp_path / "runs").exists()


def test_a_script_whose_evaluations_cannot_be_read_is_told_the_form(lenetlab):
    script = HANDED_IN / "percent_only.py"
    answer = lenetlab(f"baseline --epochs 0.01 --script {script}")
    assert answer.status == 1
    assert "printed no evaluation that can be read; expected a line" in answer.err
    assert "as in: Test set: Average loss: 0.017226, Accuracy: 5953/10000" in answer.err
    assert "as a recipe   lenetlab run rprop" in answer.out


def test_a_script_that_fails_is_reported_with_its_last_line(lenetlab, tmp_path):
    script = tmp_path / "mine.py"
    script.write_text("raise RuntimeError('my mistake')\n")
    answer = lenetlab(f"baseline --epochs 0.01 --script {script}")
    assert answer.status == 2
    assert "mine.py failed in line 1: RuntimeError: my mistake" in answer.err
    assert "Traceback" not in answer.err
    assert not (tmp_path / "runs").exists(), "it is run first, because it may fail"


def test_the_figure_has_two_panels_and_lies_in_the_runs_folder(lenetlab, monkeypatch):
    drawn, saved, command = [], [], import_module("lenetlab.cli.baseline")

    def draw(run):
        drawn.append(loss_panels(run))
        return drawn[-1]

    def keep(figure, path):
        saved.append(figure)
        return save(figure, path)

    monkeypatch.setattr(command, "loss_panels", draw)
    monkeypatch.setattr(command, "save", keep)
    found = json.loads(lenetlab("baseline --epochs 0.02 --json").out)
    (figure,) = drawn
    assert len(figure.axes) == 2
    assert saved == [figure]
    assert Path(found["figure"]).parent.parent == Path("runs")
    assert Path(found["figure"]).read_bytes().startswith(b"\x89PNG")
    assert found["engine"] == "torch"
    assert found["seed"] == 42


def test_it_is_left_beside_the_results_of_a_study(lenetlab, tmp_path):
    from lenetlab.report.attachments import read_attachments

    results = tmp_path / "results"
    results.mkdir()
    answer = lenetlab("baseline --epochs 0.02 --json --results results")
    found, left = json.loads(answer.out), read_attachments(results).baseline
    assert left is not None
    assert (left.seed, left.accuracy, left.loss) == (42, found["accuracy"], found["loss"])
    assert left.train_seconds == pytest.approx(found["train_seconds"], abs=1e-3)


def test_places_are_checked_before_anything_is_trained(lenetlab):
    for option, said in (
        ("--results nowhere", "--results nowhere is no folder"),
        ("--figure loss.doc", "cannot write the figure loss.doc"),
    ):
        refused = lenetlab(f"baseline --epochs 0.02 {option}")
        assert refused.status == 2
        assert said in refused.err
    assert not Path("runs").exists()


if __name__ == "__main__":  # record the trace again, where LENETLAB_STARTER is set
    import tempfile

    lines = printed_by_script(Path(tempfile.mkdtemp()), OMP_NUM_THREADS="1")
    TRACE.write_text(json.dumps({"conditions": conditions(), "lines": lines}, indent=1) + "\n")
