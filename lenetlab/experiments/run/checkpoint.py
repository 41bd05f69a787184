"""A checkpoint: one file that holds a tree of tensors and plain values, nothing pickled.

Tensors go to safetensors, in their own dtype; the tree around them is JSON in its header. The
file is written beside its place and renamed, and carries a SHA-256 of its content, so that
half a checkpoint, or an altered one, is never taken for whole.
"""

import hashlib
import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lenetlab.disk import check_file, replace_bytes
from lenetlab.errors import UserError
from lenetlab.records.run_folder import FORMAT

Tree = Any


def write(path: Path, tree: Tree) -> None:
    """Write `tree` atomically. Raises `TypeError` for a value that cannot be kept."""
    tensors: dict[str, Tensor] = {}
    _check_apart(tree)
    skeleton = json.dumps(_pack(tree, tensors, "state"))
    digest = _digest(skeleton, tensors)
    metadata = {"format": str(FORMAT), "skeleton": skeleton, "sha256": digest}
    replace_bytes(path, save(tensors, metadata))


def read(path: Path) -> Tree:
    """The tree in `path`. Raises `UserError` for a broken, altered or foreign file."""
    cure = "delete it and the run starts from its beginning, or pass --no-resume"
    check_file(path, most=math.inf)  # a method may remember a gradient of every batch
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UserError(f"checkpoint {path} is broken ({error}); {cure}") from None
    if metadata.get("format") != str(FORMAT):
        found = metadata.get("format", "none")
        raise UserError(f"checkpoint {path} has format {found}, expected {FORMAT}; {cure}")
    if metadata.get("sha256") != _digest(metadata.get("skeleton", ""), tensors):
        raise UserError(f"checkpoint {path} was altered: its SHA-256 does not match; {cure}")
    return _unpack(json.loads(metadata["skeleton"]), tensors)


def _digest(skeleton: str, tensors: dict[str, Tensor]) -> str:
    total = hashlib.sha256(skeleton.encode())
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def _check_apart(tree: Tree) -> None:
    """Raise `TypeError` where two tensors overlap in memory: a step that writes into one writes
    into the other, and read from a file they would be two."""
    spans = sorted((*_span(tensor), path) for path, tensor in _tensors(tree, "state"))
    for (_, end, one), (begin, _, other) in itertools.pairwise(spans):
        if begin < end:
            raise TypeError(f"{one} and {other} share memory, which a checkpoint cannot keep")


def _span(tensor: Tensor) -> tuple[int, int]:
    """Its first byte in memory and the one after its last."""
    if not tensor.numel():
        return tensor.data_ptr(), tensor.data_ptr()
    last = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.data_ptr(), tensor.data_ptr() + (last + 1) * tensor.element_size()


def _tensors(tree: Tree, path: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(tree, Tensor):
        if tree.layout != torch.strided:
            raise TypeError(f"{path} is a sparse tensor, which a checkpoint cannot keep")
        yield path, tree
    elif isinstance(tree, dict):
        for key, part in tree.items():
            yield from _tensors(part, f"{path}.{key}")
    elif isinstance(tree, list | tuple):
        for i, part in enumerate(tree):
            yield from _tensors(part, f"{path}[{i}]")


def _pack(tree: Tree, tensors: dict[str, Tensor], path: str) -> Any:
    """`tree` as JSON; its tensors are put into `tensors` under names the JSON refers to."""
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if isinstance(tree, Tensor):
        name = str(len(tensors))
        # The order in memory is kept: sums over a transposed matrix have other bits.
        strides = tree.stride()
        order = sorted(range(tree.dim()), key=lambda i: -strides[i])
        # a copy: safetensors refuses tensors that share memory
        tensors[name] = tree.detach().permute(order).to("cpu", copy=True).contiguous()
        node: dict[str, Any] = {"tensor": name, "device": tree.device.type}
        return node if order == sorted(order) else node | {"order": order}
    if isinstance(tree, torch.Generator):
        return {"generator": _pack(tree.get_state(), tensors, path)}
    if type(tree) in (list, tuple):
        parts = [_pack(part, tensors, f"{path}[{i}]") for i, part in enumerate(tree)]
        return {"tuple": parts} if isinstance(tree, tuple) else parts
    if type(tree) is dict:  # another kind of mapping would come back as this one
        # pairs, because JSON would turn integer keys into strings
        pairs = [[key, _pack(part, tensors, f"{path}.{key}")] for key, part in tree.items()]
        if all(isinstance(key, str | int) for key in tree):
            return {"dict": pairs}
    raise TypeError(f"{path} is a {type(tree).__name__}, which a checkpoint cannot keep")


def _unpack(node: Any, tensors: dict[str, Tensor]) -> Tree:
    if isinstance(node, list):
        return [_unpack(part, tensors) for part in node]
    if not isinstance(node, dict):
        return node
    if "tensor" in node:
        # A copy, because the file's tensors lie at any address: sums of unaligned vectors are
        # taken in another order, and a resumed run would have other bits.
        stored = tensors[node["tensor"]].to(node["device"], copy=True)
        order = node.get("order", range(stored.dim()))
        return stored.permute(sorted(range(stored.dim()), key=lambda i: order[i]))
    if "generator" in node:
        generator = torch.Generator()
        generator.set_state(_unpack(node["generator"], tensors))
        return generator
    if "tuple" in node:
        return tuple(_unpack(part, tensors) for part in node["tuple"])
    return {key: _unpack(part, tensors) for key, part in node["dict"]}
