"""Somebody else's optimizer: any `torch.optim.Optimizer` from a file or an importable module.

`my_method.py:MyOptimizer` or `pytorch_optimizer:Lion`. It receives the ten named parameters and
a closure, which fills `.grad` and returns the loss without a graph; guest.py drives it. Its
hyperparameters and defaults are its constructor's; a `weight_decay` that is not zero by default is
set to zero, because scenario `plain` allows none. What its code consists of (sources.py) is part
of a run's identity.

What needs more than that is refused with a sentence: here, if its signature says so, or when it
is built or makes its first step, if only its error does (`explain_error`).
"""

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from lenetlab.component import Span, log_uniform
from lenetlab.errors import UserError, unknown
from lenetlab.methods.guest import VERSION, Guest, drive
from lenetlab.methods.registry import Method
from lenetlab.methods.sources import Sources, afresh, is_own, trace
from lenetlab.settings import NOT_NEGATIVE, Choice, Settings, Value, resolve

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


# All that is known of a guest's hyperparameters: what recipes and scenarios have to do with.
_DOMAINS = {"lr": NOT_NEGATIVE, "weight_decay": NOT_NEGATIVE}


@dataclass(frozen=True)
class _Outside(Method):
    """A method whose settings are judged by its own constructor."""

    def settings(self, given: Settings) -> Choice:
        """`given` over the defaults; a default of 1 does not say that 0.5 is wrong."""
        return resolve("method", self.name, self.defaults, given, _DOMAINS, whole=False)


def explain_error(error: BaseException) -> str:
    """An error on one line: what the optimizer needs, where it is known to mean that, and why;
    with the line of the user's own code in which it was raised, or from which."""
    message = " ".join(str(error).split()) or "no message"
    meaning = next((means for sign, means in _NEEDS.items() if sign in message), None)
    return (f"{meaning} (it said: {message})" if meaning else message) + _where(error)


def _where(error: BaseException) -> str:
    """` (own.py:37)`; nothing if no code of the user's had a part in it."""
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    own = [(Path(name), line) for name, line in frames if is_own(Path(name))]
    return f" ({own[-1][0].name}:{own[-1][1]})" if own else ""


def load(spec: str) -> Method:
    """The method that `spec` names, written `file.py:Class` or `module:Class`, or `file.py` with
    exactly one optimizer in it."""
    return _describe(*_found(spec))


def sources_of(spec: str) -> Sources:
    """What the code of the method that `spec` names consists of."""
    return _found(spec)[2]


def _found(spec: str) -> tuple[str, type[torch.optim.Optimizer], Sources]:
    """A method's whole name, its class, and what that consists of."""
    place, _, name = (spec, "", "") if spec.endswith(".py") else spec.rpartition(":")
    if not place or not (name or spec.endswith(".py")):
        raise UserError(f"method {spec!r}: expected FILE.py:CLASS or MODULE:CLASS")
    module, roots, folder = _file(Path(place)) if place.endswith(".py") else _module(place)
    candidates = _optimizers(module)
    name = name or _only(place, module, candidates)
    if name not in candidates:
        raise unknown(f"optimizer in {place}:", name, candidates)
    optimizer = candidates[name]
    source = inspect.getsourcefile(optimizer)
    if source is not None:  # which may be another file than the one that was named
        roots.setdefault(optimizer.__module__, Path(source))
    return f"{place}:{name}", optimizer, trace(roots, folder)


def _only(place: str, module: ModuleType, candidates: dict[str, type]) -> str:
    """The one optimizer that a file defines; those it imports are not meant."""
    own = [name for name, found in candidates.items() if found.__module__ == module.__name__]
    if len(own) == 1:
        return own[0]
    if not own:
        raise UserError(f"{place} defines no torch.optim.Optimizer; expected a class of that kind")
    raise UserError(f"{place} defines {len(own)} optimizers; say which: "
                    f"{' or '.join(f'{place}:{name}' for name in own)}")  # fmt: skip


_Loaded = tuple[ModuleType, dict[str, Path], Path | None]  # and what it consists of, from where


def _file(path: Path) -> _Loaded:
    if not path.is_file():
        raise UserError(f"{path} does not exist; expected a Python file with your optimizer")
    name = f"lenetlab_outside_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    roots = {name: path}
    with afresh(trace(roots, path.parent), path.parent):
        sys.modules[name] = module  # dataclasses and pickling look a class's module up
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            raise UserError(f"{path} cannot be imported: {_one_line(error)}") from error
    return module, roots, path.parent


def _module(name: str) -> _Loaded:
    try:
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin) if spec is not None and spec.origin else None
        roots = {} if found is None or not found.is_file() else {name: found}
        with afresh(trace(roots)):
            return importlib.import_module(name), roots, None
    except (Exception, SystemExit) as error:
        raise UserError(
            f"module {name!r} cannot be imported ({_one_line(error)}); "
            f"is it installed in this environment?"
        ) from error


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error.args[0] if error.args else ''}{_where(error)}"


def _optimizers(module: ModuleType) -> dict[str, type[torch.optim.Optimizer]]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, torch.optim.Optimizer)
        and value is not torch.optim.Optimizer
    }


def _describe(spec: str, optimizer: type[torch.optim.Optimizer], sources: Sources) -> Method:
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
    return _Outside(
        name=spec,
        family="outside",
        reference=f"{optimizer.__module__}.{optimizer.__qualname__}",
        form="named",
        decay="coupled" if decays else "none",
        version=VERSION,
        defaults=defaults,
        space=_space(defaults),
        cost="what it asks for",
        page=page,
        build=partial(_build, optimizer),
        source=sources.digest,
        declared=False,
    )


def _space(defaults: dict[str, Value]) -> dict[str, Span]:
    """The rate, a hundredth of its default to ten times as much: nothing else is known of it."""
    lr = defaults.get("lr")
    if isinstance(lr, bool) or not isinstance(lr, int | float) or lr <= 0:
        return {}
    return {"lr": log_uniform(lr / 100, lr * 10)}


def _check_step(spec: str, optimizer: type[torch.optim.Optimizer]) -> None:
    _, *batch_size = inspect.signature(optimizer.step).parameters.values()
    first = bool(getattr(optimizer, "gradient_first", False))
    if "closure" not in [parameter.name for parameter in batch_size] and not first:
        raise UserError(
            f"{spec}: its step() takes no closure; expected step(closure), which calls the "
            "closure for the loss and then reads .grad; or gradient_first = True in the class, "
            "and .grad is filled before step()"
        )
    for parameter in batch_size:
        named = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.name != "closure" and named and parameter.default is parameter.empty:
            raise UserError(
                f"{spec}: its step() needs {parameter.name!r} besides the closure; the loop has "
                "nothing else to give, so its closure must be enough"
            )


def _build(optimizer: Callable[..., torch.optim.Optimizer], params: Any, **settings: Any) -> Guest:
    return drive(optimizer(params, **settings))
