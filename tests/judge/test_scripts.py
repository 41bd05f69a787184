"""Scripts that were handed in are run, and the nets that they leave are judged."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lenetlab.experiments.starter.scripts import attend
from lenetlab.experiments.starter.scripts.recipe import Described
from lenetlab.experiments.starter.scripts.record import Record, Trained
from lenetlab.experiments.starter.scripts.run import Ran
from lenetlab.judge.scripts import judge_script, longest, others
from lenetlab.judge.verdict import SCRIPTS, judge, submissions
from tests.waiting import wait_for_end, wait_until

HANDED_IN = Path(__file__).parents[1] / "experiments" / "starter" / "handed_in"


def printed(text: str, name: str, tmp_path: Path) -> Path:
    """A script of those, of one epoch, changed."""
    source = (HANDED_IN / name).read_text()
    assert "n_epochs = 4" in source
    (path := tmp_path / name).write_text(source.replace("n_epochs = 4", "n_epochs = 1") + text)
    return path


def test_the_net_of_a_script_scores_what_the_script_printed(scorer, tmp_path):
    path = printed(
        "\nprint(model.fc3.bias.sum().item(), correct)\n", "momentum_cosine.py", tmp_path
    )
    verdict = judge_script(path, None, scorer)
    assert (verdict.name, verdict.outcome, verdict.scenario) == (str(path), "kept", "plain")
    assert verdict.score is not None
    assert not any("not of the net it left" in note for note in verdict.notes)
    assert any("lenetlab run heavy_ball" in note for note in verdict.notes)
    assert len(verdict.digest) == 64


def test_a_script_that_prints_another_nets_figure_is_remarked_on(scorer, tmp_path):
    lie = '\nprint("Test set: Average loss: 0.0040, Accuracy: 9200/10000")\n'
    verdict = judge_script(printed(lie, "momentum_cosine.py", tmp_path), None, scorer)
    (note,) = [note for note in verdict.notes if "not of the net it left" in note]
    assert "92.00 %" in note
    assert verdict.score.evaluation.accuracy < 92


def test_of_several_trainings_the_one_described_is_the_one_judged_and_the_others_are_named():
    """The longest, and the last of equals: what is saved at the end is mostly that."""

    def one(name: str, steps: int) -> Trained:
        return Trained(name, "torch.optim.x", {}, {}, [{"dimensions": [1]}], 44_426, steps, [])

    trained = [one("Adam", 50), one("SGD", 60), one("NAdam", 60), one("RAdam", 10)]
    words = [Described([it.name], None, 0, []) for it in trained]
    ran = Ran("", Record(trained), b"")
    assert longest(ran, words) is words[2]
    (said,) = others(ran, words)
    assert "not Adam of 50 steps, SGD of 60 steps, RAdam of 10 steps, which may be" in said
    assert not list(others(Ran("", Record(trained[:1]), b""), words[:1]))


@pytest.mark.parametrize(
    ("name", "outcome", "said"),
    [
        ("relu_net.py", "broken", "no net that computes what LeNet-5 computes"),
        ("crashes.py", "unreadable", "failed in line 11: NameError"),
    ],
)
def test_what_is_wrong_with_a_script_is_said(scorer, name, outcome, said):
    verdict = judge_script(HANDED_IN / name, None, scorer)
    assert verdict.outcome == outcome
    assert said in verdict.problems[0]


def test_a_script_that_hangs_is_ended(scorer, tmp_path):
    (path := tmp_path / "hangs.py").write_text("import time\ntime.sleep(1000)\n")
    verdict = judge_script(path, None, scorer, limit=3)
    assert (verdict.outcome, verdict.problems) == ("unreadable", ("was stopped after 3 s",))


LEAVES_ONE_BEHIND = """
import os, time
if os.fork() == 0:
    {}
    time.sleep(60)
"""


@pytest.mark.parametrize("first", [pytest.param("pass", marks=pytest.mark.long), "os.setsid()"])
def test_what_a_script_leaves_running_is_not_waited_for(scorer, tmp_path, first):
    path = printed(LEAVES_ONE_BEHIND.format(first), "momentum_cosine.py", tmp_path)
    begun = time.monotonic()
    assert judge_script(path, None, scorer).outcome == "kept"
    assert time.monotonic() - begun < 40


ENDLESS = """
import os, pathlib, time
child = os.fork()
if child:
    pathlib.Path({where!r}).write_text(f"{{os.getpid()}} {{child}}.")
time.sleep(1000)
"""


def test_a_script_ends_with_a_judge_that_was_killed(tmp_path):
    where = tmp_path / "processes"
    (path := tmp_path / "endless.py").write_text(ENDLESS.format(where=str(where)))
    run = "import sys; from lenetlab.cli import main; main()"
    judging = subprocess.Popen([sys.executable, "-c", run, "judge", str(path), "--script"])
    try:
        wait_until(lambda: where.exists() and where.read_text().endswith("."), "a script", judging)
        processes = where.read_text().rstrip(".").split()
    finally:
        judging.kill()
        judging.wait()
    for process in processes:
        wait_for_end(int(process), "a script whose judge is gone")


def test_a_script_that_prints_without_end_is_stopped(scorer, tmp_path, monkeypatch):
    monkeypatch.setattr(attend, "MOST", 2**20)
    (path := tmp_path / "prints.py").write_text("while True: print('x' * 10**5, end='')\n")
    verdict = judge_script(path, None, scorer)
    assert verdict.problems == ("was stopped when it had printed 1 MB",)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os._exit(0)", "trains nothing by an optimizer of PyTorch's"),
        ("open('../record.json', 'w').write('{'); import os; os._exit(0)", "changed what is"),
        ("import os, shutil; shutil.rmtree(os.getcwd())", "trains nothing by an optimizer"),
    ],
)
def test_a_script_that_meddles_gets_a_sentence(scorer, tmp_path, code, said):
    (path := tmp_path / "meddles.py").write_text(code + "\n")
    verdict = judge_script(path, None, scorer)
    assert (verdict.score, len(verdict.problems)) == (None, 1)
    assert said in verdict.problems[0]


def test_a_notebook_may_display(scorer, tmp_path):
    cells = [{"cell_type": "code", "source": ["display(1 + 1)\n", "print(undefined)"]}]
    (path := tmp_path / "WORK.IPYNB").write_text(json.dumps({"cells": cells}))
    assert "cell 1, line 2: NameError" in judge_script(path, None, scorer).problems[0]


def test_no_code_is_run_unless_it_is_asked_for(scorer, tmp_path):
    (path := tmp_path / "writes.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    verdict = judge(path, None, scorer)
    assert verdict.outcome == "unreadable"
    assert "--script runs scripts" in verdict.problems[0]
    assert not (tmp_path / "ran").exists()


def test_scripts_in_a_folder_are_passed_over_unless_they_are_asked_for(tmp_path):
    for name in ("net.pt", "work.py", "work.ipynb", "notes.txt"):
        (tmp_path / name).touch()
    assert [p.name for p in submissions([tmp_path])[0]] == ["net.pt"]
    found, passed = submissions([tmp_path], SCRIPTS)
    assert [p.name for p in found] == ["net.pt", "work.ipynb", "work.py"]
    assert [p.name for p in passed] == ["notes.txt"]
