"""An optimizer's state as a tree of plain values and tensors, and back, in its own dtypes.

`Optimizer.load_state_dict` casts every tensor to its parameter's dtype: bool masks, int64
counters and float64 accumulators would come back as float32. It also knows nothing of plain
attributes that an optimizer keeps on itself. Both are kept here.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from lenetlab.methods.eager import eager

Tree = Any  # None, bool, int, float, str, Tensor, Generator, or lists, tuples, dicts of them


@cache
def _own() -> frozenset[str]:
    """PyTorch's own attributes of an optimizer."""
    return frozenset(vars(eager(torch.optim.Optimizer)([torch.zeros(1)], {})))


def capture(optimizer: Any) -> Tree:
    """Everything that the next step depends on, parameters excepted. Nothing is copied.

    Our own methods and compositions say themselves what that is.
    """
    if not isinstance(optimizer, torch.optim.Optimizer):
        own: Tree = optimizer.state_dict()
        return own
    params = _params(optimizer)
    state = optimizer.state
    return {
        "groups": [
            {k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups
        ],
        "state": [dict(state.get(p, {})) for p in params],
        "shared": {key: value for key, value in state.items() if not isinstance(key, Tensor)},
        "attributes": _attributes(optimizer, params),
    }


def restore(optimizer: Any, tree: Tree) -> None:
    """Put a captured state into an optimizer over parameters of the same shapes: it then has that
    and nothing else."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        optimizer.load_state_dict(tree)
        return
    params = _params(optimizer)
    for group, saved in zip(optimizer.param_groups, tree["groups"], strict=True):
        for name in group.keys() - saved.keys() - {"params"}:
            del group[name]
        group.update(saved)
    optimizer.state.clear()
    for p, saved in zip(params, tree["state"], strict=True):
        if saved:
            optimizer.state[p] = saved
    optimizer.state.update(tree["shared"])  # some keep a counter for all parameters there
    for name in _attributes(optimizer, params).keys() - tree["attributes"].keys():
        delattr(optimizer, name)
    for name, value in tree["attributes"].items():
        inner = vars(optimizer).get(name)
        if isinstance(inner, torch.optim.Optimizer):
            restore(inner, value)
        else:
            setattr(optimizer, name, value)


def copied(tree: Tree) -> Tree:
    """`tree` with tensors and generators of its own."""
    if isinstance(tree, Tensor):
        return tree.detach().clone()
    if isinstance(tree, torch.Generator):
        return torch.Generator(tree.device).set_state(tree.get_state())
    if isinstance(tree, dict):
        return {key: copied(part) for key, part in tree.items()}
    if isinstance(tree, list | tuple):
        parts = [copied(part) for part in tree]
        return tuple(parts) if isinstance(tree, tuple) else parts
    return tree


def _attributes(optimizer: Any, params: list[Tensor]) -> dict[str, Tree]:
    """What an optimizer keeps on itself, beside what every one of PyTorch's has; of an optimizer
    inside of it, what that consists of."""
    return {
        name: capture(value) if isinstance(value, torch.optim.Optimizer) else value
        for name, value in vars(optimizer).items()
        if name not in _own() and not _refers(value, params)
    }


def _params(optimizer: Any) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _refers(value: Any, params: list[Tensor]) -> bool:
    """Whether `value` is the parameters themselves: the constructor makes it again."""
    known = {id(p) for p in params}
    parts = value if isinstance(value, list | tuple) else [value]
    return bool(parts) and all(id(part) in known for part in parts)
