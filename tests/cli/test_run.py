"""`lenetlab run`: one run as JSON, grids with a table and a figure, failed and interrupted runs."""

import json
import os
import pty
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from lenetlab.records import run_folder

from .conftest import LENETLAB, process

PROMISED = {
    "status", "reason", "accuracy", "loss", "starter_average_loss", "passes", "train_seconds",
    "cpu_seconds", "nonzeros", "engine", "threads", "seed", "run_dir",
}  # fmt: skip


def test_one_run_prints_its_figures_as_json(lenetlab):
    answer = lenetlab("run adamw --set lr=0.002 --epochs 0.1 --batch-size 64 --seed 3 --json")
    assert answer.status == 0
    figures = json.loads(answer.out)
    assert figures.keys() >= PROMISED
    assert figures["status"] == "done"
    assert figures["reason"] is None
    assert figures["seed"] == 3
    assert 50 < figures["accuracy"] < 90
    # the starter divides a sum of 157 batch means by 10,000
    assert figures["starter_average_loss"] == pytest.approx(figures["loss"] * 157 / 1e4, rel=0.02)
    assert figures["passes"] == 93 * 64 / 60_000
    weights = load_file(Path(figures["run_dir"]) / "weights.safetensors")
    nonzero = sum(int((weights[f"{layer}.weight"] != 0).sum()) for layer in ("fc1", "fc2"))
    assert figures["nonzeros"] == nonzero


def test_a_person_sees_the_same_figures(lenetlab):
    figures = json.loads(lenetlab("run sgd --epochs 0.05 --json").out)
    answer = lenetlab("run sgd --epochs 0.05")  # found, not computed again
    assert f"{figures['accuracy']:.2f} %" in answer.out
    assert f"test loss          {figures['loss']:.4f}" in answer.out
    assert figures["run_dir"] in answer.out


def test_a_grid_ends_with_a_table_and_a_figure(lenetlab):
    answer = lenetlab(
        "run adamw sgd --vary batch_size=64 --vary lr=0.001,0.003 --schedule cosine "
        "--seeds 2 --epochs 0.02"
    )
    assert answer.status == 0
    lines = answer.out.splitlines()
    settings = [line for line in lines if "batch_size=" in line]
    assert len(settings) == 4
    assert "±" not in answer.out
    assert answer.out.count("sd over") == 2  # of accuracy and of loss
    assert settings[0].startswith("adamw, batch_size=64, lr=0.001")
    assert Path("runs/comparison.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(Path("runs").glob("*/result.json"))) == 8


def test_a_grid_as_json_has_every_run_and_the_spread(lenetlab, tmp_path):
    figure = tmp_path / "mine.pdf"
    answer = lenetlab(f"run sgd --vary lr=0.1,0.4 --seeds 2 --epochs 0.02 --json --figure {figure}")
    found = json.loads(answer.out)
    assert [run["seed"] for run in found["runs"]] == [0, 1, 0, 1]
    accuracy = [run["accuracy"] for run in found["runs"][:2]]
    spread = found["table"][0]["figures"]["accuracy"]
    assert spread["mean"] == pytest.approx(sum(accuracy) / 2)
    assert spread["deviation"] == pytest.approx(abs(accuracy[0] - accuracy[1]) / 2**0.5)
    assert figure.read_bytes().startswith(b"%PDF")


def test_a_diverged_run_is_shown_with_its_reason_and_status_1(lenetlab):
    answer = lenetlab("run sgd --set lr=1e38 --epochs 0.05 --json")
    assert answer.status == 1
    figures = json.loads(answer.out)
    assert figures["status"] == "diverged"
    assert "at step" in figures["reason"]
    assert figures["accuracy"] is None
    assert figures["loss"] is None


def test_a_failed_setting_stays_in_the_table(lenetlab):
    answer = lenetlab("run sgd --vary lr=0.4,1e38 --epochs 0.05")
    assert answer.status == 1
    failed = next(line for line in answer.out.splitlines() if "lr=1e+38" in line)
    assert "1 failed" in failed
    assert "–" in failed
    assert "diverged, loss is" in answer.err


def test_a_pipe_gets_plain_lines_and_results_alone_on_stdout(tmp_path):
    done = process("run sgd --epochs 0.05", tmp_path)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert "0.05 of 0.05 epochs" in done.stderr
    assert "of 0.05 epochs" not in done.stdout


def test_a_terminal_gets_a_bar_with_loss_rate_and_accuracy(tmp_path):
    words = "run sgd --epochs 1.2 --batch-size 256"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.environ |= {"TERM": "xterm", "COLUMNS": "120"}
        os.execv(LENETLAB, [LENETLAB, *shlex.split(words)])
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
    _, status = os.waitpid(pid, 0)
    text = shown.decode()
    assert os.waitstatus_to_exitcode(status) == 0
    assert "loss 0." in text
    assert "rate 0.4" in text
    assert "accuracy 7" in text or "accuracy 8" in text


def test_what_set_says_is_what_an_option_says(lenetlab):
    """Also of options that have a value where they are not given."""
    found = json.loads(
        lenetlab("run sgd --set split=inner --set rules=open --epochs 0.02 --json").out
    )
    assert found["measured_on"] == "held-out"
    (path,) = Path("runs").glob("*/run.json")
    recipe = json.loads(path.read_text())["recipe"]
    assert (recipe["split"], recipe["rules"]) == ("inner", "open")


def test_ctrl_c_leaves_a_run_that_the_same_command_finishes(lenetlab, tmp_path):
    command = "run sgd --epochs 1.5 --batch-size 256 --threads 1"
    running = subprocess.Popen(
        [LENETLAB, *command.split()], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    assert "1 of 1.5 epochs" in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGINT
    assert "the same command continues the run" in err
    (begun,) = Path("runs").iterdir()
    assert not (begun / run_folder.RESULT).exists()
    finished = lenetlab(f"{command} --json")
    assert finished.status == 0
    again = lenetlab(f"{command} --json --out fresh")
    one, other = json.loads(finished.out), json.loads(again.out)
    assert Path(one["run_dir"]).samefile(begun)
    assert one["loss"] == other["loss"]
    assert one["ledger_counts"] == other["ledger_counts"]


def test_a_setting_that_can_hardly_work_is_remarked_on_beside_the_json(lenetlab):
    words = "--scenario l2 --set weight_decay=0.1 --epochs 0.02 --seeds 2 --json"
    answer = lenetlab(f"run nesterov sgd {words}")
    assert len(json.loads(answer.out)["runs"]) == 4
    printed = [line for line in answer.err.splitlines() if "weight_decay=0.1" in line]
    assert [line.partition(":")[0] for line in printed] == ["nesterov", "sgd"]
    assert all("1e-05 … 0.001" in line for line in printed)


def test_the_spread_over_seeds_stands_in_a_column_of_its_own(lenetlab):
    words = "run sgd --epochs 0.05 --seeds 2"
    found = json.loads(lenetlab(f"{words} --json").out)["table"][0]["figures"]["accuracy"]
    row = next(line for line in lenetlab(words).out.splitlines() if line.startswith("sgd "))
    assert row.split()[2:4] == [f"{found['mean']:.2f}", f"{found['deviation']:.2f}"]
    (single,) = [line for line in lenetlab("run sgd adamw --epochs 0.05").out.splitlines()
                if line.startswith("adamw")]  # fmt: skip
    assert len(single.split()) == 7  # one seed has no spread


@pytest.mark.parametrize(
    ("split", "mine", "other"), [("official", "test", "held-out"), ("inner", "held-out", "test")]
)
def test_loss_and_accuracy_say_whose_they_are(lenetlab, split, mine, other):
    words = f"--epochs 0.02 --split {split}"
    one = lenetlab(f"run sgd {words}")
    assert f"{mine} loss " in one.err
    assert f"{mine} accuracy" in one.err
    assert f"{mine} loss" in one.out
    many = lenetlab(f"run sgd adamw {words}")
    (title,) = [line for line in many.out.splitlines() if "starter's" in line]
    assert title.split()[:2] == [mine, mine]
    for printed in (one.err, one.out, many.err, many.out):
        assert f"{other} " not in printed.replace("starter's", "")
    printed = json.loads(lenetlab(f"run sgd adamw {words} --json").out)
    assert {printed["runs"][0]["measured_on"], printed["table"][1]["measured_on"]} == {mine}


PRINTS = """
import torch
class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
    def step(self, closure):
        print("hello from step")
        return super().step(closure)
"""


def test_what_an_optimizer_prints_is_no_part_of_the_json(lenetlab):
    Path("own.py").write_text(PRINTS)
    answer = lenetlab("run own.py --passes 0.003 --json")
    assert json.loads(answer.out)["status"] == "done"
    assert "hello from step" in answer.err
