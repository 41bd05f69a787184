"""`lenetlab challenge` on the real data: a small study, a guest from a file, and what is left of
it; killed and gone on with, handed in, judged elsewhere."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import torch

from lenetlab.records.cells import Results
from lenetlab.records.challenge import GUEST, PAGE, ROW, ROWS, RUNS, VERDICT, read_record
from lenetlab.records.rows import read_results
from lenetlab.records.run_folder import finished_runs
from lenetlab.records.test_set_looks import FILE
from tests.waiting import wait_until

from .conftest import LENETLAB

STUDY = """title = "Stored"
scenarios = ["plain", "l2"]
methods = ["sgd", "adamw"]
passes = 0.04
seeds = 2
[tune]
trials = 1
passes = 0.02
confirm = 1
confirm_seeds = 1
[leader]
best = 2
seeds = 1
"""
MINE = """
import torch
import helper

class Mine(torch.optim.SGD):
    def __init__(self, params, lr=0.05):
        super().__init__(params, lr=lr, momentum=helper.MOMENTUM)
"""
SCRIPT = Path(__file__).parents[2] / ".ci" / "submissions"
WITH_LENETLAB = {**os.environ, "PATH": f"{Path(LENETLAB).parent}:{os.environ['PATH']}"}
ASKED = "challenge sub/mine.py:Mine --study stored.toml --workers 1"


def called(command: str, folder: Path) -> str:
    """What `lenetlab` prints in `folder`, in this process."""
    from lenetlab.cli import main

    printed, threads = StringIO(), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch, chdir(folder), redirect_stdout(printed):
        patch.setattr(sys, "argv", ["lenetlab", *command.split()])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
    torch.set_num_threads(threads)
    return printed.getvalue()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder with the results of a study and a guest's file in a folder below."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "stored.toml").write_text(STUDY)
    (folder / "sub").mkdir()
    (folder / "sub" / "mine.py").write_text(MINE)
    (folder / "sub" / "helper.py").write_text("MOMENTUM = 0.9\n")
    called("study stored.toml --workers 1", folder)
    return folder


@pytest.fixture(scope="module")
def answered(stored):
    """The folder that a challenge in all scenarios left, and what it printed."""
    printed = json.loads(called(f"{ASKED} --scenario all --json", stored))
    return Path(printed["folder"]), printed


@pytest.fixture
def handed_in(answered, tmp_path):
    """A copy in another place, without the rest."""
    return Path(shutil.copytree(answered[0], tmp_path / "handed_in"))


def figures(results: Results):
    """What is reproduced, of every run."""
    return [(row.role, row.number, row.id, row.status, row.accuracy, row.loss, row.steps)
            for row in results.rows()]  # fmt: skip


def test_a_challenge_leaves_an_answer_and_all_that_can_be_handed_in(stored, answered):
    folder, printed = answered
    assert list(printed["found"]) == ["plain", "l2"]
    assert printed["looks"] == {name: {"same": 1, "named": 1, "versions": 1}
                                for name in ("plain", "l2")}  # fmt: skip
    for found in printed["found"].values():
        assert found["verdict"] in ("better", "worse", "no difference found")
        assert found["paired"] is True
        assert found["leads"] in (True, False)
        assert {one["name"] for one in found["residents"]} == {"sgd", "adamw"}

    assert sorted(path.name for path in (folder / GUEST).iterdir()) == ["helper.py", "mine.py"]
    results = read_results(folder / ROWS)
    guest, _, leader, _ = results.cells
    assert guest.place.method == "mine.py:Mine"  # wherever it lies
    assert [len(rows) for rows in (guest.trials, guest.confirmations, guest.leading, guest.finals)
            ] == [2, 1, 1, 2]  # fmt: skip
    # the recorded finals have the bits that they would have here, so they are not computed again
    study = read_results(stored / "runs/studies/stored/results")
    known = {row.id for cell in study.cells for row in cell.finals}
    assert {row.id for row in leader.finals} <= known
    runs = {run.identity["id"]: run for run in finished_runs(folder / RUNS)}
    first = next(row for row in guest.finals if row.seed == 0)
    assert runs[first.id].result.accuracy == first.accuracy
    assert len(runs) == 4

    row = [line for line in (folder / ROW).read_text().splitlines() if line[0] != "%"]
    assert [line.split(" & ")[:2] for line in row] == [["Mine", "plain"], ["Mine", "l2"]]
    page = (folder / PAGE).read_text()
    marked = re.findall(r'data-name="([^"]+)" class="[^"]*guest"', page)
    assert set(marked) == {"mine.py:Mine"}
    assert "mine.py:Mine in plain: " in page


def test_the_same_command_trains_nothing_and_says_the_same(stored, answered, lenetlab, monkeypatch):
    monkeypatch.chdir(stored)
    records = sorted((stored / "runs/studies/challenge,Mine/records").glob("*/*"))
    looks = (stored / "runs" / FILE).read_text()
    again = lenetlab(f"{ASKED} --scenario all")
    assert again.status == 0, again.err
    assert again.out.startswith((answered[0] / VERDICT).read_text())
    assert sorted((stored / "runs/studies/challenge,Mine/records").glob("*/*")) == records
    assert (stored / "runs" / FILE).read_text() == looks
    assert read_record(answered[0]).found == answered[1]["found"]


@pytest.mark.long
def test_killed_at_any_moment_it_goes_on_to_the_same_bits(stored, answered, tmp_path):
    elsewhere = f"--scenario all --json --out {tmp_path}"
    command = f"{ASKED.replace('stored.toml', 'runs/studies/stored')} {elsewhere}"
    with subprocess.Popen(
        [LENETLAB, *command.split()], cwd=stored, stdout=subprocess.PIPE
    ) as killed:
        wait_until(lambda: list(tmp_path.glob("studies/*/records/*/*.json")), "a run", killed)
        os.kill(killed.pid, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    assert not list(tmp_path.glob("challenges/*"))
    folder = Path(json.loads(called(command, stored))["folder"])
    assert figures(read_results(folder / ROWS)) == figures(read_results(answered[0] / ROWS))


def test_the_folder_is_judged_elsewhere_by_training_its_guest_again(handed_in, lenetlab):
    answer = lenetlab(f"judge {handed_in} --rerun --json")
    assert answer.status == 0, answer.out
    (verdict,) = json.loads(answer.out)["verdicts"]
    assert verdict["outcome"] == "kept"
    claims = {claim["what"]: claim["wrong"] for claim in verdict["claims"]}
    for scenario in ("plain", "l2"):
        assert claims[f"trained again, it has the same bits, in {scenario}"] is None
        assert claims[f"its trials in {scenario} are those that stored draws for it"] is None


@pytest.mark.long
def test_submissions_are_judged_and_stand_on_the_leaderboard(stored, answered, tmp_path):
    """What CI does, and one that was not done as the study."""
    folder = tmp_path / "submissions"
    shutil.copytree(answered[0], folder / "fast_sgd")
    shutil.copytree(answered[0], folder / "short")
    path = folder / "short" / "challenge.json"
    path.write_text(path.read_text().replace('"trials": 2', '"trials": 1', 1))
    page = tmp_path / "leaderboard.html"
    words = [str(SCRIPT), str(folder), str(stored / "runs/studies/stored"), str(page), "fast_sgd"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=WITH_LENETLAB)
    assert done.returncode == 1, done.stderr  # that is no longer what its rows say
    assert done.stdout.count("trained again, it has the same bits, in l2") == 1
    assert "short" in done.stdout
    assert "left out: short: 1 trials of 0.02 passes, the study has 2 of 0.02" in done.stderr
    text = page.read_text()
    assert set(re.findall(r'data-name="([^"]+)" class="[^"]*guest"', text)) == {"fast_sgd"}
    assert "With 1 guest: fast_sgd." in text


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("guest/helper.py", "0.9", "0.8", "sources are those that were run: helper.py"),
        ("challenge.json", '"mean": ', '"mean": 1', "the mean accuracy in plain is that of its"),
        ("results/l2/mine.py_Mine.jsonl", '"seed": 1,', '"seed": 7,', "every row hash to its iden"),
        ("results/study.json", '"mine.py:Mine"', '"other"', "has no cells of mine.py:Mine"),
        ("challenge.json", '"seeds": 2', '"seeds": 0', "a field is missing or no value of its"),
    ],
)
def test_what_was_changed_afterwards_is_seen(handed_in, lenetlab, file, old, new, said):
    path = handed_in / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    answer = lenetlab(f"judge {handed_in}")
    assert answer.status in (1, 2)
    assert said in answer.out


@pytest.mark.long
def test_on_other_numerics_the_leader_is_trained_again_and_a_rerun_is_held_to_its_beginning(
    stored, answered, lenetlab, monkeypatch, tmp_path
):
    monkeypatch.chdir(stored)
    study = shutil.copytree(stored / "runs/studies/stored/results", tmp_path / "study")
    for path in study.rglob("*.jsonl"):  # as if it were from another machine
        path.write_text(re.sub('"(kernel|id)": "', r'"\1": "0', path.read_text()))
    (stored / "sub" / "helper.py").write_text("MOMENTUM = 0.5\n")
    answer = lenetlab(f"{ASKED.replace('stored.toml', str(study))}")
    assert answer.status == 0, answer.err
    assert "paired by seed" in answer.out
    assert "the leader’s finals were trained again here, those recorded are by other" in answer.out
    assert "those of 1 other residents are as recorded, by other numerics" in answer.out
    assert "under this name 2 times, in 2 versions" in answer.out
    (folder,) = set((stored / "runs/challenges").iterdir()) - {answered[0]}
    guest, leader = read_results(folder / ROWS).cells
    recorded = {row.id for cell in read_results(study).cells for row in cell.finals}
    assert not recorded & {row.id for row in leader.finals}
    assert len({row.numerics["kernel"] for row in (*guest.finals, *leader.finals)}) == 1

    for path in (folder / RUNS).rglob("run.json"):
        path.write_text(path.read_text().replace('"capability": "', '"capability": "not '))
    answer = lenetlab(f"judge {folder} --rerun --json")
    (verdict,) = json.loads(answer.out)["verdicts"]
    claims = {claim["what"].partition(",")[2]: claim["wrong"] for claim in verdict["claims"]}
    assert claims[" it begins with the same losses"] is None
    assert any("bits cannot be compared" in said for said in verdict["notes"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("challenge adamw --study nowhere", "nowhere does not exist"),
        ("challenge adamw --scenario sparce", "did you mean 'sparse'?"),
        ("challenge adamw --passes 0", "passes=0 is out of range"),
        ("challenge nowhere.py:Mine", "nowhere.py does not exist"),
    ],
)
def test_wrong_usage_is_one_sentence(lenetlab, words, said):
    answer = lenetlab(words)
    assert answer.status == 2
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
