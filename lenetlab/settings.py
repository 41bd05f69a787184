"""Named settings with defaults: parsed from text, checked against a domain, never guessed.

Methods, schedules, batch plans and every other part of a recipe are a name and a few
settings; all of them are validated here, so that a misspelt name or a rate of -1 gets the
same clear answer everywhere.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lenetlab.errors import UserError, short, unknown

Value = bool | int | float | str | None | tuple[float | int | None, ...]
Settings = Mapping[str, Value]

BETWEEN = r",(?![^(\[]*[)\]])"  # a comma between values, none of those in a tuple or a list
WHOLE = 2**63  # whole numbers stay below
LONGEST = 1000  # characters of a value
_NUMBER = r"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|inf(inity)?|nan)"


@dataclass(frozen=True)
class Domain:
    """An interval of numbers, closed below, open above unless `closed`."""

    low: float = -math.inf
    high: float = math.inf
    closed: bool = False

    def __contains__(self, x: float) -> bool:
        return self.low <= x and (x < self.high or (self.closed and x == self.high))

    def __str__(self) -> str:
        if self.high == math.inf:
            return "a finite number" if self.low == -math.inf else f"a number ≥ {self.low:g}"
        return f"a number in [{self.low:g}, {self.high:g}{']' if self.closed else ')'}"


POSITIVE_COUNT = Domain(1)
NOT_NEGATIVE = Domain(0)
FRACTION = Domain(0, 1)
UNIT = Domain(0, 1, closed=True)

# What a hyperparameter of this name may be, whichever method it belongs to.
DOMAINS: Mapping[str, Domain] = {
    "lr": NOT_NEGATIVE,
    "weight_decay": NOT_NEGATIVE,
    "eps": NOT_NEGATIVE,
    "momentum": FRACTION,
    "rho": FRACTION,
    "beta1": FRACTION,
    "beta2": FRACTION,
}


@dataclass(frozen=True)
class Choice:
    """One part of a recipe: a name and all of its settings, defaults filled in.

    The defaults are kept beside the settings so that the canonical form can leave out what
    was not changed: a setting added later then changes no old hash.
    """

    name: str
    settings: Settings = field(default_factory=dict)
    defaults: Settings = field(default_factory=dict, repr=False, compare=False)

    def changed(self) -> dict[str, Value]:
        """The settings that differ from their default, sorted by name."""
        given = self.settings
        return {k: given[k] for k in sorted(given) if k not in self.defaults
                or given[k] != self.defaults[k]}  # fmt: skip

    def __str__(self) -> str:
        settings = ",".join(f"{k}={show(v)}" for k, v in self.changed().items())
        return f"{self.name}:{settings}" if settings else self.name


def plain(value: Any) -> Any:
    """A number of NumPy's as Python's own; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def show(value: Value) -> str:
    """A value as a person writes it on the command line; lists are those of a file."""
    if isinstance(value, list):
        value = tuple(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, int) and abs(value) >= WHOLE:
        return f"{'-' if value < 0 else ''}2^{value.bit_length() - 1} or more"
    return str(value)


def parse_value(text: str) -> Value:
    """`0.1`, `1e-3`, `true`, `none`, `(0.9, 0.99)`, `nan` or a word, as typed by a user."""
    if len(text) > LONGEST:
        raise UserError(
            f"{short(text)} has {len(text):,} characters; a setting is a number, a word, or a few "
            "of them"
        )
    if text[:1] + text[-1:] in ("()", "[]"):
        parts = [_parse_one(part.strip()) for part in text[1:-1].split(",") if part.strip()]
        numbers = [part for part in parts if not isinstance(part, str | tuple)]
        return tuple(numbers) if len(numbers) == len(parts) else text
    return _parse_one(text)


def _parse_one(text: str) -> Value:
    words: dict[str, Value] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    if re.fullmatch(r"[+-]?[0-9]{1,19}", text) and abs(int(text)) < WHOLE:
        return int(text)
    if re.fullmatch(_NUMBER, text.lower()):
        return float(text) + 0.0  # zero has no sign
    return text


def parse_pairs(pairs: list[str], option: str) -> dict[str, Value]:
    """`["lr=0.1", "eps=1e-8"]` as a dictionary; `option` names the flag in an error."""
    parsed: dict[str, Value] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip() or not text.strip():
            raise UserError(f"{option} {pair!r}: expected NAME=VALUE, as in {option} lr=0.01")
        if name.strip() in parsed:
            raise UserError(f"{option} {pair!r}: {name.strip()!r} was already given")
        parsed[name.strip()] = parse_value(text.strip())
    return parsed


def parse_choice(text: str) -> tuple[str, dict[str, Value]]:
    """`"step:gamma=0.5,every=0.2"` as the name and its settings."""
    name, _, rest = text.partition(":")
    pairs = re.split(BETWEEN, rest)
    return name.strip(), parse_pairs([p for p in pairs if p.strip()], name.strip() + ":")


def resolve(
    kind: str,
    name: str,
    defaults: Settings,
    given: Settings,
    domains: Mapping[str, Domain] = DOMAINS,
    whole: bool = True,
) -> Choice:
    """The choice `name` with `given` laid over `defaults`, or a `UserError` that says why not.

    whole : whether a whole number as a default means that only whole numbers will do, and a number
        that `none` will not; false for what was written by others.
    """
    for key in given:
        if key not in defaults:
            has = ", ".join(defaults) if defaults else "none"
            raise unknown(f"setting of {kind} {name}:", key, defaults, f"it has: {has}")
    settings = {
        key: _checked(
            f"{kind} {name}", key, given.get(key, default), default, domains.get(key), whole
        )
        for key, default in defaults.items()
    }
    return Choice(name, settings, defaults)


def _checked(
    owner: str, key: str, value: Value, default: Value, domain: Domain | None, whole: bool
) -> Value:
    """`value` in the type of `default` and inside `domain`; a file's list is a tuple."""
    value = tuple(value) if isinstance(value, list) else value
    here = f"{owner}: {key}={short(show(value))}"
    if isinstance(value, int) and abs(value) >= WHOLE:
        raise UserError(f"{here} is out of range; expected {domain or Domain()}")
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise UserError(f"{here} is not allowed; expected true or false")
        return value
    if value is None and not whole:
        return value
    if isinstance(default, int | float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"{here} is not a number; expected {domain or Domain()}")
        if value == default and math.isinf(value):  # "no bound", in optimizers from outside
            return value
        if not math.isfinite(value) or (domain is not None and value not in domain):
            raise UserError(f"{here} is out of range; expected {domain or Domain()}")
        if isinstance(default, float) or (value != int(value) and not whole):
            return float(value) + 0.0  # −0 becomes 0
        if value != int(value):
            raise UserError(f"{here} is not whole; expected a whole number")
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{here} is out of range; expected {Domain()}")
    if isinstance(default, str) and not isinstance(value, str):
        raise UserError(f"{here} is not allowed; expected a word such as {default!r}")
    if isinstance(default, tuple) and isinstance(value, str):
        raise UserError(f"{here} is not allowed; expected numbers such as {show(default)}")
    if not _is_value(value):
        raise UserError(f"{here} is not allowed; expected a number, a word, or a list of numbers")
    return value


def _is_value(value: object) -> bool:
    """What can stand in a recipe; study files and Python may give anything."""
    if isinstance(value, list | tuple):
        return len(value) <= LONGEST and all(_is_scalar(part) for part in value)
    return _is_scalar(value) or (isinstance(value, str) and len(value) <= LONGEST)


def _is_scalar(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and abs(value) < WHOLE)
