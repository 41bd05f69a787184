"""What is understood of a guest's class, and from where: declarations.py, else its constructor.

Nothing is guessed that a class can say. What it leaves open is assumed, and `origin` says so:
`lenetlab methods FILE:CLASS` shows every line.
"""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import Parameter

import torch

from lenetlab.component import Span, log_uniform
from lenetlab.errors import UserError, unknown
from lenetlab.methods.guests.declarations import Declared, declared, simple
from lenetlab.methods.registry import SCALINGS, Asks, BatchScaling, Decay, Form, Method, Norms
from lenetlab.settings import Value

# Arguments of a constructor that say, true by default, that decay is decoupled.
_SWITCHES = ("decoupled_weight_decay", "weight_decouple", "decouple_weight_decay", "decouple")
# Weight decay by another name, or of some parameters alone.
_OTHER_DECAY = re.compile(r"weight_decay_.+|wd|.+_wd|l2|.+_l2|l2_.+")
# What a recipe calls its parts: `--set` of such a name is of the part, whatever method it has.
RECIPES = frozenset({
    "epochs", "passes", "batch_size", "plan", "schedule", "warmup", "scenario", "constraint",
    "decay", "initialisation", "rules", "augment", "split", "problem",
})  # fmt: skip
CLASS, CONSTRUCTOR, ASSUMED = "the class", "its constructor", "assumed"


@dataclass(frozen=True)
class GuestClass:
    """What the laboratory knows of a class.

    fixed : arguments that the constructor gets and nobody can set.
    averages : whether other weights than the trained ones are judged.
    defaults_from : where each default is known from.
    origin : the others, in words for a reader, and where each is known from.
    """

    defaults: Mapping[str, Value]
    fixed: Mapping[str, Value]
    space: Mapping[str, Span]
    decay: Decay
    norms: Norms
    batch_size: int
    batch_scaling: BatchScaling
    form: Form
    asks: Asks
    gradient_first: bool
    copies: tuple[str, ...] | None
    deterministic: bool
    averages: bool
    defaults_from: Mapping[str, str]
    origin: Mapping[str, tuple[str, str]]


def read_class(spec: str, kind: type) -> GuestClass:
    """What is understood of `kind`. Raises: `UserError` for a declaration that is wrong, and for an
    argument of the constructor that nobody gives."""
    said = declared(spec, kind)
    defaults, origin = _hyperparameters(spec, kind, said)
    other = {name: 0.0 for name, value in defaults.items() if _decays_too(name, value)}
    fixed: dict[str, Value] = {**other}
    decay, why = _decay(spec, kind, said, defaults)
    if "weight_decay" in defaults:
        if defaults["weight_decay"]:
            origin["weight_decay"] += ", set to zero: scenario plain allows none"
        defaults["weight_decay"] = 0.0
        if decay == "none":
            fixed["weight_decay"] = 0.0
    parts = {name: value for name, value in defaults.items() if name in RECIPES}
    if wrong := [name for name in parts if name in {*(said.space or ()), *(said.defaults or ())}]:
        raise UserError(
            f"{spec}: {wrong[0]} is what a recipe calls a part of its own, so it cannot be set or "
            "searched as a setting of this class; give it another name"
        )
    held = {*fixed, *parts}
    defaults = {name: value for name, value in defaults.items() if name not in held}
    space, searched = _space(spec, said, defaults)
    judged, averages = _judged(kind)
    form, asks = said.form or "named", said.asks or "once"
    norms, scaling = said.norms or "free", said.batch_scaling or "none"
    batch_size = said.batch_size or Method.batch_size
    first, same = bool(said.gradient_first), said.deterministic is not False
    facts: dict[str, tuple[str, str]] = {
        **{f"{name}, held": (str(value), "a decay that is not weight_decay")
           for name, value in fixed.items()},
        **{f"{name}, held": (str(value), "a recipe calls a part of its own so")
           for name, value in parts.items()},
    }  # fmt: skip
    facts["search"] = (", ".join(f"{name} {span}" for name, span in space.items()), searched)
    facts["decay"] = (decay, why)
    facts["norms"] = (norms, CLASS if said.norms else ASSUMED)
    facts["batch size"] = (f"{batch_size:,}", CLASS if said.batch_size else ASSUMED)
    facts["larger batches"] = (SCALINGS[scaling], CLASS if said.batch_scaling else ASSUMED)
    facts["form"] = (form, CLASS if said.form else ASSUMED)
    facts["asks"] = (asks, CLASS if said.asks else ASSUMED)
    facts["gradient"] = (
        ("before the step", "gradient_first of the class") if first
        else ("from the closure", "its step")
    )  # fmt: skip
    facts["judged"] = judged
    facts["copies of weights"] = _copies(said)
    facts["same bits again"] = (
        "yes" if same else "no", ASSUMED if said.deterministic is None else CLASS,
    )  # fmt: skip
    return GuestClass(
        defaults, fixed, space, decay, norms, batch_size, scaling, form, asks, first, said.copies,
        same, averages, origin, facts,
    )  # fmt: skip


def _hyperparameters(
    spec: str, kind: type, said: Declared
) -> tuple[dict[str, Value], dict[str, str]]:
    """Defaults, the declared over those of the constructor, and where each is from."""
    defaults: dict[str, Value] = {}
    origin: dict[str, str] = {}
    needed: list[str] = []
    given = dict(said.defaults or {})
    parameters = _arguments(spec, kind)
    any_name = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if not any_name and (stray := [n for n in given if n not in {p.name for p in named}]):
        known = [parameter.name for parameter in named]
        raise unknown(f"name in defaults of {spec}:", stray[0], known)
    for parameter in named:
        name = parameter.name
        if name in given:
            defaults[name], origin[name] = given.pop(name), CLASS
        elif parameter.default is not parameter.empty:
            if simple(parameter.default):  # anything else cannot be set and stays as it is
                defaults[name], origin[name] = parameter.default, CONSTRUCTOR
        elif name == "lr":  # common; PyTorch's own SGD long had none
            defaults[name], origin[name] = 1e-3, "assumed, the constructor gives none"
        else:
            needed.append(repr(name))
    if needed:
        have, it = ("has", "it one") if len(needed) == 1 else ("have", "them some")
        raise UserError(
            f"{spec} needs {' and '.join(needed)}, which {have} no default; give {it} in its "
            "constructor, or in that of a class of your own that extends it"
        )
    defaults |= given  # taken by **hyper
    return defaults, origin | dict.fromkeys(given, CLASS)


def _arguments(spec: str, kind: type) -> list[Parameter]:
    """Those of its constructor after the first, which is what it trains."""
    found = list(inspect.signature(kind).parameters.values())
    if not found or found[0].kind in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD):
        raise UserError(
            f"{spec}: its constructor takes nothing to train; expected parameters first, as in "
            "__init__(self, params, lr=0.01)"
        )
    return found[1:]


def _decays_too(name: str, value: Value) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and _OTHER_DECAY.fullmatch(name) is not None


def _decay(
    spec: str, kind: type, said: Declared, defaults: Mapping[str, Value]
) -> tuple[Decay, str]:
    if said.decay in ("coupled", "decoupled") and "weight_decay" not in defaults:
        raise UserError(
            f"{spec}: decay = {said.decay!r}, and it has no weight_decay; expected "
            "decay = 'none', or an argument weight_decay of its constructor"
        )
    if said.decay is not None:
        return said.decay, CLASS
    if "weight_decay" not in defaults:
        return "none", "no weight_decay in its constructor: the oracle adds it to the loss"
    for switch in _SWITCHES:
        if defaults.get(switch) is True:
            return "decoupled", f"{switch}=True of its constructor"
    if issubclass(kind, torch.optim.AdamW):
        return "decoupled", "it extends AdamW"
    return "coupled", f"{ASSUMED}; a class says decay = 'decoupled' where it is"


def _space(
    spec: str, said: Declared, defaults: Mapping[str, Value]
) -> tuple[Mapping[str, Span], str]:
    """The declared ranges; else the rate, a hundredth of its default to ten times as much."""
    if said.space is not None:
        for name in said.space:
            value = defaults.get(name)
            if name not in defaults:
                raise unknown(f"name in space of {spec}:", name, defaults)
            if isinstance(value, bool | str | tuple):
                raise UserError(
                    f"{spec}: space has a range for {name}, whose default {value!r} is no number; "
                    "leave it out"
                )
        return {
            name: _of_kind(name, defaults[name], span) for name, span in said.space.items()
        }, CLASS
    lr = defaults.get("lr")
    if isinstance(lr, bool) or not isinstance(lr, int | float) or lr <= 0:
        return {}, "it has no rate, and its class no space"
    return {"lr": log_uniform(lr / 100, lr * 10)}, f"{ASSUMED}: 1/100 to 10 times the default"


def _of_kind(name: str, default: Value, span: Span) -> Span:
    """A range of whole numbers is of a count if the default is one; a rate is none."""
    return replace(span, whole=span.whole and isinstance(default, int) and name != "lr")


def _judged(kind: type) -> tuple[tuple[str, str], bool]:
    if hasattr(kind, "eval_weights"):
        return ("what eval_weights(w) returns", CLASS), True
    if all(callable(getattr(kind, mode, None)) for mode in ("train", "eval")):
        return ("what eval() puts in place, on a copy", "its train() and eval()"), True
    return ("the trained weights", "neither eval_weights nor eval()"), False


def _copies(said: Declared) -> tuple[str, str]:
    if said.copies is None:
        return "what points as w does", f"{ASSUMED}; looked for under a constraint"
    return ", ".join(said.copies) or "none", CLASS
