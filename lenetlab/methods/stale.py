"""Whether a module that a process has imported is still what its file says.

A notebook goes on with the module that it imported, whatever is written to the file afterwards. A
run named by the file would then not be a run of it.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any


def is_stale(module: ModuleType, path: Path) -> bool:
    """Whether functions and plain values of `module` are others than those of the file `path`.
    What a module computes while it is imported is not compared."""
    text = path.read_bytes()
    codes = set(_codes(compile(text, str(path), "exec")))
    if any(code not in codes for code in _functions(vars(module), module.__name__)):
        return True
    for node in ast.parse(text).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                found = vars(module).get(name)
                if type(found) is type(value) and found != value:
                    return True
    return False


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _codes(part)


def _functions(space: Mapping[str, Any], home: str, within: str = "") -> Iterator[CodeType]:
    """Of the functions that are defined in the module `home`, those of its classes as well."""
    for value in list(space.values()):
        if getattr(value, "__module__", None) != home:
            continue
        name = getattr(value, "__qualname__", "")
        if isinstance(value, type) and name.rpartition(".")[0] == within:
            yield from _functions(vars(value), home, name)
        plain = inspect.unwrap(value) if callable(value) else getattr(value, "__func__", value)
        if isinstance(plain, FunctionType) and plain.__module__ == home:
            yield plain.__code__
