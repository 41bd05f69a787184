"""Hostile input, a line each: a command, its exit status, what it says. Never a traceback.

A line is called in this process, or, where streams and environment matter, as a process by the
shell. `$RUNS` is a folder with a finished run in it, `$LONG` a name of 300 characters. What
`before` says is done first, by the shell, in the empty folder that the command is then called in.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import LENETLAB

LONG, LONGER = "x" * 300, "x" * 5000
MINUSES, DIGITS = "-" * 1000, "9" * 400


@dataclass(frozen=True)
class Case:
    """A line of the table. `said` is on stderr, or on stdout where that is empty."""

    command: str
    status: int
    said: str
    before: str = "true"


HERE = [
    # settings
    Case("run sgd --set lr={[]}", 2, "lr={[]} is not a number"),
    Case(f"run sgd --set lr={MINUSES}1", 2, "has 1,001 characters"),
    Case(f"run sgd --set lr={DIGITS}", 2, "lr=inf is out of range"),
    Case("run sgd --set lr=1_0", 2, "lr=1_0 is not a number"),
    Case("run sgd --lr 0.01,0.1", 2, "several values; --vary lr=0.01,0.1 compares them"),
    Case("run sgd --initialisation ortogonal", 2, "did you mean 'orthogonal'"),
    Case("run sgd --initialisation lsuv:examples=1", 2, "examples=1 is out of range"),
    Case("run sgd --initialisation scaled:fc=-1", 2, "fc=-1 is out of range"),
    Case("run sgd --set initialisation.gain=2", 2, "setting of initialisation starter: 'gain'"),
    Case("run sgd --set lr=²", 2, "lr=² is not a number"),
    Case("run sgd --set lr=((((", 2, "lr=(((( is not a number"),
    Case("run sgd --set plan=5", 2, "plan=5 is not allowed; expected a word"),
    Case("run sgd --set schedule=true", 2, "schedule=True is not allowed"),
    Case("run sgd --set epochs=x", 2, "epochs=x is not a number"),
    Case("run sgd --vary scenario=1,2", 2, "scenario=1 is not allowed"),
    Case("run sgd --vary lr=1 --vary lr=2", 2, "'lr' was already given"),
    Case(f"run {LONGER}", 2, "unknown method 'xxx"),
    Case("run 'sgd[/x]'", 2, "unknown method 'sgd[/x]'"),
    Case("run :soap:", 2, "lenetlab: "),
    # counts
    Case("run sgd --seeds 100000000", 2, "100,000,000 runs"),
    Case(f"run sgd --seeds {DIGITS}", 2, "out of range"),
    Case("run sgd --seed 9223372036854775807 --seeds 2", 2, "seed 9223372036854775807 is out"),
    Case("run sgd --epochs 1e18", 2, "epochs=1e+18 is out of range; expected at most 1,000,000"),
    Case("tune sgd --trials 100000000", 2, "100,000,001 runs"),
    Case("tune sgd --trials -1", 2, "expected 0 or more"),
    Case("tune sgd --confirm 1", 2, "a confirmation of 1 pass is shorter than the trials"),
    Case("tune sgd --confirm nan", 2, "passes=nan is out of range"),
    Case("tune sgd --passes 1e300", 2, "passes=1e+300 is out of range"),
    Case("tune sgd --workers 100000000", 2, "expected 1 to 1,000"),
    Case("baseline --seeds 0", 2, "seeds=0 is out of range"),
    Case("baseline --seeds -5", 2, "seeds=-5 is out of range"),
    Case("baseline --seeds 100000000 --epochs 1e18", 2, "this comes to 100,000,000 runs"),
    # paths
    Case("report $RUNS --to ''", 2, "it is no file); name a file"),
    Case("report $RUNS --format md --to ''", 2, "it is no file); name a file"),
    Case("report $RUNS --to $LONG.html", 2, "File name too long"),
    Case(f"report $RUNS --to {LONGER}.html", 2, "File name too long"),
    Case("report $RUNS --to device", 2, "it is no file", "ln -s /dev/null device"),
    Case("report $RUNS --format md --to device", 2, "it is no file", "ln -s /dev/null device"),
    Case("report $LONG", 2, "File name too long"),
    Case("report loop", 2, "lenetlab: loop", "ln -s loop loop"),
    Case("compare loop", 2, "lenetlab: loop", "ln -s loop loop"),
    Case("watch loop", 2, "loop holds no study", "ln -s loop loop"),
    Case("export loop", 2, "Too many levels", "ln -s loop loop"),
    Case("inspect loop", 2, "Too many levels", "ln -s loop loop"),
    Case("inspect $LONG", 2, "File name too long"),
    Case("inspect x --figure ''", 2, "it is no file); name a file"),
    Case("inspect x --figure device.svg", 2, "it is no file", "ln -s /dev/null device.svg"),
    Case("convergence --to file/there", 2, "cannot write file/there", "touch file"),
    Case("convergence --seeds 101", 2, "--seeds 101 is out of range; expected 1 to 100"),
    Case("shrink loop", 2, "Too many levels", "ln -s loop loop"),
    Case("study loop", 2, "there is no such file", "ln -s loop loop"),
    Case("run sgd --data loop", 2, "loop is not a folder", "ln -s loop loop"),
    Case("study pipe", 2, "it is no regular file", "mkfifo pipe"),
    Case("run pipe.py:X", 2, "pipe.py is no regular file", "mkfifo pipe.py"),
    Case("study /dev/zero", 2, "it is no regular file"),
    Case("study /proc", 2, "it is no regular file"),
    Case("study empty.toml", 2, "methods is missing", "touch empty.toml"),
    Case("study big.toml", 2, "has 2,097,152 bytes", "truncate -s 2M big.toml"),
    Case("study latin.toml", 2, "no text in UTF-8", r"printf '\351' > latin.toml"),
    Case("compare /proc", 2, "/proc has no results"),
    Case("watch /proc/self", 2, "holds no study"),
    Case("run sgd --epochs 0.01 --out /proc/x", 2, "cannot write /proc/x"),
    Case("run sgd --epochs 0.01 --out file", 2, "Not a directory", "touch file"),
    Case("export $RUNS/sgd --to ''", 2, "it is no file"),
    Case("export $RUNS/sgd --to device", 2, "it is no file", "ln -s /dev/null device"),
    Case("export $RUNS/sgd --to '[/x]:soap:.pt'", 0, "[/x]:soap:.pt", "mkdir '['"),
    Case("report '[/x]:soap:' --to '[/b].html'", 0, "[/b].html",
         "mkdir '['; cp -r $RUNS '[/x]:soap:'"),
    Case("run sgd adamw --epochs 0.001 --figure ''", 2, "cannot write ."),
    Case("run sgd adamw --epochs 0.001 --figure /dev/null", 2, "cannot write /dev/null"),
    # a run without a step
    Case("run sgd --passes 1e-300", 1, "error, no step fits into 1e-300 passes"),
    Case("run sgd --passes 1e-300 --seeds 2", 1, "error, no step fits into 1e-300 passes"),
    Case("run sgd --epochs 1e-9", 1, "no step fits into 1e-09 epochs"),
    Case("run full_batch --passes 0.5", 1, "no step fits into 0.5 passes: the first costs 1;"),
    Case("baseline --epochs 1e-300", 1, "no step fits into 1e-300 epochs; give it a larger budget"),
]  # fmt: skip

# Files of a run, or of results, that say something else.
BROKEN = ["", "{", "null", "5", "[]", "{}", '{"format": 1}', '{"a": NaN}', "[" * 100_000,
          '{"format": 1, "id": 5}', "9" * 5000]  # fmt: skip
READERS = ["compare {}", "report {}", "report {} --format md", "shrink {}/sgd"]
FILES = ["run.json", "result.json", "curve.json", "machine.json"]

STUDIES = {
    "plan = 5": "unknown key 'plan'",
    "[settings]\nplan = 5": "plan=5 is not allowed",
    "[method]\nsgd = 5": "method.sgd is no table",
    "[scenario]\nplain = 5": "scenario.plain is no table",
    "method = 5": "method is no table",
    "[method.sgd]\nscenarios = 5": "method.sgd.scenarios is no list",
    "[method.sgd]\nsettings = 5": "method.sgd.settings is no table",
    "[method.sgd]\nspace = 5": "method.sgd.space is no table",
    "[tune]\n[method.sgd.space]\nlr = { pick = 5 }": "space.lr",
    "[tune]\n[method.sgd.space]\nlr = [-inf, inf]": "space.lr",
    "passes = 1e300": "passes = 1e+300: expected a number above 0, at most 1,000,000",
    "seeds = 100000000": "this comes to 100,000,000 runs",
    f"seeds = {DIGITS}": "seeds = 999",
    f"passes = {'9' * 5000}": "is no TOML",
    "[tune]\ntrials = 100000000": "this comes to 100,000,011 runs",
    "[tune]\npasses = 1e300": "tune.passes = 1e+300",
    "[tune]\nconfirm = 0": "tune.confirm = 0: expected a whole number above 0",
    "[tune]\npasses = 20\nconfirm = 3": "trials have 20 passes, which cannot be confirmed",
    "seeds = 1001\n[tune]\nconfirm = 3": "at most 1,000 seeds in each of its stages",
    "[tune]\nconfirm = 100000000": "this comes to 200,000,023 runs",
    "[tune]\n[leader]": "[leader] is about the methods that are best when confirmed",
    "[luck]\nbest = 3": "[luck] is about the methods that are best when confirmed",
    "[tune]\nconfirm = 3\n[leader]\nbests = 3": "unknown key 'leader.bests'; known: best, seeds",
    "leader = 5": "leader is no table",
    "[vary]\nseed = [1, 2]": "seed is no setting here",
    "[vary]\npasses = [1, 2]": "passes is no setting here",
    "[vary]\nlr = [[1, [2]]]": "lr=(1, [2]) is not a number",
    "[settings]\nlr = 1979-05-27": "is not a number",
    f"[settings]\nlr = {DIGITS}": "is out of range",
    "[settings]\nweight_decay = {}": "weight_decay={} is not a number",
    "title = 5": "title = 5: expected text",
    "a = " + "[" * 10_000: "is no TOML",
    " " * 900_000 + "x": "is no TOML",
}

SHELL = [
    Case("lenetlab methods > /dev/full", 1, ""),
    Case("lenetlab --help > /dev/full", 1, ""),
    Case("lenetlab methods >&-", 1, ""),
    Case("lenetlab run adamv 2>&-", 2, ""),
    Case("lenetlab methods --json > /dev/full", 1, ""),
    Case("lenetlab run adamv", 2, "did you mean 'adam", "true"),
    Case("PYTHONIOENCODING=ascii lenetlab methods adamw", 0, "beta1"),
    Case("PYTHONIOENCODING=latin-1 lenetlab methods", 0, "AdamW"),
    Case("PYTHONIOENCODING=ascii lenetlab report 'x é'", 2, r"x \xe9"),
    Case("PYTHONIOENCODING=ascii lenetlab run sgd --passes 0.01 --seeds 2", 0, "sd over"),
    Case("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 lenetlab study ä.toml --plan", 0, "results",
         "printf 'title = \"é\"\\nmethods = [\"sgd\"]\\nscenarios = [\"plain\"]' > ä.toml"),
    Case("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 lenetlab report $RUNS --format md", 0, ".md"),
    Case("PYTHONOPTIMIZE=2 lenetlab methods", 2, "python -OO leaves out docstrings"),
    Case("MPLBACKEND=bogus lenetlab run sgd --epochs 0.01 --seeds 2", 0, "figure"),
    Case("CXX='\"' lenetlab run sgd --epochs 0.01 --engine native", 2, 'CXX=" is no command'),
    Case("LENETLAB_CACHE='~nobody-is-called-so' lenetlab run sgd --epochs 0.01", 2,
         "is the folder of no known user"),
    Case("env -u HOME lenetlab run sgd --epochs 0.01", 0, "accuracy"),
    Case("ulimit -v 300000; lenetlab run sgd --epochs 0.01", 2, "there is not enough memory"),
    Case("ulimit -v 600000; lenetlab run sgd --epochs 0.01", 2, "there is not enough memory"),
]  # fmt: skip
QUICK = 4  # of the shell's; the others load PyTorch again


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run, called sgd."""
    from lenetlab import Runtime, run

    folder = tmp_path_factory.mktemp("finished")
    found = run("sgd", lr=0.1, epochs=0.02, runtime=Runtime(out=folder))
    found.path.rename(folder / "sgd")
    return folder


def name(case: Case) -> str:
    return case.command.replace(LONGER, "LONGER").replace(MINUSES, "MINUSES").replace(DIGITS, "999")


@pytest.fixture
def own_runs(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `runs` to be spoilt, beside the folder that the command is called in."""
    copy = tmp_path / "finished"
    shutil.copytree(runs, copy)
    monkeypatch.setenv("RUNS", str(copy))
    monkeypatch.setenv("LONG", LONG)
    return copy


@pytest.mark.parametrize("case", HERE, ids=name)
def test_a_command_ends_as_the_table_says(lenetlab, own_runs, case):
    subprocess.run(["bash", "-c", case.before], check=True)
    answer = lenetlab(os.path.expandvars(case.command))
    assert answer.status == case.status
    assert case.said in answer.err + answer.out
    if case.status == 2:
        assert answer.err.startswith("lenetlab: ")
        assert answer.out == ""


@pytest.mark.parametrize("content", BROKEN, ids=lambda text: text[:12])
@pytest.mark.parametrize("file", FILES)
def test_a_broken_file_of_a_run_is_named(lenetlab, own_runs, file, content):
    for command in READERS:
        (own_runs / "sgd" / file).write_text(content)
        answer = lenetlab(command.format(own_runs))
        assert answer.status == 2
        assert answer.err.startswith(f"lenetlab: {own_runs}")


@pytest.mark.parametrize("file", FILES)
def test_a_pipe_in_a_run_is_not_waited_for(lenetlab, own_runs, file):
    (own_runs / "sgd" / file).unlink()
    os.mkfifo(own_runs / "sgd" / file)
    for command in READERS:
        answer = lenetlab(command.format(own_runs))
        assert answer.status == 2
        assert "no regular file" in answer.err


OF_REPORTS = ("baseline.json", "methods.json", "leaders.json")  # the other commands read no such
NOTHING = {("plain/sgd.jsonl", ""), ("baseline.json", "{}"), ("methods.json", "{}"),
           ("leaders.json", "[]")}  # fmt: skip


@pytest.mark.parametrize("content", BROKEN, ids=lambda text: text[:12])
@pytest.mark.parametrize("file", ["study.json", "plain/sgd.jsonl", *OF_REPORTS])
def test_a_broken_file_of_results_is_named(lenetlab, tmp_path, file, content):
    from lenetlab.records.cells import Cell, Results
    from lenetlab.records.contest import CellKey
    from lenetlab.records.rows import write_results

    folder = tmp_path / "results"
    place = CellKey("sgd", "basic", "plain")
    write_results(folder, Results("r", "R", 0, 0.0, 1, 1.0, (Cell(place),)))
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(content)
    for command in ("compare {}", "report {}", "watch {}"):
        answer = lenetlab(command.format(folder))
        passed = (file, content) in NOTHING or (file in OF_REPORTS and "report" not in command)
        assert answer.status == (0 if passed else 2), command
        assert passed or answer.err.startswith(f"lenetlab: {folder}")


@pytest.mark.parametrize("text", STUDIES, ids=lambda text: text[:40].strip())
def test_a_mistake_in_a_study_file_is_told(lenetlab, tmp_path, text):
    head = 'methods = ["sgd"]\nscenarios = ["plain"]\n'
    (tmp_path / "s.toml").write_text(head + text)
    answer = lenetlab("study s.toml --plan")
    assert answer.status == 2
    assert answer.err.startswith("lenetlab: s.toml ")
    assert STUDIES[text] in answer.err


SHELLS = [
    pytest.param(case, id=case.command, marks=() if k < QUICK else pytest.mark.long)
    for k, case in enumerate(SHELL)
]


@pytest.mark.parametrize("case", SHELLS)
def test_a_process_ends_as_the_table_says(own_runs, tmp_path, case):
    path = f"{Path(LENETLAB).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(["bash", "-c", f"{case.before}; {case.command}"], cwd=tmp_path,
                          env=environment, capture_output=True, timeout=300)  # fmt: skip
    out, err = done.stdout.decode("latin-1"), done.stderr.decode("latin-1")
    assert done.returncode == case.status, err
    assert case.said in out + err
    assert "Traceback" not in err
    assert "Exception ignored" not in err
