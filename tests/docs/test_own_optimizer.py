"""The page on one's own optimizer: its files train, its examples run, on few images."""

import importlib.util
import sys

import pytest
import torch

from lenetlab import component
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.training import Training
from lenetlab.methods import registry
from lenetlab.methods.lookup import find
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.oracle.weights import Weights
from lenetlab.problem.data import load

from .blocks import PAGES, blocks

PAGE = blocks(PAGES["docs/own_optimizer.md"])
FILES = {block.title: block.text for block in PAGE if block.title}
EXAMPLES = [
    block.text
    for block in [*PAGE, *blocks(PAGES["README.md"]), *blocks(PAGES["docs/reference/index.md"])]
    if block.language == "python" and not block.title
]


@pytest.fixture
def files(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name.rpartition("/")[2]).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "lenetlab.experiments.run.runtime.load_pair",
        lambda split, data, problem: (load("train").take(0, 1500), load("train").take(1500, 2000)),
    )
    threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(threads)


@pytest.fixture
def added(files, monkeypatch):
    """The file of the laboratory, registered as if it lay where the page says."""
    monkeypatch.setattr(component, "_registered", dict(component._registered))
    spec = importlib.util.spec_from_file_location("normalized_of_the_page", files / "normalized.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    registry.methods()
    spec.loader.exec_module(module)


def trained(spec, steps, **given):
    split = load("train").take(0, 1500)
    engine = TorchEngine(split, torch.device("cpu"))
    recipe = make_recipe(spec, epochs=100, **given)
    t = Training(recipe, 0, len(split), engine, torch.device("cpu"), engine)
    losses = [t.step() for _ in range(steps)]
    return t, losses


@pytest.mark.parametrize("example", range(len(EXAMPLES)))
def test_examples_run(files, example, capsys):
    try:
        exec(compile(EXAMPLES[example], f"example {example}", "exec"), {})
    except ModuleNotFoundError as error:
        if error.name not in ("mlflow", "wandb"):  # services that nothing else here needs
            raise
        pytest.skip(f"{error.name} is not installed")
    assert capsys.readouterr().out


def test_the_class_in_a_file_learns(files):
    _, losses = trained("my_method.py:MyOptimizer", 240)
    assert min(losses[-24:]) < 0.8 < 2.2 < losses[0]


def test_the_class_that_asks_learns_and_pays(files):
    t, losses = trained("by_curvature.py:ByCurvature", 60, batch_size=100)
    assert max(losses[-5:]) < 1.5
    ledger_counts = t.oracle.ledger
    assert ledger_counts.gradients == ledger_counts.hessian_products == 60 * 100
    assert ledger_counts.forwards >= 60 * 100


@pytest.mark.parametrize("spec", ["my_method.py", "by_curvature.py", "my_sam.py"])
def test_they_move_all_tensors_where_biases_are_spared_the_decay(files, spec):
    t, _ = trained(spec, 3, scenario="l2", settings={"weight_decay": 1e-3}, decay="weights")
    pairs = zip(t.weights.params("named"), Weights(t.first).params("named"), strict=True)
    assert not any(now.equal(first) for now, first in pairs)


def test_the_sam_of_a_package_makes_the_steps_of_ours(files):
    theirs, _ = trained("my_sam.py:MySAM", 5)
    ours, _ = trained("sam+sgd", 5, settings={"lr": 0.1, "sam.rho": 0.05})
    assert torch.allclose(theirs.weights.w, ours.weights.w, atol=1e-6)


def test_the_file_of_the_laboratory_is_the_class_of_the_first_step(added):
    """The same update in two forms: convolutions are matrices, so sums may round otherwise."""
    ours, _ = trained("normalized", 20)
    theirs, _ = trained("my_method.py:MyOptimizer", 20)
    assert torch.allclose(ours.weights.w, theirs.weights.w, atol=1e-5)


def test_its_registration_says_what_the_contract_asks(added):
    entry = find("normalized")
    assert entry.page.startswith("Normalised momentum")
    decayed, _ = trained("normalized", 5, scenario="l2", settings={"weight_decay": 1.0})
    plain, _ = trained("normalized", 5)
    assert decayed.weights.w.norm() < plain.weights.w.norm()
