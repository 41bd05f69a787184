"""Whatever can change a bit of a run, or where it ends, is in its name.

    python -m tests.experiments.run.test_versions     records the code of all modules anew

The table beside this file has every module that a run's code comes from, a hash of its code
(without docstrings and comments) and the versions that it belongs to. When code has changed, either
a bit of some run has: raise a version; or none has. Then record the table anew.
"""

import ast
import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import json
import platform
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest
import torch

from lenetlab import component
from lenetlab.experiments.recipe import batch_plans, initialisations, schedules
from lenetlab.experiments.recipe.recipe import Recipe, make_recipe
from lenetlab.experiments.run.identity import identify, numerics_of
from lenetlab.experiments.run.versions import FIRST_PRICES, PARTS
from lenetlab.methods import constraint, registry, wrappers
from lenetlab.methods.guests import drive
from lenetlab.oracle.ledger import COST
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem import augmentation
from lenetlab.problem.problems import MNIST
from lenetlab.settings import Choice
from tests.methods.drive import CPU, N

TABLE = Path(__file__).with_name("modules.json")
RECORD = "then record it: python -m tests.experiments.run.test_versions"

# What all runs go through, by the part in `PARTS` whose version stands for it.
COVERED = {
    "problem": ("problem.data", "problem.evaluation", "problem.model", "problem.problems",
                "problem.randomness"),
    "order": ("oracle.order",),
    "oracle": (
        "oracle.ledger", "oracle.linalg", "oracle.model", "oracle.oracle", "oracle.second_order",
        "oracle.weights",
    ),
    "engine": (
        "experiments.run.runtime", "oracle.choose_engine", "oracle.engine",
        "oracle.native_engine", "oracle.torch_engine",
    ),
    "loop": (
        "experiments.run.checkpoint", "experiments.run.in_memory", "experiments.run.curve",
        "experiments.run.on_disk", "experiments.run.loop", "experiments.recipe.recipe",
        "experiments.run.build", "experiments.run.training", "experiments.run.global_generators",
        "experiments.run.process_settings", "experiments.run.unfinished",
        "experiments.run.interruption", "settings",
    ),
    "methods": (
        "component", "methods.base", "methods.constraint", "methods.decay", "methods.eager",
        "methods.installed",
        "methods.lookup", "methods.guests.load",
        "methods.registry", "methods.sparsity", "methods.state", "methods.wrappers",
        "problem.scenarios",
    ),
}  # fmt: skip
GUESTS = (  # of which drive.VERSION is in the name
    "methods.guests.copies", "methods.guests.declarations", "methods.guests.drive",
    "methods.guests.understand",
)  # fmt: skip
WITHOUT_BITS = {
    "disk": "files",
    "errors": "messages",
    "experiments.recipe.one_name": "compares; what a run is given is in its name",
    "experiments.run.stopwatch": "seconds stand apart from what is reproduced",
    "experiments.run.environment": "describes; what it describes is in the name",
    "experiments.run.identity": "makes the names",
    "experiments.run.versions": "makes the names",
    "experiments.run.folder_lock": "keeps two processes apart",
    "methods.describe": "words about methods",
    "phrases": "words of messages",
    "records.finished": "names the figures of a run that has ended",
    "methods.names": "spellings; what they mean is in the name",
    "methods.guests.errors": "messages",
    "methods.interactive": "makes the names",
    "methods.sources": "makes the names",
    "methods.stale": "refuses, or does nothing",
    "oracle.native.build": "the kernel's key has sources, compiler and flags",
    "oracle.native.prebuilt": "where the wheel's kernel lies; its key is in the name",
    "oracle.native.kept": "where the built kernel lies",
    "problem.fetch": "what it fetches is compared with a checksum",
    "problem.files": "what it reads is compared with a checksum",
    "problem.idx": "what is read by it is compared with a checksum",
    "problem.own_folder": "a digest of what it reads is in the name",
    "records.recipe": "says what was recorded",
    "records.run_folder": "files",
    "records.shapes": "checks what is read",
}


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("lenetlab")


def modules() -> list[str]:
    """What a run's code comes from: all that training imports, and all methods."""
    own = graph().find_descendants("lenetlab.methods")  # the registry imports them by name
    above = {m for top in {"lenetlab.experiments.run.on_disk", *own} for m in imported_by(top)}
    return sorted(name for name in above if code(name))


def imported_by(module: str) -> set[str]:
    return {module, *graph().find_upstream_modules(module)}


@cache
def code(module: str) -> str:
    """The module without comments and docstrings."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            first = body[0].value
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                del body[0]
    return ast.unparse(tree)


@cache
def registered() -> Mapping[str, dict[str, int]]:
    """Components with their versions, by the module they are from."""
    found: dict[str, dict[str, int]] = {}
    entries: list[Any] = [
        *registry.methods().values(), *wrappers.wrappers().values(),
        *constraint.constraints().values(), *batch_plans.plans().values(),
        *schedules.schedules().values(), *augmentation.augmentations().values(),
        *initialisations.initialisations().values(),
    ]  # fmt: skip
    for entry in entries:
        found.setdefault(inspect.getmodule(entry.build).__name__, {})[entry.name] = entry.version
    return found


def covering(module: str) -> dict[str, int]:
    """The versions that stand for the code of `module`, by what they are of."""
    name = module.removeprefix("lenetlab.")
    if name in GUESTS:
        return {"guest": drive.VERSION}
    if part := next((part for part, names in COVERED.items() if name in names), None):
        return {part: PARTS[part]}
    users = [user for user in registered() if module in imported_by(user)]
    return {key: version for user in sorted(users) for key, version in registered()[user].items()}


def table() -> dict[str, dict[str, Any]]:
    return {
        module.removeprefix("lenetlab."): {
            "code": hashlib.sha256(code(module).encode()).hexdigest()[:16],
            "versions": covering(module),
        }
        for module in modules()
        if module.removeprefix("lenetlab.") not in WITHOUT_BITS
    }


def test_every_module_of_a_run_belongs_to_a_version():
    for module, entry in table().items():
        assert entry["versions"], (
            f"{module} takes part in runs and no version stands for it: name it in COVERED, or, if "
            "no bit can depend on it, in WITHOUT_BITS with the reason"
        )


def test_the_lists_name_modules_that_there_are():
    known = {module.removeprefix("lenetlab.") for module in modules()}
    assert set(COVERED) == set(PARTS)
    assert {name for names in COVERED.values() for name in names} <= known
    assert {*GUESTS, *WITHOUT_BITS} <= known


def test_code_changes_only_with_its_version_or_after_a_look():
    recorded = json.loads(TABLE.read_text())
    if recorded["python"] != python():
        pytest.skip(f"recorded with Python {recorded['python']}, here is {python()}")
    now, before = table(), recorded["modules"]
    assert sorted(now) == sorted(before), f"modules came or went; {RECORD}"
    for module, entry in now.items():
        old = before[module]
        if entry["code"] != old["code"] and entry["versions"] == old["versions"]:
            pytest.fail(
                f"{module} has other code and no other version: if a bit of any run can have "
                f"changed, raise one of {entry['versions']}; {RECORD}"
            )
        assert entry == old, f"{module} has another version; {RECORD}"


def test_comments_and_docstrings_are_no_code():
    assert '"""' not in code("lenetlab.oracle.ledger")
    assert "# What one example costs" not in code("lenetlab.oracle.ledger")
    assert "'forwards':" in code("lenetlab.oracle.ledger")


# names of runs


@pytest.fixture(scope="module")
def engine(train) -> TorchEngine:
    return TorchEngine(train.take(0, N), CPU)


def name(recipe: Recipe, engine: TorchEngine) -> str:
    return str(identify(recipe, 0, "data", numerics_of(recipe, engine, CPU))["id"])


def test_prices_are_in_the_name(engine, monkeypatch):
    """A run of armijo ends after other steps where a forward pass costs more."""
    armijo = make_recipe("armijo", passes=0.2)
    for kind, price in FIRST_PRICES.items():
        monkeypatch.setitem(COST, kind, price)
    before = name(armijo, engine)
    assert "prices" not in numerics_of(armijo, engine, CPU)
    monkeypatch.setitem(COST, "forwards", 0.6)
    assert numerics_of(armijo, engine, CPU)["prices"] == {"forwards": 0.6}
    assert name(armijo, engine) != before
    monkeypatch.setitem(COST, "forwards", FIRST_PRICES["forwards"])
    assert name(armijo, engine) == before


def test_switches_of_the_process_are_in_the_name(engine):
    recipe = make_recipe("sgd")
    before = name(recipe, engine)
    torch.set_float32_matmul_precision("medium")
    try:
        assert name(recipe, engine) != before
    finally:
        torch.set_float32_matmul_precision("highest")


FULL = make_recipe(
    "ema+svrg+sgd", {"weight_decay": 1e-3}, plan="geometric", schedule="cosine", rules="open",
    scenario="sparse+l2", constraint="rigl", augment="flip", initialisation="orthogonal",
)  # fmt: skip


def raised(registered: dict[str, Any], key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = registered[key]
    found = dataclasses.replace(entry, version=entry.version + 1)
    monkeypatch.setitem(component._registered, (type(entry), key), found)


VERSIONED = {
    "method": lambda m: raised(registry.methods(), "sgd", m),
    "average": lambda m: raised(wrappers.wrappers(), "ema", m),
    "estimator": lambda m: raised(wrappers.wrappers(), "svrg", m),
    "constraint": lambda m: raised(constraint.constraints(), "rigl", m),
    "plan": lambda m: raised(batch_plans.plans(), "geometric", m),
    "schedule": lambda m: raised(schedules.schedules(), "cosine", m),
    "augmentation": lambda m: raised(augmentation.augmentations(), "flip", m),
    "initialisation": lambda m: raised(initialisations.initialisations(), "orthogonal", m),
    **{part: lambda m, part=part: m.setitem(PARTS, part, 2) for part in PARTS},
}


@pytest.mark.parametrize("part", VERSIONED)
def test_a_raised_version_is_another_name_where_the_part_takes_part(part, engine, monkeypatch):
    other = make_recipe("adamw")
    before, others = name(FULL, engine), name(other, engine)
    VERSIONED[part](monkeypatch)
    assert name(FULL, engine) != before
    assert (name(other, engine) == others) == (part not in PARTS)


def test_the_code_of_a_schedule_of_ones_own_is_in_the_name(engine, tmp_path, monkeypatch):
    """Whatever kind of part it is, and from when on it is there."""
    monkeypatch.setattr(component, "_registered", dict(component._registered))
    assert "halved" not in schedules.schedules()
    names = []
    for factor in (0.5, 0.25):
        file = tmp_path / "halves.py"
        file.write_text(
            "from lenetlab.experiments.recipe.schedules import schedule\n"
            '@schedule("halved", {}, {})\n'
            "def halved(p: float, t: int) -> float:\n"
            f'    """A constant part."""\n    return {factor}\n'
        )
        spec = importlib.util.spec_from_file_location("halves_of_a_test", file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        component._registered.pop((schedules.ScheduleEntry, "halved"), None)
        spec.loader.exec_module(module)
        recipe = make_recipe("sgd", schedule="halved")
        names.append(name(recipe, engine))
        assert list(numerics_of(recipe, engine, CPU)["sources"]) == ["schedule halved"]
    assert len(set(names)) == 2


def test_a_kind_of_question_has_a_first_price():
    assert set(FIRST_PRICES) == set(COST)


OTHER: dict[str, Any] = {
    "method": Choice("adamw", {"lr": 0.1}),
    "plan": Choice("fixed", {"size": 7}, {"size": 64}),
    "schedule": Choice("linear"),
    "budget": dataclasses.replace(make_recipe("sgd").budget, amount=3),
    "scenario": "l2",
    "rules": "open",
    "split": "inner",
    "wrappers": (Choice("ema"),),
    "constraint": Choice("rigl"),
    "initialisation": Choice("zero"),
    "augmentation": (Choice("flip"),),
    "decay": "weights",
    "problem": MNIST,
}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Recipe)])
def test_no_field_of_a_recipe_is_left_out(field):
    plain, other = make_recipe("sgd"), make_recipe("sgd")
    object.__setattr__(other, field, OTHER[field])  # some need others beside them to be valid
    assert other.canonical() != plain.canonical()


def python() -> str:
    return ".".join(platform.python_version_tuple()[:2])


if __name__ == "__main__":
    TABLE.write_text(json.dumps({"python": python(), "modules": table()}, indent=1) + "\n")
