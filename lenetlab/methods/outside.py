"""Somebody else's optimizer: any `torch.optim.Optimizer` from a file or an importable module.

`my_method.py:MyOptimizer` or `pytorch_optimizer:Lion`. It receives the ten named parameters and
a closure. Its hyperparameters and defaults are its constructor's; a `weight_decay` that is not
zero by default is set to zero, because scenario `plain` allows none. The SHA-256 of its source
file is part of a run's identity.
"""

import hashlib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import torch

from lenetlab.errors import UserError, unknown
from lenetlab.methods.registry import Method
from lenetlab.settings import Value


def load(spec: str) -> Method:
    """The method that `spec` names, written `file.py:Class` or `module:Class`."""
    place, _, name = spec.rpartition(":")
    if not place or not name:
        raise UserError(f"method {spec!r}: expected FILE.py:CLASS or MODULE:CLASS")
    module = _file(Path(place)) if place.endswith(".py") else _module(place)
    candidates = _optimizers(module)
    if name not in candidates:
        raise unknown(f"optimizer in {place}:", name, candidates)
    return _describe(spec, candidates[name])


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserError(f"{path} does not exist; expected a Python file with your optimizer")
    name = f"lenetlab_outside_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look a class's module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{path} cannot be imported: {_one_line(error)}") from error
    return module


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise UserError(
            f"module {name!r} cannot be imported ({_one_line(error)}); "
            f"is it installed in this environment?"
        ) from error


def _one_line(error: Exception) -> str:
    where = ""
    if isinstance(error, SyntaxError):
        where = f", line {error.lineno}"
    return f"{type(error).__name__}: {error.args[0] if error.args else ''}{where}"


def _optimizers(module: ModuleType) -> dict[str, type[torch.optim.Optimizer]]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, torch.optim.Optimizer)
        and value is not torch.optim.Optimizer
    }


def _describe(spec: str, optimizer: type[torch.optim.Optimizer]) -> Method:
    defaults: dict[str, Value] = {}
    _, *parameters = inspect.signature(optimizer).parameters.values()
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        missing = parameter.default is parameter.empty
        # A rate without a default is common; PyTorch's own SGD long had none.
        if missing and parameter.name != "lr":
            raise UserError(
                f"{spec} needs {parameter.name!r}, which has no default; "
                "give it one in its constructor"
            )
        defaults[parameter.name] = 1e-3 if missing else parameter.default
    decays = "weight_decay" in defaults
    if decays:
        defaults["weight_decay"] = 0.0
    if "closure" not in inspect.signature(optimizer.step).parameters:
        raise UserError(
            f"{spec}: its step() takes no closure; expected step(closure), which calls the "
            "closure for the loss and then reads .grad"
        )
    page = inspect.getdoc(optimizer) or f"{optimizer.__name__}, from {spec}."
    return Method(
        name=spec,
        family="outside",
        reference=f"{optimizer.__module__}.{optimizer.__qualname__}",
        form="named",
        decay="coupled" if decays else "none",
        version=1,
        defaults=defaults,
        space={},
        cost="what it asks for",
        page=page,
        build=optimizer,
        source=_checksum(optimizer),
    )


def _checksum(optimizer: type) -> str:
    source = inspect.getsourcefile(optimizer)
    return hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""
