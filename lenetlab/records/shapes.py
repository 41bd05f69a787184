"""Whether a value that was read has the shape that its readers rely on; told in plain Python.

str, int, …        a value of this type; float takes whole numbers too, none is infinite or NaN
{"name": shape}    a dictionary that has at least these
[shape]            a list of such values
(shape, None)      one of these
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from lenetlab.disk import read_json
from lenetlab.errors import UserError
from lenetlab.settings import WHOLE

Shape = Any
NUMBER = (float, None)  # a figure that may not exist


def read_shaped(path: Path, shape: Shape, remedy: str) -> Any:
    """The JSON in `path`, which has `shape`; `UserError` with the `remedy` where it has not."""
    found = read_json(path, remedy)
    if wrong := misfit(found, shape, path.stem):
        raise UserError(f"{path} is broken ({wrong}); {remedy}")
    return found


def misfit(value: Any, shape: Shape, name: str) -> str | None:
    """What is wrong with the value called `name`, in a few words; None if nothing is."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{name} is no table"
        for key, inner in shape.items():
            if key not in value:
                return f"{name} has no {key}"
            if found := misfit(value[key], inner, f"{name}.{key}"):
                return found
        return None
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{name} is no list"
        return next((found for k, one in enumerate(value)
                     if (found := misfit(one, shape[0], f"{name}[{k}]"))), None)  # fmt: skip
    if isinstance(shape, tuple):
        if any(misfit(value, one, name) is None for one in shape):
            return None
        return f"{name} is of no kind that it may be"
    return None if _is(value, shape) else f"{name} is not {_WORDS[shape]}"


def shape_of(kind: type) -> dict[str, Shape]:
    """The shape of a dataclass in JSON, by the types of its fields."""
    return {name: _shape(hint) for name, hint in get_type_hints(kind).items()}


def _shape(hint: Any) -> Shape:
    if isinstance(hint, UnionType):
        return tuple(map(_shape, get_args(hint)))
    in_json: dict[Any, Shape] = {Mapping: dict, Sequence: list, NoneType: None}
    kind = get_origin(hint) or hint
    return in_json.get(kind, kind)


def _is(value: Any, kind: type | None) -> bool:
    if kind is None:
        return value is None
    if type(value) is int and abs(value) >= WHOLE:
        return False
    if kind is float:
        return type(value) is int or (type(value) is float and math.isfinite(value))
    return type(value) is kind


_WORDS = {str: "text", int: "a whole number", float: "a number", dict: "a table", list: "a list",
          bool: "true or false", None: "null"}  # fmt: skip
