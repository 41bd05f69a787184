"""What torch.save wrote, read without running any code of whoever wrote it.

PyTorch's weights-only loader does the reading. Of the globals that a pickle names it knows those
that rebuild tensors; every other one is replaced by an inert class of the same name, which is
never imported. So a whole model comes back as a tree of inert objects with the model's
attributes, its parameters among them. A call of such a global gives one more inert object. Where
it would have been code of a library that anybody has, the file is refused, and the entry named.
"""

import io
import pickle
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from lenetlab.judge.files import SAVE, Unreadable
from lenetlab.judge.scan import globals_in

# Calls that make plain values, which get beside the weights of a training loop.
HARMLESS = frozenset(
    f"{module}.{name}"
    for module, names in {
        "builtins": ("complex", "frozenset", "range", "slice"),
        "numpy": ("dtype", "ndarray"),
        "numpy.core.multiarray": ("scalar", "_reconstruct"),
        "numpy._core.multiarray": ("scalar", "_reconstruct"),
        "pathlib": ("Path", "PosixPath", "WindowsPath"),
        "datetime": ("datetime", "date", "time", "timedelta", "timezone"),
        "decimal": ("Decimal",),
        "fractions": ("Fraction",),
        "types": ("SimpleNamespace",),
        "uuid": ("UUID",),
    }.items()
    for name in names
)
# What is filled afterwards comes back as what it is like.
CONTAINERS = {"collections.defaultdict": dict, "collections.deque": list}
# Where code lies that a stranger's pickle can count on: a call into it was meant to do something.
LIBRARIES = frozenset({*sys.stdlib_module_names, "torch", "numpy"} - {"__main__"})
# No class of anybody's model is in these; the loader refuses them with less to the point.
SYSTEM = ("nt.", "os.", "posix.", "subprocess.", "sys.")


class _Stand(type):
    """Makes classes that a pickle can name, instantiate and call, all to no effect."""

    calls: list[tuple[str, Any]]  # of one pickle: what was called, and what was given for an answer

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        name = cls.__name__
        if name in CONTAINERS:
            return CONTAINERS[name]()
        made = super().__call__()
        if name not in HARMLESS:
            cls.calls.append((name, made))
        return made


class Inert(metaclass=_Stand):
    """Stands for an instance of some class; has its attributes and no behaviour."""

    def __new__(cls, *args: Any) -> "Inert":
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                self.__dict__.update(part)


@dataclass(frozen=True)
class Loaded:
    """What a file holds, and what would have been called to make it: by name, with the place."""

    value: Any
    calls: Mapping[str, str]


def load(content: bytes, pickled: bytes | None) -> Loaded:
    """What `content`, a whole file of torch.save, holds; on the CPU.

    `pickled` is the pickle inside, where the file is a zip archive; an old file is a sequence of
    pickles with the numbers after them. Raises `Unreadable`.
    """
    names = (
        globals_in(io.BytesIO(content), 5)
        if pickled is None
        else globals_in(io.BytesIO(pickled), 1)
    )
    if refused := [name for name in names if name.startswith(SYSTEM)]:
        raise Unreadable(f"would run code: it calls {min(refused)}; {SAVE}")
    calls: list[tuple[str, Any]] = []
    inert: list[Any] = [(_Stand(name, (Inert,), {"calls": calls}), name) for name in sorted(names)]
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(inert):
            warnings.simplefilter("ignore")  # of old protocols, quantisation, sparse layouts
            value = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            return Loaded(value, _places(value, calls))
    except pickle.UnpicklingError as error:
        reason = f"is refused by the weights-only loader: {_reason(error)}"
        if "persistent_load of storage" in reason:
            reason = "is a whole model in torch.save's old format, which holds its source code"
        raise Unreadable(f"{reason}; {SAVE}") from None
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # of a hostile file, the loader may raise anything
        if "can't allocate memory" in str(error):
            raise MemoryError from None
        raise Unreadable(f"is damaged: the loader says {_reason(error)}") from None


def _places(value: Any, calls: Sequence[tuple[str, Any]]) -> dict[str, str]:
    """Where in `value` the answers of calls lie, by what was called: the entry at its top."""
    called = {id(answer): name for name, answer in calls}
    found = {name: "" for name, _ in calls}
    seen: set[int] = set()
    waiting = [("", value)]
    while waiting and called:
        place, one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if id(one) in called:
            found[called[id(one)]] = place
        waiting += [(place or f"[{key!r}]"[:60], part) for key, part in parts_of(one)]
    return found


def parts_of(value: Any) -> list[tuple[Any, Any]]:
    """What a container or an inert object holds, by key, index or attribute."""
    if isinstance(value, Inert):
        return list(vars(value).items())
    if isinstance(value, dict):
        return list(dict.items(value))  # `items` may be an attribute, and no function
    return list(enumerate(value)) if isinstance(value, list | tuple) else []


def of_library(name: str) -> bool:
    """Whether a global is of the standard library, torch or numpy."""
    return name.partition(".")[0] in LIBRARIES


def _reason(error: Exception) -> str:
    """The first sentence of the loader's explanation."""
    text = str(error).rpartition("WeightsUnpickler error: ")[2].strip()
    first = text.splitlines()[0].split(". ")[0].strip().rstrip(".") if text else ""
    kind = "" if isinstance(error, pickle.UnpicklingError) else f"{type(error).__name__}: "
    return kind + (first[:140] or "no more")
