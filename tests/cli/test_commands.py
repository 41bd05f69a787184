"""`--help`, `data`, `methods`, `baseline`: what they print, and that help needs no torch."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from statistics import fmean, stdev

import pytest

from lenetlab.cli.app import COMMANDS as LISTED
from lenetlab.cli.app import load
from lenetlab.cli.shared import completion
from lenetlab.cli.shared.extras import EXTRAS
from lenetlab.methods.constraint import constraints
from lenetlab.methods.registry import methods
from lenetlab.methods.wrappers import wrappers
from lenetlab.records.rows import write_results
from tests.studies import made_up

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "data", "baseline", "methods", "run", "compare", "demo", "judge", "export", "shrink", "watch",
    "study", "report", "tune", "challenge",
)  # fmt: skip


def without(words, *modules):
    """What `lenetlab` prints, if it imports none of the modules."""
    program = (
        f"import sys; sys.argv = ['lenetlab', *{words.split()}]\n"
        "from lenetlab.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"sys.exit(any(name in sys.modules for name in {modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0
    return done.stdout


def test_help_needs_no_torch():
    listed = without("--help", "torch", "numpy")
    for command in COMMANDS:
        assert command in listed


def test_a_run_loads_no_statistics_and_no_charts(tmp_path):
    said = without(f"run sgd --epochs 0.01 --json --out {tmp_path}", "scipy", "altair", "jinja2")
    assert '"status": "done"' in said


def test_first_steps_are_commands_and_need_no_torch():
    lines = without("", "torch", "numpy").splitlines()
    assert len(lines) == 5
    assert all(line.split()[1] in (*LISTED, "--help") for line in lines)


def test_the_version_is_the_projects():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert without("--version", "torch", "numpy") == f"lenetlab {project['version']}\n"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("lenetlab stu", "study"),
        ("lenetlab run --sched", "--schedule"),
        ("lenetlab run adamw --lr 0.1 --spl", "--split"),  # --lr is no option of the command
        ("lenetlab run so", "soap sophia"),
        ("lenetlab run ema+lookahead+mu", "ema+lookahead+multibatch_lbfgs ema+lookahead+muon "
                                          "ema+lookahead+muon_hyperball"),
        ("lenetlab run sgd --scenario sparse --constraint mag", "magnitude"),
        ("lenetlab methods rig", "rigl"),
        ("lenetlab tune soa", "soap"),
        ("lenetlab challenge soa", "soap"),
    ],
)  # fmt: skip
def test_a_shell_completes_without_torch(typed, completed):
    asked = {"_LENETLAB_COMPLETE": "complete_bash", "COMP_WORDS": typed,
             "COMP_CWORD": str(len(typed.split()) - 1)}  # fmt: skip
    program = (
        "import sys; sys.argv = ['lenetlab']; sys.modules['torch'] = None\n"
        "from lenetlab.cli import main; main()"
    )
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, env=os.environ | asked)
    assert done.stdout.split() == completed.split()


def test_a_lone_wrapper_is_completed_by_all_that_can_follow():
    inside = completion.spec("ema+loo")
    assert inside == [f"ema+{name}" for name in completion.spec("lookahead+")]
    assert {"ema+lookahead+soap", "ema+lookahead+sam+"} < set(inside)


def test_a_shell_knows_every_name_that_is_registered():
    assert completion.registered("method") == sorted(
        name for name, entry in methods().items() if not entry.package
    )
    assert completion.registered("wrapper") == sorted(wrappers())
    assert completion.registered("constraint") == sorted(constraints())


@pytest.mark.parametrize("command", ["run", "compare", "report", "watch", "inspect", "convergence"])
def test_help_of_a_command_needs_no_torch(command):
    assert f"lenetlab {command}" in without(f"{command} --help", "torch", "matplotlib")


def test_python_draws_nothing_before_it_is_asked_to():
    program = "import sys, lenetlab; lenetlab.run; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    ("words", "package", "extra"),
    [
        ("report results", "altair", "report"),
        ("inspect last", "altair", "report"),
        ("run sgd --inspect", "altair", "report"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_its_extra(tmp_path, words, package, extra):
    write_results(tmp_path / "results", made_up(("sgd",), ("plain",), 1, 0))
    program = (
        f"import sys; sys.argv = ['lenetlab', *{words.split()}]; sys.modules[{package!r}] = None\n"
        "from lenetlab.cli import main; main()"
    )
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    said = f"lenetlab: this needs {package}; install it with: pip install 'lenetlab[{extra}]'\n"
    assert done.stderr == said


def test_every_extra_is_one_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS.values()) <= set(project["optional-dependencies"])


@pytest.mark.parametrize("command", LISTED)
def test_a_command_is_listed_with_the_first_line_of_its_help(command):
    assert " ".join(load(command).help.split("\n\n")[0].split()) == LISTED[command]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(lenetlab, command):
    answer = lenetlab(f"{command} --help")
    assert answer.status == 0
    assert "Usage: lenetlab " + command in answer.out


@pytest.mark.parametrize(
    "command", ["baseline", "data", "methods", "run", "compare", "judge", "export"]
)
def test_help_shows_examples(lenetlab, command):
    assert f"lenetlab {command}" in lenetlab(f"{command} --help").out.split("Options")[0][30:]


def test_data_counts_what_is_there(lenetlab):
    found = json.loads(lenetlab("data --json").out)
    assert found["train"]["images"] == 60_000
    assert found["train"]["per_class"] == [6000] * 10
    assert found["test"]["per_class"] == [1000] * 10
    answer = lenetlab("data")
    assert "60,000 images" in answer.out
    assert found["train"]["folder"] in answer.out


def test_methods_are_listed_by_family(lenetlab):
    entries = json.loads(lenetlab("methods --json").out)
    assert [entry["name"] for entry in entries] == list(methods())
    for entry in entries:
        assert entry.keys() >= {"name", "family", "reference", "defaults"}
    listed = lenetlab("methods").out
    for entry in entries:
        assert f"  {entry['name']} " in listed
        assert entry["summary"] in listed


def test_a_method_has_a_page_with_its_defaults(lenetlab):
    page = lenetlab("methods adamw").out
    assert "Loshchilov" in page
    assert "weight_decay" in page
    assert json.loads(lenetlab("methods adamw --json").out)["defaults"]["weight_decay"] == 0


def test_luck_is_shown_over_seeds(lenetlab):
    answer = lenetlab("baseline --seeds 2 --epochs 0.02 --json")
    found = json.loads(answer.out)
    assert [run["seed"] for run in found["runs"]] == [42, 43]
    accuracies = [run["accuracy"] for run in found["runs"]]
    figures = found["table"][0]["figures"]["accuracy"]
    assert figures["n"] == 2
    assert figures["mean"] == pytest.approx(fmean(accuracies))
    assert figures["deviation"] == pytest.approx(stdev(accuracies))


@pytest.mark.long
def test_a_net_of_few_units_is_shrunk_and_compared(lenetlab):
    made = lenetlab(
        "run sgd --epochs 0.05 --scenario frontier --constraint units:keep=0.1 --split inner --json"
    )
    assert made.status == 0
    found = json.loads(made.out)
    assert found["nonzeros"] <= 4_080
    answer = lenetlab(f"shrink {found['run_dir']} --json")
    assert answer.status == 0
    result = json.loads(answer.out)
    a, b = result["units"]
    assert 256 * a + a * b <= 4_080
    assert result["parameters"] == [44_426, 156 + 2416 + 257 * a + (a + 1) * b + 10 * (b + 1)]
    assert result["difference"] < 1e-5 * max(result["scale"], 1)
    assert Path(result["file"]).exists()
    assert "parameters       44,426 → " in lenetlab(f"shrink {found['run_dir']}").out


def test_augmentation_is_run_and_named(lenetlab):
    answer = lenetlab("run sgd --epochs 0.01 --rules open --augment flip+shift:pixels=1 --json")
    recipe = json.loads(answer.out)["recipe"]
    assert recipe["augmentation"] == [["flip", {}], ["shift", {"pixels": 1}]]
    assert recipe["rules"] == "open"
