"""From a file to named tensors: the one net that a checkpoint holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from lenetlab.judge.files import SAVE, Unreadable, content_of, kind_of, pickle_of
from lenetlab.judge.pickled import Inert, load, of_library, parts_of
from lenetlab.problem.model import SHAPES

DEPTH = 8  # of dictionaries, lists and modules inside each other
PREFIXES = ("module.", "_orig_mod.")  # of DataParallel and torch.compile, in any order
AVERAGED = "n_averaged"  # beside the weights of torch.optim.swa_utils.AveragedModel
PRUNED, MASK = "_orig", "_mask"  # of torch.nn.utils.prune: the weight is their product


@dataclass(frozen=True)
class Weights:
    """Named tensors as they were found, and remarks on how."""

    named: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()


def read_weights(path: Path) -> Weights:
    """The net in the file `path`; raises `Unreadable`. Whether it is LeNet-5 is not asked here.

    A hostile file can take all memory and time, or end the process: a child of it reads
    (`lenetlab.judge.child`).
    """
    content = content_of(path)
    kind = kind_of(content)
    if kind == "safetensors":
        try:
            return _tidy(load_safetensors(content), [])
        except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise Unreadable(f"is a damaged safetensors file ({error})") from None
    loaded = load(content, pickle_of(content) if kind == "zip" else None)
    if code := sorted(name for name in loaded.calls if of_library(name)):
        place = loaded.calls[code[0]]
        where = f"its entry {place}" if place else "it"
        raise Unreadable(f"would run code: {where} calls {code[0]}; {SAVE}")
    value = loaded.value
    nets = list(_nets(value, "", DEPTH, set()))
    if not nets:
        raise Unreadable(
            f"holds a {type(value).__name__} without named tensors, expected weights; {SAVE}"
        )
    # What shares most names with LeNet-5; a checkpoint has other tensors beside its net.
    alike = [sum(name in SHAPES for name in _tidy(named, []).named) for _, named, _ in nets]
    best = [net for net, score in zip(nets, alike, strict=True) if score == max(alike)]
    if len(best) > 1:
        places = ", ".join(place or "the file itself" for place, _, _ in best[:4])
        raise Unreadable(f"holds several nets ({places}); save the one to be judged alone")
    place, named, model = best[0]
    notes = [f"taken from {place}"] if place else []
    if model:
        notes.append(f"a whole model of class {model}: its weights are judged, its code is not run")
    notes += [f"calls {name}, which was not run" for name in sorted(loaded.calls)[:3]]
    return _tidy(named, notes)


Net = tuple[str, dict[str, Tensor], str]  # place in the file, tensors, class of a whole model


def _nets(loaded: Any, place: str, depth: int, seen: set[int]) -> Iterator[Net]:
    """Every dictionary of named tensors and every module, once, from the outside in."""
    if depth == 0 or id(loaded) in seen:
        return
    seen.add(id(loaded))
    if isinstance(loaded, Inert):
        if named := dict(_parameters(loaded, "", DEPTH)):
            yield place, named, type(loaded).__name__
        return
    parts = parts_of(loaded)
    if isinstance(loaded, dict):
        if named := {k: v for k, v in parts if isinstance(k, str) and isinstance(v, Tensor)}:
            yield place, named, ""
        parts = [(key, part) for key, part in parts if isinstance(key, str)]
    for key, part in parts:
        shown = f"{key[:40]!r}" if isinstance(key, str) else str(key)
        yield from _nets(part, f"{place}[{shown}]", depth - 1, seen)


def _parameters(module: Inert, prefix: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    """What `module.state_dict()` would list."""
    attributes = vars(module)
    hidden = attributes.get("_non_persistent_buffers_set")
    for kind in ("_parameters", "_buffers"):
        for name, value in _items(attributes.get(kind)):
            if isinstance(value, Tensor) and not (isinstance(hidden, set) and name in hidden):
                yield f"{prefix}{name}", value
    for name, part in _items(attributes.get("_modules")) if depth else ():
        if isinstance(part, Inert):
            yield from _parameters(part, f"{prefix}{name}.", depth - 1)


def _tidy(named: Mapping[str, Tensor], notes: list[str]) -> Weights:
    """Without the prefixes of wrappers and the count of an average, and with the masks of
    `torch.nn.utils.prune` applied."""
    while prefix := _prefix_of(named):
        if AVERAGED in named:
            notes.append(f"an average of nets: without its count {AVERAGED}")
        named = {name.removeprefix(prefix): w for name, w in named.items() if name != AVERAGED}
        notes.append(f"names without their prefix {prefix!r}")
    tidy = dict(named)
    for name in named:
        stem = name.removesuffix(PRUNED)
        masked = (stem + PRUNED, stem + MASK)
        if stem == name or stem in tidy or not all(part in tidy for part in masked):
            continue
        weight, mask = (tidy.pop(part) for part in masked)
        if weight.shape != mask.shape or not _plain(weight) or not _plain(mask):
            raise Unreadable(f"has a mask {stem + MASK} that does not fit its weight")
        tidy[stem] = weight.detach() * mask.to(weight.dtype)
        notes.append(f"{stem} is {' × '.join(masked)}")
    return Weights(tidy, tuple(notes))


def _prefix_of(named: Mapping[str, Tensor]) -> str | None:
    """The one of `PREFIXES` that all names have, but for an average's count."""
    names = [name for name in named if name != AVERAGED]
    common = (p for p in PREFIXES if names and all(name.startswith(p) for name in names))
    return next(common, None)


def _plain(tensor: Tensor) -> bool:
    """Whether it is a small dense tensor with numbers in it."""
    dense = not (tensor.is_quantized or tensor.is_meta or tensor.is_sparse)
    return dense and tensor.layout == tensor.new_empty(0).layout and tensor.numel() < 10**6


def _items(value: Any) -> list[tuple[Any, Any]]:
    return parts_of(value) if isinstance(value, dict) else []
