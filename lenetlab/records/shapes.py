"""Whether a value that was read has the shape that its readers rely on; told in plain Python.

str, int, …        a value of this type; float takes whole numbers too, none is infinite or NaN
{"name": shape}    a dictionary that has at least these
[shape]            a list of such values
(shape, None)      one of these
"""

import math
from typing import Any

Shape = Any
NUMBER = (float, None)  # a figure that may not exist


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


def _is(value: Any, kind: type | None) -> bool:
    if kind is None:
        return value is None
    if kind is float:
        return type(value) is int or (type(value) is float and math.isfinite(value))
    return type(value) is kind


_WORDS = {str: "text", int: "a whole number", float: "a number", dict: "a table", list: "a list",
          bool: "true or false", None: "null"}  # fmt: skip
