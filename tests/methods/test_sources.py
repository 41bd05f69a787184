"""What an optimizer from outside is made of: every change of it is another method, and what runs
is what was read."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.on_disk import execute
from lenetlab.methods import sources
from lenetlab.methods.lookup import find
from lenetlab.oracle.torch_engine import TorchEngine

from .drive import CPU, N, training

OWN = """
import torch
from helper import scaled

class Own(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        for p in self.param_groups[0]["params"]:
            p.sub_(scaled(p.grad), alpha=self.param_groups[0]["lr"])
        return loss
"""
HELPER = "def scaled(g):\n    return FACTOR * g\n"


def write(folder: Path, files: Mapping[str, str] | None = None, **more: str) -> str:
    """Modules by name, with a slash for a dot; the optimizer's name."""
    for name, text in {**(files or {}), **more}.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return f"{folder / 'own.py'}:Own"


def helper(factor: str) -> str:
    return HELPER.replace("FACTOR", factor)


@pytest.fixture
def engine(train):
    return TorchEngine(train.take(0, N), CPU)


@pytest.fixture(autouse=True)
def _paths(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))


def moved(engine: TorchEngine, spec: str) -> bool:
    t = training(engine, spec)
    start = t.weights.w.clone()
    t.step()
    return not t.weights.w.equal(start)


def test_a_helper_in_the_files_own_folder_is_found_and_its_change_is_another_method(
    engine, tmp_path
):
    spec = write(tmp_path, own=OWN, helper=helper("1"))
    first = find(spec).source
    assert moved(engine, spec)
    write(tmp_path, helper=helper("0"))  # as long, and within the same second
    assert find(spec).source != first
    assert not moved(engine, spec)
    write(tmp_path, helper=helper("1"))
    assert find(spec).source == first
    assert moved(engine, spec)


def test_a_changed_helper_never_gives_the_old_recorded_result(runtime, tmp_path):
    """The same command, the same file; only what it imports has changed."""
    spec = write(tmp_path, own=OWN, helper=helper("1"))
    first = execute(make_recipe(spec, epochs=1), 0, runtime)
    again = execute(make_recipe(spec, epochs=1), 0, runtime)
    assert again.path == first.path  # read, not trained
    write(tmp_path, helper=helper("0"))
    changed = execute(make_recipe(spec, epochs=1), 0, runtime)
    assert changed.path != first.path
    assert changed.result.loss != first.result.loss
    write(tmp_path, helper=helper("1"))
    assert execute(make_recipe(spec, epochs=1), 0, runtime).path == first.path


def test_the_same_code_elsewhere_is_the_same_method(tmp_path):
    specs = [write(tmp_path / place, own=OWN, helper=helper("1")) for place in ("a", "b")]
    assert find(specs[0]).source == find(specs[1]).source


def test_helpers_of_one_name_in_two_folders_do_not_meet(engine, tmp_path):
    moving = write(tmp_path / "a", own=OWN, helper=helper("1"))
    resting = write(tmp_path / "b", own=OWN, helper=helper("0"))
    assert [moved(engine, spec) for spec in (moving, resting, moving)] == [True, False, True]


@pytest.mark.parametrize(
    ("own", "changed"),
    [
        ("from helper import *", "helper"),
        ("import helper as h", "helper"),
        ("def later():\n    import helper", "helper"),
        ("import importlib\nhelper = importlib.import_module('helper')", "helper"),
        ("from package import helper", "package/helper"),
        ("import package.helper", "package/__init__"),
        ("from package.deep import x", "package/helper"),  # by a relative import from there
        ("from between import x", "helper"),
        ("from loose import helper", "loose/helper"),  # a folder without __init__.py
    ],
)
def test_however_a_source_is_imported_it_counts(tmp_path, own, changed):
    files = {
        "helper": "x = 1",
        "between": "from helper import x",
        "package/__init__": "",
        "package/helper": "x = 1",
        "package/deep": "from .helper import x",
        "loose/helper": "x = 1",
    }
    text = f"import torch\n{own}\nclass Own(torch.optim.SGD):\n    pass"
    spec = write(tmp_path, files, own=text)
    first = find(spec).source
    write(tmp_path, {changed: "x = 2"})
    assert find(spec).source != first


def test_what_is_not_imported_does_not_count(tmp_path):
    spec = write(tmp_path, own=OWN, helper=helper("1"), other="x = 1")
    first = find(spec).source
    write(tmp_path, other="x = 2")
    assert find(spec).source == first


def test_a_module_on_the_path_counts_with_what_it_imports(tmp_path, monkeypatch, engine):
    package = tmp_path / "friends_package"
    write(package, own=OWN.replace("from helper", "from .helper"), helper=helper("1"), __init__="")
    monkeypatch.syspath_prepend(tmp_path)
    first = find("friends_package.own:Own").source
    assert moved(engine, "friends_package.own:Own")
    write(package, helper=helper("0"))
    assert find("friends_package.own:Own").source != first
    assert not moved(engine, "friends_package.own:Own")


def test_versions_of_imported_packages_count(tmp_path, monkeypatch):
    own = "import torch, pytorch_optimizer\nclass Own(pytorch_optimizer.Lion):\n    pass"
    specs = [write(tmp_path, own=own), "pytorch_optimizer:Lion"]
    first = [find(spec).source for spec in specs]
    true = sources.version
    monkeypatch.setattr(
        sources, "version", lambda name: "0" if name == "pytorch_optimizer" else true(name)
    )
    assert all(find(spec).source != one for spec, one in zip(specs, first, strict=True))


def test_files_of_the_user_are_told_from_installed_ones(tmp_path):
    spec = write(tmp_path, own="import json, numpy, lenetlab, helper", helper="")
    found = sources.trace({"own": Path(spec.rpartition(":")[0])}, tmp_path)
    assert set(found.files) == {"own", "helper"}
    assert found.packages == {"numpy", "lenetlab"}


def test_what_a_module_keeps_does_not_last_into_the_next_run(engine, tmp_path):
    text = OWN.replace("from helper import scaled", "import helper\nfrom helper import scaled")
    kept = "made = []\ndef scaled(g):\n    made.append(0)\n    return len(made) * g\n"
    spec = write(tmp_path, own=text, helper=kept)
    one, other = training(engine, spec), training(engine, spec)
    one.step()
    one = training(engine, spec)
    one.step(), other.step()
    assert one.weights.w.equal(other.weights.w)


def test_a_file_that_shadows_a_module_of_ours_is_not_taken_for_it(tmp_path):
    spec = write(tmp_path, own=OWN, helper=helper("1"), tabulate="", scipy="1 / 0")
    find(spec)
    folder = str(tmp_path)
    assert folder in sys.path
    assert sys.path.index(folder) == len(sys.path) - 1
