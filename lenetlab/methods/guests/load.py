"""Somebody else's optimizer, from a file or an importable module, or a class handed over.

`my_method.py:MyOptimizer` or `pytorch_optimizer:Lion`. A `torch.optim.Optimizer` receives its
parameters and a closure, which fills `.grad` and returns the loss without a graph; drive.py drives
it. A class of the step contract (base.py) is driven as ours are, registered in its file or not.
What else is known of a class is in understand.py. What its code consists of (sources.py) is part
of a run's identity.

What needs more than that is refused with a sentence: here, if its signature says so, or when it
is built or makes its first step, if only its error does (errors.py).
"""

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from lenetlab.component import taken_back
from lenetlab.errors import UserError, message_of, one_line, short, unknown
from lenetlab.methods.base import Base
from lenetlab.methods.guests.drive import VERSION, drive
from lenetlab.methods.guests.errors import told, where
from lenetlab.methods.guests.understand import GuestClass, read_class
from lenetlab.methods.installed import import_all
from lenetlab.methods.interactive import sources_of
from lenetlab.methods.registry import Method
from lenetlab.methods.sources import Sources, afresh, trace
from lenetlab.settings import NOT_NEGATIVE, Choice, Settings, resolve

# All that is known of a guest's hyperparameters: what recipes and scenarios have to do with.
_DOMAINS = {"lr": NOT_NEGATIVE, "weight_decay": NOT_NEGATIVE}


@dataclass(frozen=True)
class _Outside(Method):
    """A method whose settings are judged by its own constructor."""

    def settings(self, given: Settings) -> Choice:
        """`given` over the defaults; a default of 1 does not say that 0.5 is wrong."""
        return resolve("method", self.name, self.defaults, given, _DOMAINS, whole=False)


_handed_over: dict[str, type] = {}  # by name; the process forgets them when it ends


def load(spec: str) -> Method:
    """The method that `spec` names, written `file.py:Class` or `module:Class`, or `file.py` with
    exactly one optimizer in it."""
    name, kind, sources, registered = _found(spec)
    for entry in registered:
        if entry.build is kind:
            return replace(entry, name=name, source=sources.digest)
    return _describe(name, kind, sources)


def sources_behind(spec: str) -> Sources:
    """What the code of the method that `spec` names consists of."""
    return _found(spec)[2]


def _found(spec: str) -> tuple[str, type, Sources, list[Method]]:
    """A method's whole name, its class, what that consists of, and what its file has registered."""
    if spec in _handed_over:
        kind = _handed_over[spec]
        return spec, kind, sources_of(kind), []
    place, _, name = (spec, "", "") if spec.endswith(".py") else spec.rpartition(":")
    if not place or not (name or spec.endswith(".py")):
        raise UserError(f"method {spec!r}: expected FILE.py:CLASS or MODULE:CLASS")
    if place == "__main__":
        raise UserError(
            f"{spec} was a class of a script or notebook, and that is not running; hand the class "
            "over again, run(CLASS, …), or put it into a file and give FILE.py:CLASS"
        )
    if place.endswith(".py"):
        place = _spelled(place)
    module, roots, folder, registered = (
        _file(Path(place)) if place.endswith(".py") else _module(place)
    )
    candidates = _optimizers(module) | {entry.build.__name__: entry.build for entry in registered}
    name = name or _only(place, module, candidates)
    if name not in candidates:
        raise unknown(
            f"optimizer in {place}:", name, candidates, "" if candidates else "it has none"
        )
    kind = candidates[name]
    source = inspect.getsourcefile(kind)
    if source is not None:  # which may be another file than the one that was named
        roots.setdefault(kind.__module__, Path(source))
    return f"{place}:{name}", kind, trace(roots, folder), registered


def _spelled(place: str) -> str:
    """A file's path in one way, `own.py` for `./own.py` and for its absolute path: the name of a
    method is part of a run's identity."""
    path = os.path.normpath(place)
    below = os.path.relpath(path)
    return below if os.path.isabs(path) and not below.startswith(os.pardir) else path


def _only(place: str, module: ModuleType, candidates: Mapping[str, Any]) -> str:
    """The one optimizer that a file defines; those it imports are not meant."""
    own = [name for name, found in candidates.items() if found.__module__ == module.__name__]
    if len(own) == 1:
        return own[0]
    if not own:
        raise UserError(f"{place} defines no torch.optim.Optimizer; expected a class of that kind")
    raise UserError(f"{place} defines {len(own)} optimizers; say which: "
                    f"{' or '.join(f'{place}:{name}' for name in own)}")  # fmt: skip


# A module, what it consists of, from where, and what it has registered of itself.
_Loaded = tuple[ModuleType, dict[str, Path], Path | None, list[Method]]


def _file(path: Path) -> _Loaded:
    if not path.is_file():
        what = "is no regular file" if path.exists() else "does not exist"
        raise UserError(f"{path} {what}; expected a Python file with your optimizer")
    name = f"lenetlab_outside_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    roots = {name: path}
    import_all()  # what the file imports of ours is registered as ours
    with afresh(trace(roots, path.parent), path.parent), taken_back(Method) as registered:
        sys.modules[name] = module  # dataclasses and pickling look a class's module up
        with told(lambda error: UserError(f"{path} cannot be imported: {_one_line(error)}")):
            spec.loader.exec_module(module)
    return module, roots, path.parent, registered


def _module(name: str) -> _Loaded:
    with told(lambda error: UserError(
        f"module {name!r} cannot be imported ({_one_line(error)}); is it installed in this "
        "environment?"
    )):  # fmt: skip
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin) if spec is not None and spec.origin else None
        roots = {} if found is None or not found.is_file() else {name: found}
        with afresh(trace(roots)):
            return importlib.import_module(name), roots, None, []


def _one_line(error: BaseException) -> str:
    said = error.msg if isinstance(error, SyntaxError) else message_of(error)
    return f"{one_line(type(error).__name__)}: {said}{where(error)}"


def _optimizers(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if is_optimizer(value)}


def is_optimizer(value: object) -> bool:
    """Whether it is a class that can be trained with: PyTorch's kind, or of our own contract."""
    bases = (torch.optim.Optimizer, Base)
    return isinstance(value, type) and issubclass(value, bases) and value not in bases


def hand_over(kind: type) -> str:
    """The name of a class that is given as it is, by which `load` finds it from now on in this
    process. Raises: `UserError` for what is no optimizer."""
    if not is_optimizer(kind):
        raise UserError(
            f"{short(repr(kind))} is no class of an optimizer; expected a name, or a class that "
            "extends torch.optim.Optimizer"
        )
    name = f"{kind.__module__}:{kind.__qualname__}"
    if not _importable(kind):
        _handed_over[name] = kind
    return name


def _importable(kind: type) -> bool:
    """Whether a class can be found by its name: what then runs is what its file says now."""
    if kind.__module__ == "__main__" or "." in kind.__qualname__:
        return False
    try:
        return importlib.util.find_spec(kind.__module__) is not None
    except (ImportError, ValueError):
        return False


def _describe(spec: str, kind: type, sources: Sources) -> Method:
    facts = read_class(spec, kind)
    _check_step(spec, kind, facts)
    contract = issubclass(kind, Base)
    origin = dict(facts.origin) | {"code": (_consists(sources), "what it imports")}
    return _Outside(
        name=spec,
        family="outside",
        reference=f"{kind.__module__}.{kind.__qualname__}",
        form=facts.form,
        decay=facts.decay,
        norms=facts.norms,
        batch_size=facts.batch_size,
        batch_scaling=facts.batch_scaling,
        asks=facts.asks,
        averages=facts.averages,
        deterministic=facts.deterministic,
        version=VERSION,
        defaults=facts.defaults,
        space=facts.space,
        cost="what it asks for",
        page=inspect.getdoc(kind) or f"{kind.__name__}, from {spec}.",
        build=kind if contract and not facts.fixed else partial(_build, kind, facts),
        source=sources.digest,
        declared=False,
        origin=origin,
        defaults_from=facts.defaults_from,
    )


def _consists(sources: Sources) -> str:
    own = [path.name for path in sources.files.values()] + list(sources.texts)
    return ", ".join([*sorted(own), *sorted(sources.packages)])


def _check_step(spec: str, kind: type, facts: GuestClass) -> None:
    others = list(inspect.signature(kind.step).parameters.values())[1:]  # type: ignore[attr-defined]
    if issubclass(kind, Base):
        return
    if "closure" not in [parameter.name for parameter in others] and not facts.gradient_first:
        raise UserError(
            f"{spec}: its step() takes no closure; expected step(closure), which calls the "
            "closure for the loss and then reads .grad; or gradient_first = True in the class, "
            "and .grad is filled before step()"
        )
    for parameter in others:
        named = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.name != "closure" and named and parameter.default is parameter.empty:
            raise UserError(
                f"{spec}: its step() needs {parameter.name!r} besides the closure; the loop has "
                "nothing else to give, so its closure must be enough"
            )


def _build(kind: Callable[..., Any], facts: GuestClass, params: list[Any], **settings: Any) -> Any:
    made = kind(params, **settings, **facts.fixed)
    if isinstance(made, Base):
        return made
    given = {
        id(p) for part in params for p in (part["params"] if isinstance(part, dict) else [part])
    }
    if any(id(p) not in given for group in made.param_groups for p in group["params"]):
        raise ValueError(
            "its param_groups hold tensors that it was not given, and nobody fills their .grad"
        )
    return drive(made, facts.gradient_first, facts.copies)
