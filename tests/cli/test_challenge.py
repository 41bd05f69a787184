"""`lenetlab challenge` on the real data: a small study, a guest from a file, and what is left of
it; killed and gone on with, handed in."""

import json
import os
import re
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from scipy.stats import ttest_rel

from lenetlab.experiments.study.challenger import Challenger
from lenetlab.experiments.study.entered import Entered
from lenetlab.experiments.study.model import Study
from lenetlab.experiments.study.once_more import train_once
from lenetlab.experiments.study.worker import Setup
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.records.cells import Results
from lenetlab.records.challenge import GUEST, PAGE, ROW, ROWS, RUNS, VERDICT, read_challenge
from lenetlab.records.contest import Contest
from lenetlab.records.rows import read_results
from lenetlab.records.run_folder import finished_runs
from lenetlab.records.selection import leader as choose
from lenetlab.records.test_set_looks import FILE
from tests.waiting import wait_until

from .challenges import ASKED, called
from .conftest import LENETLAB

SCRIPT = Path(__file__).parents[2] / ".ci" / "submissions"
WITH_LENETLAB = {**os.environ, "PATH": f"{Path(LENETLAB).parent}:{os.environ['PATH']}"}


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
        assert {one["name"] for one in found["residents"]} == {"sgd", "adamw"}

    assert sorted(path.name for path in (folder / GUEST).iterdir()) == [
        "helper.py", "late.py", "mine.py",
    ]  # fmt: skip
    results = read_results(folder / ROWS)
    guest, _, leader, _ = results.cells
    assert guest.place.method == "mine.py:Mine"  # wherever it lies
    assert [len(rows) for rows in (guest.trials, guest.confirmations, guest.leading, guest.finals)
            ] == [2, 1, 1, 2]  # fmt: skip
    # the recorded finals have the bits that they would have here, so they are not computed again
    study = read_results(stored / "runs/studies/stored/results")
    known = {row.id for cell in study.cells for row in cell.finals}
    assert {row.id for row in leader.finals} <= known
    pairs = zip(results.cells[:2], results.cells[2:], strict=True)
    for (mine, theirs), found in zip(pairs, printed["found"].values(), strict=True):
        assert (mine.place.scenario, theirs.place.scenario) == (found["scenario"],) * 2
        both = [[row.accuracy for row in cell.finals] for cell in (mine, theirs)]
        apart, p = fmean(both[0]) - fmean(both[1]), ttest_rel(*both).pvalue
        assert found["accuracy"]["mean"] == pytest.approx(apart)
        assert found["accuracy"]["p"] == pytest.approx(p)
        said = "better" if apart > 0 else "worse"
        assert found["verdict"] == (said if p < 0.05 else "no difference found")
        others = study.within(Contest(found["scenario"]))
        assert found["leads"] is (choose([*others, mine]) is mine)
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
    (answered[0] / RUNS / ".DS_Store").write_text("")
    again = lenetlab(f"{ASKED} --scenario all")
    assert again.status == 0, again.err
    assert again.out.startswith((answered[0] / VERDICT).read_text())
    assert sorted((stored / "runs/studies/challenge,Mine/records").glob("*/*")) == records
    assert (stored / "runs" / FILE).read_text() == looks
    assert read_challenge(answered[0]).found == answered[1]["found"]


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


@pytest.mark.long
def test_on_other_numerics_the_leader_is_trained_again(
    stored, answered, lenetlab, monkeypatch, tmp_path
):
    monkeypatch.chdir(stored)
    study = shutil.copytree(stored / "runs/studies/stored/results", tmp_path / "study")
    for path in study.rglob("*.jsonl"):  # as if it were from another machine
        path.write_text(re.sub('"(kernel|id)": "', r'"\1": "0', path.read_text()))
    before = set((stored / "runs/challenges").iterdir())
    shutil.copytree(stored / "sub", stored / "changed")
    (stored / "changed" / "helper.py").write_text("MOMENTUM = 0.5\n")
    answer = lenetlab(ASKED.replace("stored.toml", str(study)).replace("sub/", "changed/"))
    assert answer.status == 0, answer.err
    assert "paired by seed" in answer.out
    assert "the leader’s finals were trained again here, those recorded are by other" in answer.out
    assert "those of 1 other residents are as recorded, by other numerics" in answer.out
    assert "under this name 2 times, in 2 versions" in answer.out
    (folder,) = set((stored / "runs/challenges").iterdir()) - before
    guest, leader = read_results(folder / ROWS).cells
    recorded = {row.id for cell in read_results(study).cells for row in cell.finals}
    assert not recorded & {row.id for row in leader.finals}
    assert len({row.numerics["kernel"] for row in (*guest.finals, *leader.finals)}) == 1


@pytest.mark.long
def test_a_leader_that_was_tried_short_is_taken_over_and_is_no_look_of_the_guest(
    stored, answered, tmp_path
):
    """The guest is the leader, by another recipe."""
    leader = answered[1]["leaders"]["plain"]
    study = "runs/studies/stored"
    words = f"challenge {leader} --study {study} --set lr=0.003 --workers 1 --trials 0 --json"
    for terms in ("--passes 0.02", "--seeds 3"):
        printed = json.loads(called(f"{words} {terms} --out {tmp_path}", stored))
    recorded = [cell.finals for cell in read_results(stored / study / "results").cells
                if (cell.place.name, cell.place.scenario) == (leader, "plain")]  # fmt: skip
    again = read_results(Path(printed["folder"]) / ROWS).cells[-1].finals
    assert again[:2] == recorded[0]  # their seconds as well
    assert len(again) == 3
    said = (Path(printed["folder"]) / VERDICT).read_text()
    assert "2 of the leader’s 3 finals are as recorded" in said
    assert printed["looks"]["plain"] == {"same": 2, "named": 2, "versions": 1}  # both terms
    assert "taken there 2 times in this scenario by challenges" in said


@pytest.fixture
def entered(stored, answered):
    """What came of a challenge, before its folder is written."""
    folder, _ = answered
    results = stored / "runs/studies/stored/results"
    found = read_results(folder / ROWS)
    study = Study("stored", "", found.passes, found.seeds, (), Tuning(1, 0.02))
    guest = Challenger("mine.py:Mine", "some")
    return Entered(guest, study, read_results(results), results, found.cells, stored / "elsewhere",
                   {}, Setup())  # fmt: skip


def test_a_run_by_itself_that_takes_too_long_is_not_called_random(stored, entered, monkeypatch):
    monkeypatch.chdir(stored / "sub")
    plain, l2 = train_once(entered, 0.0, lambda _: None)
    for one in (plain, l2):
        assert one.guest.whole is None
        assert "trained a second time, ended as timeout: " in (one.guest.remark or "")


def test_another_engine_or_another_study_has_another_folder(entered):
    cells = entered.stored.cells
    fewer = replace(entered.stored, cells=cells[:-1])
    others = [replace(entered, setup=Setup(engine="torch")), replace(entered, stored=fewer)]
    assert len({one.folder for one in (entered, *others)}) == 3
    assert replace(entered, setup=Setup(threads=2)).folder == entered.folder


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("challenge adamw --study nowhere", "nowhere does not exist"),
        ("challenge adamw --scenario sparce", "did you mean 'sparse'?"),
        ("challenge adamw --passes 0", "passes=0 is out of range"),
        ("challenge adamw --set rules=open", "rules is no setting of a challenge"),
        ("challenge adamw --set lr=inf", "lr=inf is out of range for a challenge"),
        ("challenge nowhere.py:Mine", "nowhere.py does not exist"),
    ],
)
def test_wrong_usage_is_one_sentence(lenetlab, words, said):
    answer = lenetlab(words)
    assert answer.status == 2
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
