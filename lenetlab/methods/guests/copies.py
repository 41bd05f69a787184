"""What a guest keeps in the place of weights: another iterate, slow weights, a running average.

A constraint that moves the weights has to move these along, or the guest's next step would undo it.
Our own methods say how in `masked` and `moved`. A class of somebody else's says by name what it
keeps, `copies = ("z",)`. Where it says nothing, whatever has the shapes of all parameters and
points as the weights do is taken for a copy of them: a gradient and its averages are almost at a
right angle to 44,426 weights, and a walk that began at the weights is not.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.methods.state import capture, shares

ALIKE = 0.5  # cosine with the weights from which on something is a copy of them


def copies_of(
    optimizer: torch.optim.Optimizer,
    params: list[Tensor],
    names: tuple[str, ...] | None,
    begun: bool = True,
) -> dict[str, list[Tensor]]:
    """Copies of the weights by name, each a tensor for every parameter; those called `names`, or
    whatever looks like one if None. Raises: `UserError` for a name that is nothing like that."""
    kept = dict(_like(capture(optimizer), params))
    if names is None:
        return {name: tensors for name, tensors in kept.items() if _alike(tensors, params)}
    # before its first step an optimizer may keep nothing
    if begun and (missing := [name for name in names if name not in kept]):
        has = ", ".join(sorted(kept)) or "nothing"
        raise UserError(
            f"{type(optimizer).__name__}: copies names {missing[0]!r}; expected what it keeps for "
            f"every parameter, in its shape: {has}"
        )
    return {name: kept[name] for name in names if name in kept}


def _like(tree: Any, params: list[Tensor]) -> Iterator[tuple[str, list[Tensor]]]:
    """Of a captured state, what consists of a tensor for every parameter."""
    state = [own for own in tree["state"] if own]
    if len(state) == len(params):
        for name in state[0]:
            yield from _fitting(name, [own.get(name) for own in state], params)
    for part in (tree["shared"], tree["attributes"], *tree["groups"]):
        for name, value in part.items():
            yield from _fitting(str(name), _flat(value), params)


def _fitting(name: str, found: list[Any], params: list[Tensor]) -> Iterator[tuple[str, list[Any]]]:
    pairs = zip(found, params, strict=False)
    if len(found) == len(params) and all(
        isinstance(x, Tensor) and x.shape == p.shape and x.is_floating_point()
        and not shares(x, p)  # the weights themselves, by another name
        for x, p in pairs
    ):  # fmt: skip
        yield name, found


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [x for part in value for x in _flat(part)]
    return [value]


@torch.no_grad()
def _alike(tensors: list[Tensor], params: list[Tensor]) -> bool:
    dot, square, other = (
        sum(float(torch.sum(a.double() * b)) for a, b in zip(one, two, strict=True))
        for one, two in ((tensors, params), (tensors, tensors), (params, params))
    )
    return bool(dot > ALIKE * (square * other) ** 0.5 > 0)
