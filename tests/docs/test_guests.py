"""The page on classes of somebody else's: its files train, and what it says of them is so."""

import importlib.util
import runpy
from pathlib import Path

import pytest
import torch

from lenetlab.methods.lookup import find
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.oracle.weights import Weights
from lenetlab.problem.data import load
from tests.methods.drive import CPU, N, steps, training

from .blocks import PAGES, ROOT, blocks

PAGE = blocks(PAGES["docs/guests.md"])
FILES = {block.title: block.text for block in PAGE if block.title}
(CELL,) = [block.text for block in PAGE if block.language == "python" and not block.title]
CLASSES = ["sign_sgd.py", "two_halves.py", "averaged.py", "contract.py", "given.py:Ranger21",
           "given.py:FriendlySAM"]  # fmt: skip


@pytest.fixture
def files(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def engine(train):
    return TorchEngine(train.take(0, N), CPU)


@pytest.mark.parametrize("spec", CLASSES)
def test_every_class_of_the_page_learns(files, engine, spec):
    t = training(engine, spec, batch_size=32, epochs=100)
    losses = steps(t, 60)
    assert sum(losses[-10:]) / 10 < 0.95 * losses[0]


@pytest.mark.parametrize("spec", CLASSES)
def test_every_class_of_the_page_moves_all_tensors_where_biases_are_spared_the_decay(
    files, engine, spec
):
    t = training(
        engine, spec, {"weight_decay": 1e-3}, scenario="l2",
        decay="weights", batch_size=32, epochs=100,
    )  # fmt: skip
    steps(t, 3)
    pairs = zip(t.weights.params("named"), Weights(t.first).params("named"), strict=True)
    assert not any(now.equal(first) for now, first in pairs)
    assert not t.eval_weights().equal(t.first)


def test_what_the_page_says_of_groups_is_so(files, engine):
    l2 = {"settings": {"weight_decay": 0.1}, "scenario": "l2", "decay": "weights"}
    for spec, sizes, decays in (
        ("two_halves.py", [p.numel() for p in training(engine, "sgd").weights.params("named")],
         [0.1] * 5 + [0.0] * 5),
        ("averaged.py", [44_190, 236], [0.1, 0.0]),
        ("sign_sgd.py", [44_426], [None]),
    ):  # fmt: skip
        groups = training(engine, spec, **l2).optimizer.param_groups
        assert [sum(p.numel() for p in group["params"]) for group in groups] == sizes
        assert [group.get("weight_decay") for group in groups] == decays


@pytest.mark.parametrize(
    ("spec", "ours", "given"),
    [
        ("two_halves.py", "sam+sgd", {"lr": 0.1, "sam.rho": 0.05}),
        ("contract.py", "heavy_ball", {}),
        ("sign_sgd.py", "lion", {"lr": 0.001, "beta1": 0.0}),
        ("averaged.py", "sgd", {"lr": 0.2}),
    ],
)
def test_they_take_the_steps_of_ours(files, engine, spec, ours, given):
    two = training(engine, spec), training(engine, ours, given)
    assert steps(two[0], 8) == pytest.approx(steps(two[1], 8), abs=1e-5)


def test_what_the_page_says_of_them_is_understood(files):
    assert find("two_halves.py").asks == "more"
    assert find("averaged.py").form == "flat"
    assert find("averaged.py").averages
    assert find("given.py:Ranger21").defaults["num_iterations"] == 1000


def test_the_cell_runs_as_a_script(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "lenetlab.experiments.run.runtime.load_pair",
        lambda split, data, problem: (load("train").take(0, 1500), load("train").take(1500, 2000)),
    )
    threads = torch.get_num_threads()
    (tmp_path / "cell.py").write_text(CELL)
    runpy.run_path("cell.py", run_name="__main__")
    torch.set_num_threads(threads)
    assert capsys.readouterr().out.startswith("done ")


def benchmark():
    spec = importlib.util.spec_from_file_location(
        "other_optimizers", ROOT / "benchmarks" / "other_optimizers.py"
    )
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # theirs
def test_methods_here_and_their_twins_there_come_to_the_same(tmp_path, monkeypatch):
    """Where the formulas are the same the weights are, to rounding; everywhere the means over seeds
    are within what seeds make of them."""
    from lenetlab import Runtime

    monkeypatch.chdir(ROOT)
    module = benchmark()
    runtime = Runtime(out=tmp_path, threads=1)
    assert len([twin for twin in module.TWINS if not twin.why]) >= 10
    for twin in module.TWINS:
        found = module.compared(twin, runtime)
        difference, noise = module.within_noise(found["ours"], found["theirs"])
        assert twin.why or found["apart"] < 1e-3, twin
        assert abs(difference) <= max(noise, 0.2), twin  # 20 images, where seeds hardly differ


def test_the_table_names_every_class_of_the_package():
    import pytorch_optimizer

    text = Path(ROOT / "docs" / "outside.md").read_text()
    for name, value in vars(pytorch_optimizer).items():
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer):
            assert (
                f"`{name}`" in text
                or f"`pytorch_optimizer:{name}`" in text
                or (value is torch.optim.Optimizer)
            ), name
