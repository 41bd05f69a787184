"""Methods driven over few images, as the loop drives them."""

from typing import Any

import torch
from torch import Tensor

from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.training import Training
from lenetlab.methods.state import capture
from lenetlab.oracle.choose_engine import choose_engine, make_engine
from lenetlab.oracle.engine import Engine
from lenetlab.problem.data import Split
from lenetlab.settings import Settings

N = 300  # images, so that a full batch is small too
CPU = torch.device("cpu")


def users_engine(split: Split) -> Engine:
    """The engine that a run would take here, on one thread."""
    return make_engine(choose_engine("auto", CPU), split, CPU, 1)


def training(
    engine: Engine, name: str, settings: Settings | None = None, seed: int = 0, **options: Any
) -> Training:
    """A training with the method's own batch size, ready for its first step."""
    return Training(make_recipe(name, settings, **options), seed, N, engine, CPU)


def steps(t: Training, count: int) -> list[float]:
    """The losses of `count` steps."""
    return [t.step() for _ in range(count)]


def leaves(tree: Any) -> list[Any]:
    """The tensors (as dtype, shape and bytes) and plain values of a tree, in order."""
    if isinstance(tree, Tensor):
        raw = tree.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        return [(str(tree.dtype), tuple(tree.shape), raw)]
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in [key, *leaves(tree[key])]]
    if isinstance(tree, list | tuple):
        return [leaf for part in tree for leaf in leaves(part)]
    return [tree]


def everything(t: Training) -> list[Any]:
    """All that a training consists of, bit for bit; the seconds it took are the machine's."""
    oracle = {k: v for k, v in t.oracle.state().items() if k != "factorization_seconds"}
    return leaves([t.weights.w, t.eval_weights(), capture(t.optimizer), oracle, t.steps,
                   t.losses.tobytes()])  # fmt: skip
