"""What a class or function is made of that was handed over as it is: from a notebook or a script.

In a script, and in any file, it is the whole file and what that imports (sources.py). What was
typed, in a notebook's cells or at a prompt, has no file: it is the text of the class, and of every
class and function that it names, with the values of the numbers, words and tensors that it names,
as they are when a run is named; of a class without functions, its attributes and what it extends.
What is put into a class with functions afterwards (`Own.step = …`) is not seen.
"""

import ast
import hashlib
import inspect
import json
import linecache
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from symtable import symtable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor

from lenetlab.component import Span
from lenetlab.errors import UserError, short
from lenetlab.methods.sources import Sources, is_own, trace
from lenetlab.methods.stale import is_stale

_HERE = "lenetlab."


def source_of(build: Any) -> str:
    """The digest of the code of a class or function; empty for the laboratory's own.
    Raises: `UserError` where its source cannot be had."""
    name = str(getattr(build, "__module__", ""))
    return "" if name.startswith(_HERE) else sources_of(build).digest


def source_when_imported(build: Any) -> str:
    """The same while its file is imported, as the file is then; empty for what has none: what that
    names may not be there yet."""
    return source_of(build) if _file(build) is not None else ""


def _file(build: Any) -> Path | None:
    file = getattr(sys.modules.get(build.__module__), "__file__", None)
    return Path(file) if file is not None and Path(file).is_file() else None


def sources_of(build: Any) -> Sources:
    """What the code of a class or function consists of. Raises: `UserError` as `source_of` does."""
    file = _file(build)
    if file is not None:
        found, made = trace({build.__module__: file}, file.parent), "<locals>" in build.__qualname__
        return replace(found, texts=_from_around(build)) if made else found
    if "<locals>" in build.__qualname__:
        raise UserError(
            f"{build.__qualname__} is defined inside of a function, and what it takes from there "
            "cannot be told; define it outside, or in a file"
        )
    return _typed(build)


def _from_around(build: Any) -> dict[str, str]:
    """Of a class or function that a function has made: the values that it took from there, which
    its file does not tell. A class or function among them is told by its name."""
    values: dict[str, Any] = {}
    for function in _functions(build):
        name, cells = function.__qualname__, function.__closure__ or ()
        values |= {f"{name}, {variable}": cell.cell_contents for variable, cell
                   in zip(function.__code__.co_freevars, cells, strict=True)
                   if variable != "__class__"}  # fmt: skip
        given = {"defaults": function.__defaults__, **(function.__kwdefaults__ or {})}
        values |= {f"{name}, {key}": value for key, value in given.items() if value is not None}
    own = vars(build) if isinstance(build, type) else {}
    values |= {
        f"{build.__qualname__}, {key}": value
        for key, value in own.items()
        if not key.startswith("__") and not callable(value) and not hasattr(value, "__get__")
    }
    return {
        name: _value(build, name, value) if _home(value) is None
        else f"{value.__module__}.{value.__qualname__}"
        for name, value in values.items()
    }  # fmt: skip


def _typed(build: Any) -> Sources:
    """From name to name, as far as what was typed goes; what is imported by its file."""
    texts: dict[str, str] = {}
    files: dict[str, Path] = {}
    packages: set[str] = set()
    todo: list[tuple[str, Any]] = [(build.__name__, build)]
    space = vars(sys.modules[build.__module__]) if build.__module__ in sys.modules else {}
    while todo:
        name, value = todo.pop()
        if name in texts:
            continue
        home = value.__name__ if isinstance(value, ModuleType) else _home(value)
        if home is not None and home != build.__module__:
            found = _imported(build, home)
            files |= found.files
            packages |= found.packages
            texts[name] = f"{home}.{getattr(value, '__qualname__', '')}"
            continue
        if home is None:
            texts[name] = _value(build, name, value)
            continue
        if isinstance(value, type) and not _functions(value):
            texts[name] = f"class {value.__qualname__}"
            todo += _parts(name, value)
            continue
        texts[name] = _definition(value)
        todo += [(used, space[used]) for used in _globals(texts[name]) if used in space]
    return Sources(files, frozenset(packages - sys.stdlib_module_names), texts)


def _imported(build: Any, home: str) -> Sources:
    """A module that typed code uses, with what it imports; refused where its file has changed."""
    file = getattr(sys.modules.get(home), "__file__", None)
    if file is None or not is_own(Path(file)):
        return Sources({}, frozenset({home.partition(".")[0]}))
    found = trace({home: Path(file)}, Path(file).parent)
    for name, path in found.files.items():
        module = sys.modules.get(name)
        if module is not None and path.suffix == ".py" and is_stale(module, path):
            raise UserError(
                f"{path.name} has changed since it was imported, and {build.__name__} would run "
                "with what it was; import it anew (importlib.reload, or restart the kernel)"
            )
    return found


def _home(value: Any) -> str | None:
    """The module in which a class or function is defined; None for any other value."""
    if not isinstance(value, type | FunctionType | BuiltinFunctionType):
        return None
    return str(value.__module__ or "builtins")


def _globals(text: str) -> list[str]:
    """The names that a definition takes from around it; its own variables may be called alike."""
    tables, found = [symtable(text, "typed", "exec")], set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        found |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and s.is_global()}
    return sorted(found)


def _functions(value: Any) -> set[FunctionType]:
    """A function, or those of a class that it has not inherited: PyTorch puts an inherited `step`
    into a class when it is first built."""
    own, *above = value.__mro__ if isinstance(value, type) else [value]
    return _of_class(own).difference(*map(_of_class, above))


def _of_class(value: Any) -> set[FunctionType]:
    parts = vars(value).values() if isinstance(value, type) else [value]
    codes = (inspect.unwrap(getattr(part, "__func__", part)) for part in parts)
    return {part for part in codes if isinstance(part, FunctionType)}


def _parts(name: str, kind: type) -> list[tuple[str, Any]]:
    """What a class without a function of its own, by which its cell would be found, consists of:
    what it extends, and its attributes."""
    bases = [(f"{name}({number})", base) for number, base in enumerate(kind.__bases__)]
    return bases + [
        (f"{name}.{attribute}", value)
        for attribute, value in vars(kind).items()
        if not attribute.startswith("__") and not isinstance(value, FunctionType)
    ]


def _definition(value: Any) -> str:
    """The statement that defines a class or function, from the cell in which it was typed."""
    lines = {
        (part.__code__.co_filename, part.__code__.co_firstlineno) for part in _functions(value)
    }
    for file, line in sorted(lines):
        try:
            tree = ast.parse("".join(linecache.getlines(file)))
        except SyntaxError:  # a cell with other languages in it, as it was typed
            continue
        for node in tree.body:
            kinds = (ast.ClassDef, ast.FunctionDef)
            if isinstance(node, kinds) and node.name == value.__name__:
                first = min([node.lineno, *(part.lineno for part in node.decorator_list)])
                if first <= line <= (node.end_lineno or first):
                    return ast.unparse(node)
    raise UserError(
        f"the source of {value.__qualname__} cannot be had, and a run is named by it; put it into "
        "a file and give FILE.py:CLASS"
    )


def _value(build: Any, name: str, value: Any) -> str:
    """A value that code names, as text that differs where the value does."""
    if isinstance(value, Tensor):
        flat = value.detach().cpu().contiguous().reshape(-1)
        raw = flat.view(torch.uint8).numpy().tobytes()  # of types that NumPy has not, too
        return f"{value.dtype} {tuple(value.shape)} {hashlib.sha256(raw).hexdigest()}"
    if type(value).__module__ == "typing":  # of an annotation
        return repr(value)
    try:
        return json.dumps(_plain(value), sort_keys=True)
    except TypeError:
        raise UserError(
            f"{build.__name__} names {name}, {short(repr(value))}, whose content cannot be told; "
            "expected a class, function, module, tensor, number, word, or lists and mappings of "
            f"them: put {name} into the class, or both into a file"
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Span):
        return vars(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
