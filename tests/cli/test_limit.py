"""`--limit`: an optimizer that never returns, sleeps or ends its process."""

import json
import signal
import subprocess

import pytest

from lenetlab.records import run_folder
from tests.waiting import wait_until

from .conftest import LENETLAB

OWN = """
import itertools, os, time
import torch

class Good(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.count = 0
    def step(self, closure):
        self.count += 1
        if self.count == 3:
            self.odd()
        return super().step(closure)
    def odd(self):
        pass

class Exits(Good):
    def odd(self):
        os._exit(0)

class Hangs(Good):
    def odd(self):
        sum(itertools.repeat(1))  # a loop in C, which nothing in its process can stop

class Sleeps(Good):
    def step(self, closure):
        time.sleep(0.5)
        return super().step(closure)
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


@pytest.mark.long
def test_every_way_of_not_coming_back_has_a_status_and_the_others_go_on(own, lenetlab, monkeypatch):
    monkeypatch.setattr("lenetlab.cli.shared.limited.GRACE", 8.0)
    answer = lenetlab(
        "run own.py:Exits own.py:Hangs own.py:Sleeps own.py:Good --limit 10 --epochs 0.05 --json"
    )
    assert answer.status == 1
    runs = json.loads(answer.out)["runs"]
    assert [run["status"] for run in runs] == ["error", "timeout", "timeout", "done"]
    exits, hangs, sleeps, good = runs
    assert exits["reason"] == "it ended its own process, with exit code 0"
    assert hangs["reason"].startswith("over its limit of 10 s: its process was killed")
    assert sleeps["reason"].startswith("stopped at its limit of 10 s, at step ")
    assert hangs["steps"] is hangs["passes"] is hangs["accuracy"] is None
    assert 1 <= sleeps["steps"] < 46
    assert good["accuracy"] > 15
    assert [run.status for run in run_folder.finished_runs(own / "runs")].count("timeout") == 2


def test_one_that_ends_its_process_ends_the_command_with_status_1(own, lenetlab):
    found = lenetlab("run own.py:Exits --limit 60 --epochs 0.1")
    assert found.status == 1
    assert "error, it ended its own process, with exit code 0" in found.out


def test_a_limit_changes_no_bits_and_a_wrong_setting_keeps_its_sentence(own, lenetlab):
    limited = json.loads(lenetlab("run own.py:Good --limit 100 --epochs 0.1 --json --out a").out)
    free = json.loads(lenetlab("run own.py:Good --epochs 0.1 --json --out b").out)
    assert limited["loss"] == free["loss"]
    refused = lenetlab("run own.py:Good --set lr=-1 --limit 100")
    assert refused.status == 2
    for wrong in ("0", "-1", "inf", "nan"):
        assert lenetlab(f"run sgd --limit {wrong}").status == 2


def test_ctrl_c_reaches_the_run_inside(own):
    command = [LENETLAB, "run", "own.py:Sleeps", "--limit", "100", "--epochs", "0.01"]
    running = subprocess.Popen(command, cwd=own, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: list((own / "runs").glob("*/run.json")), "the run's folder", running)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGINT
    assert "the same command continues the run" in err


@pytest.mark.long
def test_trials_are_ended_as_well(own, lenetlab):
    for name, limit, status in (("Exits", 100, "error"), ("Sleeps", 3, "timeout")):
        answer = lenetlab(
            f"tune own.py:{name} --trials 1 --passes 1 --limit {limit} --workers 1 --json"
        )
        assert answer.status == 1
        found = json.loads(answer.out)["trials"]
        assert [trial["status"] for trial in found] == [status] * 2
