"""Where weights begin: the papers' properties, PyTorch's own, the bill, and what stays the same."""

import math

import pytest
import torch
from torch import nn

from lenetlab.experiments.recipe.initialisations import find_initialisation, initialisations
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run import checkpoint
from lenetlab.inspection.trajectory import initial
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.model import LAYERS, SHAPES, pre_activations, views
from tests.methods.drive import CPU, N, everything, steps, training


@pytest.fixture(scope="module")
def engine(train):
    return TorchEngine(train.take(0, N), CPU)


def begun(engine, initialisation, seed=0, method="sgd"):
    return training(engine, method, seed=seed, initialisation=initialisation)


@pytest.mark.parametrize("gain", [1.0, 5 / 3])
def test_orthogonal_has_orthonormal_rows_or_columns(engine, gain):
    for name, x in views(begun(engine, f"orthogonal:gain={gain}").weights.w.double()).items():
        if x.dim() == 1:
            assert not x.any(), name
            continue
        a = x.flatten(1)
        product = a @ a.T if a.shape[0] <= a.shape[1] else a.T @ a
        identity = gain**2 * torch.eye(len(product), dtype=torch.float64)
        torch.testing.assert_close(product, identity, rtol=0, atol=1e-5)


def test_orthogonal_is_that_of_torch(engine):
    oracle = begun(engine, "starter").oracle
    build = find_initialisation("orthogonal").build
    build(oracle, torch.Generator().manual_seed(7), gain=1.5)
    theirs = torch.Generator().manual_seed(7)
    for name, x in views(oracle.w).items():
        if x.dim() > 1:
            expected = nn.init.orthogonal_(torch.empty(SHAPES[name]), 1.5, generator=theirs)
            torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("std", [1.0, 0.6])
def test_lsuv_gives_every_layer_the_deviation(engine, train, std):
    """Seen by another forward pass, in float64, over all of the 300 images, which it then has."""
    w = begun(engine, f"lsuv:examples={N},std={std}").weights.w.double()
    x = train.take(0, N).images.double().div(255).unsqueeze(1)
    _, outputs = pre_activations(views(w), x)
    for layer in LAYERS:
        assert float(outputs[layer].std(correction=0)) == pytest.approx(std, rel=1e-4), layer


def test_lsuv_is_orthogonal_layer_by_layer_and_unbiased(engine):
    lsuv, plain = (views(begun(engine, name).weights.w) for name in ("lsuv", "orthogonal"))
    for name, x in lsuv.items():
        ratio = x / plain[name] if x.dim() > 1 else x + 1
        torch.testing.assert_close(ratio, torch.full_like(x, float(ratio.flatten()[0])))


@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_patches_are_whitened_by_the_first_layer(engine, train, gain):
    """Seen by another forward pass, in float64, over the 300 images that it has seen."""
    begins = views(begun(engine, f"patches:examples={N},gain={gain}").weights.w.double())
    x = train.take(0, N).images.double().div(255).unsqueeze(1)
    _, outputs = pre_activations(begins, x)
    maps = outputs["conv1"].transpose(0, 1).flatten(1)
    assert maps.mean(1).abs().max() < 1e-4
    white = gain**2 * torch.eye(6, dtype=torch.float64)
    torch.testing.assert_close(torch.cov(maps, correction=0), white, rtol=0, atol=1e-4)
    named, filters = views(initial(0)), begins["conv1.weight"].flatten(1)
    assert (filters.gather(1, filters.abs().argmax(1, keepdim=True)) > 0).all()
    deviations = gain / torch.linalg.vector_norm(filters, dim=1)  # √λ
    assert deviations.equal(deviations.sort(descending=True).values)
    for name, start in named.items():
        assert name.startswith("conv1") or begins[name].float().equal(start), name


def test_lsuv_is_on_the_bill_and_the_others_are_free(engine):
    lsuv = begun(engine, "lsuv:examples=100").oracle.ledger
    assert (lsuv.layers, lsuv.passes) == (500, pytest.approx(500 * 1.4 / 60_000))
    patches = begun(engine, "patches:examples=100").oracle.ledger
    assert (patches.layers, patches.factorizations) == (100, 1)
    for name in set(initialisations()) - {"lsuv", "patches"}:
        assert begun(engine, name).oracle.ledger.passes == 0
    assert begun(engine, "orthogonal").oracle.ledger.factorizations == 5


def test_a_budget_that_looking_alone_spends_is_an_error_with_the_price(engine):
    t = training(engine, "sgd", initialisation="lsuv", passes=0.02)
    assert t.position > 0.02
    assert t.no_step() == (
        "no step fits into 0.02 passes: where it begins costs 0.0299; give it a larger budget"
    )


def test_scaled_multiplies_by_kind(engine):
    found = views(begun(engine, "scaled:conv=1.5,fc=0.25,bias=0").weights.w)
    for name, x in views(initial(0)).items():
        factor = 0.0 if x.dim() == 1 else 1.5 if name.startswith("conv") else 0.25
        assert torch.equal(found[name], factor * x), name


def test_the_starters_weights_are_the_default(engine):
    for recipe in (begun(engine, "starter"), training(engine, "sgd"), begun(engine, "scaled")):
        assert torch.equal(recipe.weights.w, initial(0))
    assert "initialisation" not in make_recipe("sgd", initialisation="starter").canonical()
    assert make_recipe("sgd", initialisation="lsuv:std=1").canonical()["initialisation"] == [
        "lsuv", {},
    ]  # fmt: skip


@pytest.mark.parametrize("name", initialisations())
def test_neither_data_order_nor_the_methods_randomness_moves(engine, name):
    one, plain = begun(engine, name), begun(engine, "starter")
    assert torch.equal(one.oracle.rng.get_state(), plain.oracle.rng.get_state())
    for _ in range(12):  # three sweeps
        one.oracle.next_step()
        plain.oracle.next_step()
        assert torch.equal(one.oracle.batch.indices, plain.oracle.batch.indices)


@pytest.mark.parametrize("name", sorted(set(initialisations()) - {"starter", "scaled"}))
def test_the_seed_decides(engine, name):
    one, same, other = (begun(engine, name, seed) for seed in (0, 0, 1))
    assert torch.equal(one.weights.w, same.weights.w)
    assert not torch.equal(one.weights.w, other.weights.w)
    assert everything(one) == everything(same)


def test_a_method_begins_where_the_recipe_says(engine):
    """Muon Hyperball's radii are the norms of the matrices that it is given."""
    t = begun(engine, "orthogonal", method="muon_hyperball")
    norm = t.optimizer.base.group["norm"]
    for layer, radius in zip(t.optimizer.base.layers, t.optimizer.base.radii, strict=True):
        if radius is not None:
            assert float(radius) == pytest.approx(norm * math.sqrt(min(layer.w.shape)), rel=1e-5)


def test_resumed_it_has_the_same_bits_and_pays_once(engine, tmp_path):
    whole, first = begun(engine, "lsuv"), begun(engine, "lsuv")
    steps(whole, 8)
    steps(first, 3)
    checkpoint.write(tmp_path / "state", first.state())
    second = begun(engine, "lsuv")
    second.restore(checkpoint.read(tmp_path / "state"))
    steps(second, 5)
    assert everything(second) == everything(whole)
