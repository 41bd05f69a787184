"""An optimizer's state as a tree of plain values and tensors, and back, in its own dtypes.

`Optimizer.load_state_dict` casts every tensor to its parameter's dtype: bool masks, int64
counters and float64 accumulators would come back as float32. It also knows nothing of plain
attributes that an optimizer keeps on itself, other optimizers among them. Both are kept here.
"""

import random
from collections import deque
from copy import copy, deepcopy
from enum import Enum
from functools import cache, partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.methods.eager import eager

Tree = Any  # None, bool, int, float, str, Tensor, Generator, or lists, tuples, dicts of them


# What nobody changes, at least not by `eval()`; and what is copied with all that is in it.
_FIXED = (
    type(None), bool, int, float, complex, str, bytes, frozenset, range, slice, Enum, np.generic,
    torch.dtype, torch.device, torch.Size, type, FunctionType, BuiltinFunctionType, MethodType,
    ModuleType, partial,
)  # fmt: skip
_COPIED_WHOLE = (
    set, bytearray, np.ndarray, np.random.Generator, np.random.RandomState, random.Random,
)  # fmt: skip


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
        "on_parameters": [dict(vars(p)) for p in params],
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
    for p, saved in zip(params, tree.get("on_parameters", ({},) * len(params)), strict=True):
        vars(p).clear()
        vars(p).update(saved)
    optimizer.state.update(tree["shared"])  # some keep a counter for all parameters there
    for name in _attributes(optimizer, params).keys() - tree["attributes"].keys():
        delattr(optimizer, name)
    for name, value in tree["attributes"].items():
        setattr(optimizer, name, _put_back(getattr(optimizer, name, None), value))


def copied(tree: Tree, weights: Tensor | None = None) -> Tree:
    """`tree` with tensors, generators and arrays of its own: what shares memory in it does so in
    the copy, and what lies in that of the `weights` stays there. Raises: `UserError` for what
    cannot be copied and may change."""
    return _copied(tree, weights, {})


def _copied(tree: Tree, weights: Tensor | None, memo: dict[int, Any]) -> Tree:
    if isinstance(tree, _FIXED):
        return tree
    if isinstance(tree, Tensor):
        if weights is not None and shares(tree, weights):
            return tree
        return deepcopy(tree.detach(), memo)
    if isinstance(tree, torch.Generator):
        return torch.Generator(tree.device).set_state(tree.get_state())
    if isinstance(tree, tuple):
        parts = [_copied(part, weights, memo) for part in tree]
        return tree._make(parts) if hasattr(tree, "_make") else tuple(parts)
    if isinstance(tree, dict | list | deque):
        twin = copy(tree)  # of the same kind: a defaultdict has its factory
        for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree):
            twin[key] = _copied(part, weights, memo)
        return twin
    if isinstance(tree, _COPIED_WHOLE):
        return deepcopy(tree)
    raise UserError(
        f"what it keeps has a {type(tree).__name__} in it, which cannot be copied, and weights are "
        "judged, and rewound, by a copy; expected tensors, arrays, numbers, words, optimizers, and "
        "lists and mappings of them"
    )


def shares(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors lie in the same memory, as a parameter and its `.data` do; a sparse one
    lies in none that can be asked for."""
    if not one.layout == other.layout == torch.strided:
        return False
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _attributes(optimizer: Any, params: list[Tensor]) -> dict[str, Tree]:
    """What an optimizer keeps on itself, in slots too, beside what every one of PyTorch's has."""
    slots = [name for kind in type(optimizer).__mro__ for name in _slots(kind)]
    kept = {name: getattr(optimizer, name) for name in slots if hasattr(optimizer, name)}
    return {
        name: _taken(value)
        for name, value in (kept | vars(optimizer)).items()
        if name not in _own() and not _refers(value, params)
    }


def _slots(kind: type) -> tuple[str, ...]:
    """The names of a class's own slots, as it finds them itself: private ones have its name."""
    declared = vars(kind).get("__slots__", ())
    names = (declared,) if isinstance(declared, str) else tuple(declared)
    return tuple(
        f"_{kind.__name__.lstrip('_')}{name}"
        if name.startswith("__") and not name.endswith("__") else name
        for name in names if name not in ("__dict__", "__weakref__")
    )  # fmt: skip


def _taken(value: Any) -> Tree:
    """`value`, and what the optimizers consist of that it is or has in lists and mappings."""
    if isinstance(value, torch.optim.Optimizer):
        return capture(value)
    if not _has_optimizers(value):
        return value
    if isinstance(value, dict):
        return {key: _taken(part) for key, part in value.items()}
    return [_taken(part) for part in value]


def _put_back(now: Any, saved: Tree) -> Any:
    """What `_taken` made `saved` of, with the optimizers that are in `now`, which have that
    state then."""
    if isinstance(now, torch.optim.Optimizer):
        restore(now, saved)
        return now
    if not _has_optimizers(now):
        return saved
    if isinstance(now, dict):
        return {key: _put_back(now.get(key), part) for key, part in saved.items()}
    parts = [_put_back(part, kept) for part, kept in zip(now, saved, strict=True)]
    return tuple(parts) if isinstance(now, tuple) else parts


def _has_optimizers(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return any(map(_has_optimizers, value))
    return isinstance(value, torch.optim.Optimizer)


def _params(optimizer: Any) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _refers(value: Any, params: list[Tensor]) -> bool:
    """Whether `value` is the parameters themselves: the constructor makes it again."""
    known = {id(p) for p in params}
    parts = value if isinstance(value, list | tuple) else [value]
    return bool(parts) and all(id(part) in known for part in parts)
