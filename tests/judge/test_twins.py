"""Submissions that are one net are found, and others are not taken for one."""

from dataclasses import replace

import pytest
import torch

from lenetlab.api import run
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.judge.twins import ANSWERS, NEAR, NEARLY, WEIGHTS, twins, twins_of
from lenetlab.judge.verdict import judge
from lenetlab.problem.model import flatten, initial_weights, logits, state_dict, views

from .corpus import saved, weights


def taught(w, train, lr=3e-3, steps=40):
    """Weights that call images by more than a few classes."""
    w = w.clone().requires_grad_()
    images, labels = train.take(0, 600).images, train.take(0, 600).labels
    x = images.unsqueeze(1).float() / 255
    optimizer = torch.optim.Adam([w], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits(views(w), x), labels).backward()
        optimizer.step()
    return w.detach()


@pytest.fixture(scope="module")
def learned(train):
    return taught(weights(), train)


@pytest.fixture
def verdict_of(tmp_path, scorer):
    def judged(name, w):
        (path := tmp_path / f"{name}.pt").write_bytes(saved(state_dict(w)))
        return replace(judge(path, None, scorer), name=name)

    return judged


def reordered(w):
    """The same function: the units of fc2 in another order."""
    named = {name: value.clone() for name, value in views(w).items()}
    order = torch.randperm(84, generator=torch.Generator().manual_seed(1))
    for name in ("fc2.weight", "fc2.bias"):
        named[name] = named[name][order]
    named["fc3.weight"] = named["fc3.weight"][:, order]
    return flatten(named)


def test_copies_and_disguised_copies_are_told_from_each_other(learned, verdict_of):
    other = learned + 0.02 * torch.randn(len(learned), generator=torch.Generator().manual_seed(2))
    nets = {"ada": learned, "other": other, "copy": learned.clone(), "hidden": reordered(learned)}
    verdicts = [verdict_of(name, w) for name, w in nets.items()]
    assert len({v.digest for v in verdicts}) == 3
    assert twins(verdicts) == [(WEIGHTS, ["ada", "copy"]), (ANSWERS, ["ada", "hidden"])]


def noise(w, size, seed=3):
    return w + size * torch.randn(len(w), generator=torch.Generator().manual_seed(seed))


DISGUISED = {
    "float16": lambda w: w.half().float(),
    "bfloat16": lambda w: w.bfloat16().float(),
    "three decimals": lambda w: (1000 * w).round() / 1000,
    "noise": lambda w: noise(w, 1e-6),
    "more noise": lambda w: noise(w, 1e-4),
}


@pytest.mark.parametrize("how", DISGUISED)
def test_a_copy_that_was_rounded_or_shaken_is_found(learned, verdict_of, how):
    verdicts = [verdict_of("ada", learned), verdict_of("copy", DISGUISED[how](learned))]
    assert twins(verdicts) == [(NEARLY, ["ada", "copy"])]


@pytest.mark.long
def test_who_trained_by_themselves_are_no_twins(learned, train, verdict_of):
    """Another seed, and with the same seed another learning rate or a few steps more."""
    other = initial_weights(torch.Generator().manual_seed(8))
    nets = {
        "ada": learned,
        "another seed": taught(other, train),
        "another rate": taught(weights(), train, lr=3.3e-3),
        "more steps": taught(weights(), train, steps=44),
    }
    apart = {name: float((w - learned).norm() / learned.norm()) for name, w in nets.items()}
    assert apart.pop("ada") == 0
    assert apart["another seed"] > 1
    assert min(apart.values()) > 2 * NEAR
    assert twins([verdict_of(name, w) for name, w in nets.items()]) == []


def test_copies_of_a_copy_hang_together_and_are_named_in_their_order(learned, verdict_of):
    """Two that are a little too far apart, and the one between them."""
    step = 0.8 * NEAR * learned.norm() / noise(torch.zeros_like(learned), 1.0).norm()
    nets = {
        "one end": noise(learned, step),
        "other end": noise(learned, -step),
        "middle": learned,
        "again": learned.clone(),
    }
    found = twins([verdict_of(name, w) for name, w in nets.items()])
    assert found == [(WEIGHTS, ["middle", "again"]), (NEARLY, ["one end", "other end", "middle"])]
    assert twins_of("again", found) == ("the same weights as middle",)
    assert twins_of("middle", found) == (
        "the same weights as again",
        "nearly the same weights as one end, other end",
    )


def test_the_same_training_with_other_kernels_is_nearly_the_same_net(tmp_path, scorer):
    """As on another kind of machine."""
    threads = torch.get_num_threads()
    verdicts = []
    for engine in ("native", "torch"):
        runtime = Runtime(out=tmp_path, device="cpu", engine=engine, threads=1)
        found = run("sgd", passes=0.05, seed=42, lr=0.1, runtime=runtime)
        verdicts.append(replace(judge(found.path, None, scorer), name=engine))
    torch.set_num_threads(threads)
    assert twins(verdicts) == [(NEARLY, ["native", "torch"])]


def test_nets_that_learned_nothing_are_no_twins(verdict_of):
    constant = torch.zeros_like(weights())
    verdicts = [verdict_of("zero", constant), verdict_of("also zero", constant * 1.0)]
    assert verdicts[0].score is not None
    assert twins(verdicts) == []
