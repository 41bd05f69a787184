"""`lenetlab methods`: the list of methods, or one method's page."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from lenetlab.cli.options import Json
from lenetlab.cli.terminal.console import out, print_json
from lenetlab.methods.constraint import ConstraintEntry, constraints
from lenetlab.methods.lookup import find
from lenetlab.methods.names import called
from lenetlab.methods.registry import DECAYS, FAMILIES, NORMS, SCALINGS, Method
from lenetlab.methods.registry import methods as registered
from lenetlab.methods.wrappers import KINDS, Wrapper, wrappers
from lenetlab.settings import show

_EXAMPLE = {
    "average": "ema+sgd",
    "update": "lookahead+sgd, ema+lookahead+sgd",
    "estimator": "sam+sgd, ema+lookahead+sam+sgd",
}


def _understood(entry: Method) -> dict[str, object]:
    return {
        "defaults_from": {name: entry.defaults_from[name] for name in entry.defaults},
        "understood": {k: {"value": v, "from": where} for k, (v, where) in entry.origin.items()},
    }


def _print_origin(entry: Method) -> None:
    """What is understood of a class from outside, line by line, and where it is known from."""
    out.print()
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("what", no_wrap=True)
    table.add_column("is understood as", overflow="fold")
    table.add_column("from", overflow="fold")
    for what, (value, where) in entry.origin.items():
        table.add_row(what, value or "nothing", where)
    out.print(table)
    out.print("What is assumed a class can say itself: docs/guests.md")


def methods(
    name: Annotated[str | None, typer.Argument(help="Print this method's page.")] = None,
    json: Json = False,
) -> None:
    """List the methods by family, wrappers and constraints, or print the page of one.

    Of a class from outside it shows what is understood of it, and from where.

    Examples: `lenetlab methods`, `lenetlab methods adamw`, `lenetlab methods my.py:MyOptimizer`
    """

    def plain(entry: Method) -> dict[str, object]:
        return {
            "name": entry.name,
            "family": entry.family,
            "summary": entry.summary,
            "reference": entry.reference,
            "defaults": dict(entry.defaults),
            "space": {key: vars(span) for key, span in entry.space.items()},
            "decay": entry.decay,
            "norms": entry.norms,
            "cost": entry.cost,
            "batch_size": entry.batch_size,
            "batch_scaling": entry.batch_scaling,
            "version": entry.version,
            **(_understood(entry) if entry.origin else {}),
        }

    def plain_part(entry: Wrapper | ConstraintEntry) -> dict[str, object]:
        return {
            "name": entry.name,
            "kind": entry.kind,
            "summary": entry.summary,
            "reference": entry.reference,
            "defaults": dict(entry.defaults),
            "space": {key: vars(span) for key, span in entry.space.items()},
            "cost": entry.cost,
            "version": entry.version,
        }

    if name is not None:
        parts: dict[str, Wrapper | ConstraintEntry] = {**wrappers(), **constraints()}
        name = called(name, [*parts, *registered()])
        entry = parts[name] if name in parts else find(name)
        described = plain(entry) if isinstance(entry, Method) else plain_part(entry)
        if json:
            print_json(described | {"page": entry.page})
            return
        out.print(entry.page, markup=False, soft_wrap=True)
        out.print()
        table = Table(box=None, header_style="bold", pad_edge=False)
        known_from = entry.defaults_from if isinstance(entry, Method) else {}
        for title in ("hyperparameter", "default", "search", *(["from"] if known_from else [])):
            table.add_column(title)
        for key, value in entry.defaults.items():
            table.add_row(key, show(value), str(entry.space.get(key, "")), known_from.get(key))
        out.print(table)
        if isinstance(entry, Wrapper):
            out.print(f"{entry.kind}; around a method: {entry.name}+sgd")
            if entry.rate != 1:
                out.print(f"the method inside has {entry.rate:g} of its registered rate")
            out.print(f"cost: {entry.cost}")
            return
        if isinstance(entry, ConstraintEntry):
            out.print(f"constraint; beside a method: --scenario sparse --constraint {entry.name}")
            out.print(f"cost: {entry.cost}")
            return
        if entry.origin:
            _print_origin(entry)
            return
        out.print(f"family {entry.family}; batch size {entry.batch_size:,} unless set otherwise")
        if "lr" in entry.space:
            out.print(f"in a search {SCALINGS[entry.batch_scaling]}")
        out.print(f"weight decay: {DECAYS[entry.decay]}; `--decay weights` spares the biases")
        out.print(f"norms of the weights: {NORMS[entry.norms]}")
        out.print(f"cost: {entry.cost}")
        return
    known = registered()
    if json:
        print_json([plain(entry) for entry in known.values()])
        return
    width = max(len(name) for name in [*known, *wrappers(), *constraints()])
    for family, what in FAMILIES.items():
        of_family = [entry for entry in known.values() if entry.family == family]
        if of_family:
            out.print(Text.assemble("\n", (family.replace("_", " "), "bold"), f": {what}"))
        for entry in of_family:
            out.print(f"  {entry.name:<{width}}  {entry.summary}", markup=False, soft_wrap=True)
    for kind in KINDS:
        example = f": around a method, as in {_EXAMPLE[kind]}"
        out.print(Text.assemble("\n", (f"{kind}s", "bold"), example))
        for wrapper in wrappers().values():
            if wrapper.kind == kind:
                out.print(f"  {wrapper.name:<{width}}  {wrapper.summary}", markup=False,
                          soft_wrap=True)  # fmt: skip
    out.print(
        Text.assemble("\n", ("constraints", "bold"), ": beside a method, for few nonzero weights")
    )
    for entry in constraints().values():
        out.print(f"  {entry.name:<{width}}  {entry.summary}", markup=False, soft_wrap=True)
    out.print("\n`lenetlab methods NAME` prints a method's page.", markup=False)
