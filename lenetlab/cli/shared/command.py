"""A command that takes a method's hyperparameters as options too: `--lr 0.1` for `--set lr=0.1`."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from typer import BadParameter
from typer.core import TyperCommand

from lenetlab.errors import UserError, nearest

_NUMBER = re.compile(r"-[\d.]")
_NUMBERS = re.compile(r"[\d.e+-]+(,[\d.e+-]+)+")
# What other programs call it.
_MEANT = {"learning_rate": "lr", "wd": "weight_decay", "batch": "batch_size", "bs": "batch_size"}
_SHOWN = 6  # methods that a message names

Unknown = list[tuple[str, str | None]]  # options that the command does not have, and their values


class Command(TyperCommand):
    """Reads options that the command does not have as hyperparameters of the methods it is given,
    if it has `--set`; answers others with what may have been meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Click's own, with hyperparameters under `--set`."""
        if ctx.resilient_parsing:  # a shell completes what is not whole yet
            return list(super().parse_args(ctx, args))
        known = [name for param in self.params for name in (*param.opts, *param.secondary_opts)]
        rest, unknown = _taken_out(args, {*known, "--help"})
        if unknown:
            methods = self._methods(ctx, rest) if "--set" in known else None
            rest = [*_settings(unknown, methods, known), *rest]
        try:
            return list(super().parse_args(ctx, rest))
        except BadParameter as error:
            if (meant := _several(error, args, known)) is None:
                raise
            raise UserError(meant) from error

    def _methods(self, ctx: Any, rest: list[str]) -> list[str]:
        """The methods among the words that are no options."""
        found, _, _ = self.make_parser(ctx).parse_args(list(rest))
        methods = next(found.get(p.name) for p in self.params if p.param_type_name == "argument")
        return [methods] if isinstance(methods, str) else list(methods or ())


def _several(error: BadParameter, args: Sequence[str], known: Sequence[str]) -> str | None:
    """What to say where an option of one number was given several; None where it was not."""
    option = error.param.opts[0] if error.param and error.param.opts else ""
    given = {**dict(pairwise(args)), **dict(word.split("=", 1) for word in args if "=" in word)}
    if "--vary" not in known or not _NUMBERS.fullmatch(given.get(option, "")):
        return None
    name = option.removeprefix("--").replace("-", "_")
    compares = f"--vary {name}={given[option]} compares them"
    if name == "seed":
        compares = "--seeds N runs N of them"
    return f"{option} {given[option]} is several values; {compares}"


def _taken_out(args: Sequence[str], known: set[str]) -> tuple[list[str], Unknown]:
    """The words without the options that are not `known`, and those with their values."""
    rest: list[str] = []
    unknown: Unknown = []
    words = list(args)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            return [*rest, word, *words], unknown
        if not word.startswith("--") or name in known:
            rest.append(word)
        elif equals:
            unknown.append((name, value))
        elif words and (not words[0].startswith("-") or _NUMBER.match(words[0])):
            unknown.append((name, words.pop(0)))
        else:
            unknown.append((name, None))
    return rest, unknown


def _settings(unknown: Unknown, methods: list[str] | None, known: list[str]) -> list[str]:
    """The unknown options as `--set`; `UserError` for those that are no hyperparameters. `methods`
    is None for a command that takes none."""
    from lenetlab.experiments.recipe.recipe import settable  # needs torch; most calls do not

    found: list[str] = []
    for option, value in unknown:
        name = option.removeprefix("--").replace("-", "_")
        has = {} if methods is None else {method: settable(method) for method in methods}
        if any(name in names or name.partition(".")[0] + "." in names for names in has.values()):
            if value is None:
                raise UserError(f"{option} needs a value, as in {option} 0.1")
            found += ["--set", f"{name}={value}"]
            continue
        raise UserError(f"no option {option}; {_instead(name, has, known)}")
    return found


def _instead(name: str, has: dict[str, list[str]], known: list[str]) -> str:
    """What may have been meant by an option that is none."""
    from lenetlab.methods.registry import methods  # needs torch; most calls do not

    own = {method: [n for n in names if not n.endswith(".")] for method, names in has.items()}
    their = [f"{method} has {', '.join(names)}" for method, names in own.items()]
    others = [entry.name for entry in methods().values() if name in entry.defaults] if has else []
    if others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        return "; ".join([*their, f"{', '.join(others[:_SHOWN])}{more} have {name}"])
    options = {o.removeprefix("--").replace("-", "_"): o for o in known if o.startswith("--")}
    options |= {n: f"--{n}" for names in own.values() for n in names}
    near = nearest(_MEANT.get(name, name), options)
    if near is not None:
        return f"did you mean {options[near]}?"
    return "; ".join([*their, "--help lists the options"])
