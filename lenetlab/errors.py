"""A user's mistake, explained in one sentence: what, where, what was expected, what to do; and a
training that a signal ended."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class UserError(Exception):
    """Wrong input. The command line prints the message alone and exits with status 2."""


class Interrupted(Exception):
    """A signal, by its `number`, ended a training between two steps. The same call continues what
    is in `path`; None where nothing of it was to be kept. The command line prints the message and
    exits with status 128 + number."""

    def __init__(self, path: Path | None, step: int, number: int) -> None:
        kept = "the same command begins it anew"
        if path is not None:
            kept = f"the same command continues the run in {path}"
        super().__init__(f"interrupted at step {step}; {kept}")
        self.path, self.step, self.number = path, step, number

    def __reduce__(self) -> tuple[type, tuple[Path | None, int, int]]:
        return Interrupted, (self.path, self.step, self.number)  # a worker answers with it


SHOWN = 80  # characters of what a user wrote that a message repeats
LONG = 240  # characters of what somebody else's code says


def short(text: str) -> str:
    """Text as it is repeated in a message; the middle of a long one is left out."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]}…{text[-SHOWN // 4 :]}"


def one_line(text: str) -> str:
    """`text` on one line that any terminal can print, cut off where it goes on and on."""
    shown = escaped(" ".join(text.split()))
    return shown if len(shown) <= LONG else f"{shown[: LONG - 1]}…"


def escaped(text: str) -> str:
    """`text` with an escape in the place of each sign that cannot be printed."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def message_of(error: BaseException) -> str:
    """What an error of somebody else's says, on one line; it may fail to say anything."""
    try:
        return one_line(str(error)) or "no message"
    except Exception:
        return "its message cannot be read"


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UserError:
    """The error for a name that does not exist, with the nearest one that does."""
    names = sorted(known)
    name = short(str(name))
    near = nearest(name, names)
    guess = "" if near is None else f"did you mean {near!r}? "
    return UserError(f"unknown {kind} {name!r}; {guess}{hint or 'known: ' + ', '.join(names)}")


def letters(name: str) -> str:
    """The letters and figures of a name alone: `L-BFGS` is `lbfgs`, `Heavy Ball` `heavyball`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is most like `name`, in whatever case and with whatever dashes; None
    if none is."""
    names = {letters(other): other for other in known}
    begun = [other for other in names if letters(name) and other.startswith(letters(name))]
    if len(begun) == 1:
        return names[begun[0]]
    near = get_close_matches(letters(name), names, n=1)
    return names[near[0]] if near else None
