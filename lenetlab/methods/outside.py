"""Somebody else's optimizer: any `torch.optim.Optimizer` from a file or an importable module.

`my_method.py:MyOptimizer` or `pytorch_optimizer:Lion`. It receives the ten named parameters and
a closure, which fills `.grad` and returns the loss without a graph. Its hyperparameters and
defaults are its constructor's; a `weight_decay` that is not zero by default is set to zero,
because scenario `plain` allows none. Modes (`train()`, `eval()`) are not switched: the weights it
trains are judged. The SHA-256 of its source file is part of a run's identity.

What needs more than that is refused with a sentence: here, if its signature says so, or when it
is built or makes its first step, if only its error does (`told`).
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
from lenetlab.methods.registry import Method, Span, log_uniform
from lenetlab.settings import Value

# What optimizers raise that need more than parameters and `.grad`, and what it means.
_NEEDS = {
    "does not require grad": "it differentiates the gradient, and .grad comes without its graph; "
    "a method of this laboratory asks oracle.hessian for products with the Hessian",
    "object has no attribute 'parameters'": "it wants the model; methods get its parameters alone",
    "object has no attribute 'named_parameters'": "it wants the model; methods get its parameters "
    "alone",
    "'list' object has no attribute": "it goes around another optimizer, and gets parameters; "
    "a class of your own can build both",
    "need to pass `params`": "it goes around another optimizer, and gets parameters alone; "
    "a class of your own can build both",
    "Tensor.__contains__ only supports": "it wants parameter groups with keys of its own, and "
    "gets the ten parameters; a class of your own can sort them into groups",
    "process group": "it wants several processes; here is one",
    "mat1 and mat2 shapes cannot be multiplied": "it wants parameters of other shapes than "
    "LeNet-5's ten",
}


def told(error: Exception) -> str:
    """An error on one line: what the optimizer needs, where it is known to mean that, and why."""
    message = " ".join(str(error).split()) or "no message"
    meaning = next((means for sign, means in _NEEDS.items() if sign in message), None)
    return f"{meaning} (it said: {message})" if meaning else message


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
    needed: list[str] = []
    _, *parameters = inspect.signature(optimizer).parameters.values()
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        missing = parameter.default is parameter.empty
        # A rate without a default is common; PyTorch's own SGD long had none.
        if missing and parameter.name != "lr":
            needed.append(repr(parameter.name))
            continue
        default = 1e-3 if missing else parameter.default
        if default is None or isinstance(default, bool | int | float | str | tuple):
            defaults[parameter.name] = default  # anything else cannot be set and stays as it is
    if needed:
        have, it = ("has", "it one") if len(needed) == 1 else ("have", "them some")
        raise UserError(
            f"{spec} needs {' and '.join(needed)}, which {have} no default; give {it} in its "
            "constructor, or in that of a class of your own that extends it"
        )
    decays = "weight_decay" in defaults
    if decays:
        defaults["weight_decay"] = 0.0
    _check_step(spec, optimizer)
    page = inspect.getdoc(optimizer) or f"{optimizer.__name__}, from {spec}."
    return Method(
        name=spec,
        family="outside",
        reference=f"{optimizer.__module__}.{optimizer.__qualname__}",
        form="named",
        decay="coupled" if decays else "none",
        version=1,
        defaults=defaults,
        space=_space(defaults),
        cost="what it asks for",
        page=page,
        build=optimizer,
        source=_checksum(optimizer),
    )


def _space(defaults: dict[str, Value]) -> dict[str, Span]:
    """The rate, a hundredth of its default to ten times as much: nothing else is known of it."""
    lr = defaults.get("lr")
    if isinstance(lr, bool) or not isinstance(lr, int | float) or lr <= 0:
        return {}
    return {"lr": log_uniform(lr / 100, lr * 10)}


def _check_step(spec: str, optimizer: type[torch.optim.Optimizer]) -> None:
    _, *asked = inspect.signature(optimizer.step).parameters.values()
    if "closure" not in [parameter.name for parameter in asked]:
        raise UserError(
            f"{spec}: its step() takes no closure; expected step(closure), which calls the "
            "closure for the loss and then reads .grad"
        )
    for parameter in asked:
        named = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.name != "closure" and named and parameter.default is parameter.empty:
            raise UserError(
                f"{spec}: its step() needs {parameter.name!r} besides the closure; the loop has "
                "nothing else to give, so its closure must be enough"
            )


def _checksum(optimizer: type) -> str:
    source = inspect.getsourcefile(optimizer)
    return hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""
