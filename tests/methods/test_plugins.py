"""Methods that an installed package brings: real packages, built and installed, in real processes.

Each lies in a folder of its own with the metadata that an installer writes; a process has the
folder on its path.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SIGNS = '''"""Signs: every weight moves by the same length, against its gradient's sign.

    w ← w − η sign(g)

Source: nobody. Cost: one gradient a step; no memory.
"""

from lenetlab.methods import Base, log_uniform, method


@method(
    "signs",
    family="momentum",
    reference="nobody",
    defaults={"lr": 0.001},
    space={"lr": log_uniform(0.0001, 0.01)},
    cost="1 gradient a step",
)
class Signs(Base):
    def step(self, oracle):
        loss = oracle()
        self.w.sub_(self.g.sign(), alpha=self.group["lr"])
        return loss
'''
# Each folder on the path of a process of its own, which begins before any method is registered.
IDS = """
import os, sys, torch
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.data import load
engine = TorchEngine(load("train").take(0, 100), torch.device("cpu"))
assert not any(name.startswith("lenetlab.methods") for name in sys.modules)
for folder in sys.argv[1:]:
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
        continue
    sys.path.insert(0, folder)
    from lenetlab.experiments.recipe.recipe import make_recipe
    from lenetlab.experiments.run.identity import identify, numerics_of
    for spec in ("signs", "sgd"):
        recipe = make_recipe(spec)
        found = identify(recipe, 0, "data", numerics_of(recipe, engine, torch.device("cpu")))
        print(found["id"], found["numerics"].get("plug_ins"), flush=True)
    os._exit(0)
"""


def install(into: Path, name: str, version: str, **modules: str) -> Path:
    """A folder with an installed distribution that names its first module as a plug-in."""
    (first, *_), info = modules, into / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    for module, text in modules.items():
        (into / f"{module}.py").write_text(text)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[lenetlab.methods]\n{first} = {first}\n")
    files = [f"{module}.py" for module in modules] + [
        f"{info.name}/{f.name}" for f in info.iterdir()
    ]
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    return into


def python(*words: str, path: list[Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    here = os.environ.get("PYTHONPATH", "")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, path), here])}
    return subprocess.run(
        [sys.executable, *words], env=env, cwd=cwd, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def lenetlab(*words: str, path: list[Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    return python("-c", "from lenetlab.cli import main; main()", *words, path=path, cwd=cwd)


def identities(paths: list[Path], cwd: Path) -> list[tuple[str, str]]:
    """With each folder installed: of a run of the plug-in's method, and of one of ours."""
    found = python("-c", IDS, *map(str, paths), path=[], cwd=cwd)
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    return list(zip(lines[::2], lines[1::2], strict=True))


@pytest.mark.long
def test_its_methods_are_listed_run_and_named_in_a_study(tmp_path):
    path = [install(tmp_path / "there", "lenetlab-signs", "1.0", signs_plugin=SIGNS)]
    listed = lenetlab("methods", "--json", path=path, cwd=tmp_path)
    assert "signs" in [entry["name"] for entry in json.loads(listed.stdout)]
    page = lenetlab("methods", "signs", path=path, cwd=tmp_path)
    assert page.returncode == 0, page.stderr
    assert "sign(g)" in page.stdout
    ran = lenetlab("run", "ema+signs", "--lr", "0.002", "--passes", "0.01", "--split", "inner",
                   "--out", "runs", "--json", path=path, cwd=tmp_path)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (record,) = [json.loads(file.read_text()) for file in (tmp_path / "runs").rglob("run.json")]
    its = record["numerics"]["plug_ins"]["signs"]
    assert its["package"] == "lenetlab-signs 1.0"
    assert len(its["source_sha256"]) == 64
    (tmp_path / "one.toml").write_text(
        'scenarios = ["plain"]\nmethods = ["signs"]\npasses = 0.01\nseeds = 1\n'
    )
    read = "from lenetlab.experiments.study.study_file import read_study; from pathlib import Path;"
    study = python("-c", f"{read} print(read_study(Path('one.toml'))[0].cells[0].place.method)",
                   path=path, cwd=tmp_path)  # fmt: skip
    assert study.stdout.strip() == "signs", study.stderr


def test_a_worker_finds_it_too(tmp_path):
    """Tuning trains in processes of its own."""
    path = [install(tmp_path / "there", "lenetlab-signs", "1.0", signs_plugin=SIGNS)]
    ran = lenetlab("tune", "signs", "--passes", "0.01", "--trials", "1", "--limit", "100",
                   path=path, cwd=tmp_path)  # fmt: skip
    assert ran.returncode == 0, ran.stderr


@pytest.mark.long
def test_they_are_residents_in_a_study_a_comparison_and_a_challenge(tmp_path):
    """Computed by two worker processes, tuned, inside a wrapper; read again by every command."""
    path = [install(tmp_path / "there", "lenetlab-signs", "1.0", signs_plugin=SIGNS)]

    def call(*words: str) -> str:
        done = lenetlab(*words, path=path, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "one.toml").write_text(
        'scenarios = ["plain", "l2"]\nmethods = ["signs", "ema+signs", "sgd"]\npasses = 0.05\n'
        "seeds = 2\n[tune]\ntrials = 1\npasses = 0.02\n"
    )
    call("study", "one.toml", "--workers", "2", "--results", "found")
    compared = json.loads(call("compare", "found", "--json"))
    assert {"signs", "ema+signs"} <= set(re.findall(r"[a-z+]+", json.dumps(compared)))
    verdict = json.loads(call("challenge", "signs", "--study", "found", "--workers", "1", "--json"))
    assert "signs" in json.dumps(verdict)
    call("run", "signs", "--tuned", "--passes", "0.02", "--limit", "90")
    call("report", "found", "--format", "md")
    assert "| momentum | `signs` |" in (tmp_path / "one.md").read_text()


def test_name_version_and_every_file_of_the_package_are_in_a_runs_identity(tmp_path):
    halves = {"signs_plugin": "import signs_core\n", "signs_core": SIGNS}
    variants = {
        "first": ("lenetlab-signs", "1.0", halves),
        "again": ("lenetlab-signs", "1.0", halves),
        "version": ("lenetlab-signs", "1.1", halves),
        "name": ("other-signs", "1.0", halves),
        "source": ("lenetlab-signs", "1.0", halves | {"signs_core": SIGNS + "# changed\n"}),
    }
    paths = [install(tmp_path / key, name, version, **modules)
             for key, (name, version, modules) in variants.items()]  # fmt: skip
    found = dict(zip(variants, identities(paths, tmp_path), strict=True))
    signs = {key: its for key, (its, _) in found.items()}
    sgd = {other for _, other in found.values()}
    assert signs["again"] == signs["first"]
    assert len(set(signs.values())) == 4
    (other,) = sgd  # a plug-in is nothing to other methods
    assert other.endswith(" None")


def test_broken_ones_are_a_sentence_each_and_stop_no_other(tmp_path):
    wrong = {
        "absent": ("import no_such_module_at_all\n", "ModuleNotFoundError: No module named"),
        "ending": (SIGNS + "raise SystemExit(3)\n", "SystemExit: 3"),
        "twice": (SIGNS.replace('"signs"', '"sgd"'), "method 'sgd' is registered twice"),
    }
    path = [
        install(tmp_path / name, f"lenetlab-{name}", "0.1", **{f"{name}_plugin": text})
        for name, (text, _) in wrong.items()
    ]
    path.append(install(tmp_path / "good", "zz-signs", "1.0", good_plugin=SIGNS))
    listed = lenetlab("methods", "--json", path=path, cwd=tmp_path)
    assert listed.returncode == 0
    names = [entry["name"] for entry in json.loads(listed.stdout)]
    assert {"sgd", "signs"} <= set(names)
    said = sorted(listed.stderr.strip().splitlines())
    for line, (name, (_, why)) in zip(said, sorted(wrong.items()), strict=True):
        begin = f"lenetlab: the installed package lenetlab-{name} 0.1 brings no methods"
        assert line.startswith(begin)
        assert why in line


def test_it_says_that_it_is_typed():
    assert (Path(__file__).parents[2] / "lenetlab" / "py.typed").is_file()


def test_the_short_ways_lead_there_and_importing_costs_no_torch(tmp_path):
    said = python(
        "-c",
        "import lenetlab, sys; print('torch' in sys.modules);"
        "from lenetlab import Oracle, Runtime, run, sweep;"
        "from lenetlab.methods import Base, method, log_uniform, uniform;"
        "print(Oracle.__name__, Runtime.__name__, run.__name__, sweep.__name__, Base.__name__)",
        path=[], cwd=tmp_path,
    )  # fmt: skip
    assert said.stdout.split() == ["False", "Oracle", "Runtime", "run", "sweep", "Base"], (
        said.stderr
    )
