"""Submissions that are one net are found, and others are not taken for one."""

from dataclasses import replace

import pytest
import torch

from lenetlab.judge.twins import ANSWERS, WEIGHTS, twins
from lenetlab.judge.verdict import judge
from lenetlab.problem.model import flatten, state_dict, views

from .corpus import saved, weights


@pytest.fixture(scope="module")
def learned(train):
    """Weights that call images by more than a few classes."""
    w = weights().requires_grad_()
    images, labels = train.take(0, 600).images, train.take(0, 600).labels
    x = images.unsqueeze(1).float() / 255
    from lenetlab.problem.model import logits

    optimizer = torch.optim.Adam([w], lr=3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits(views(w), x), labels).backward()
        optimizer.step()
    return w.detach()


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


def test_nets_that_learned_nothing_are_no_twins(verdict_of):
    constant = torch.zeros_like(weights())
    verdicts = [verdict_of("zero", constant), verdict_of("also zero", constant * 1.0)]
    assert verdicts[0].score is not None
    assert twins(verdicts) == []
