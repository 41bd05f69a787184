"""What `lenetlab methods` prints: the list of methods, or one method's page."""

from typing import Any

from rich.text import Text

from lenetlab.cli.terminal.console import make_table, out, print_json, print_out
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
Entry = Method | Wrapper | ConstraintEntry


def print_page(name: str, json: bool) -> None:
    """The page of a method, a wrapper or a constraint; as JSON what is registered too."""
    entry = _find(name)
    if json:
        print_json(_plain(entry) | {"page": entry.page})
    else:
        _print_page(entry)


def print_list(json: bool) -> None:
    """All methods by family, then wrappers and constraints; as JSON the methods."""
    if json:
        print_json([_plain(entry) for entry in registered().values()])
    else:
        _print_list()


def _find(name: str) -> Entry:
    parts: dict[str, Wrapper | ConstraintEntry] = {**wrappers(), **constraints()}
    name = called(name, [*parts, *registered()])
    return parts[name] if name in parts else find(name)


def _plain(entry: Entry) -> dict[str, Any]:
    """Plain values, for `--json`."""
    own: dict[str, Any] = {"kind": entry.kind}
    if isinstance(entry, Method):
        own = {
            "family": entry.family,
            "decay": entry.decay,
            "norms": entry.norms,
            "batch_size": entry.batch_size,
            "batch_scaling": entry.batch_scaling,
        }
        if entry.origin:
            own["defaults_from"] = {name: entry.defaults_from[name] for name in entry.defaults}
            own["understood"] = {
                key: {"value": value, "from": where} for key, (value, where) in entry.origin.items()
            }
    return {
        "name": entry.name,
        "summary": entry.summary,
        "reference": entry.reference,
        "defaults": dict(entry.defaults),
        "space": {key: vars(span) for key, span in entry.space.items()},
        "cost": entry.cost,
        "version": entry.version,
        **own,
    }


def _print_page(entry: Entry) -> None:
    print_out(entry.page)
    out.print()
    _print_settings(entry)
    if isinstance(entry, Method) and entry.origin:
        _print_origin(entry)
        return
    if isinstance(entry, Wrapper):
        out.print(f"{entry.kind}; around a method: {entry.name}+sgd")
        if entry.rate != 1:
            out.print(f"the method inside has {entry.rate:g} of its registered rate")
    elif isinstance(entry, ConstraintEntry):
        out.print(f"constraint; beside a method: --scenario sparse --constraint {entry.name}")
    else:
        out.print(f"family {entry.family}; batch size {entry.batch_size:,} unless set otherwise")
        if "lr" in entry.space:
            out.print(f"in a search {SCALINGS[entry.batch_scaling]}")
        out.print(f"weight decay: {DECAYS[entry.decay]}; `--decay weights` spares the biases")
        out.print(f"norms of the weights: {NORMS[entry.norms]}")
    out.print(f"cost: {entry.cost}")


def _print_settings(entry: Entry) -> None:
    """The hyperparameters; of a class from outside with where their defaults are known from."""
    known_from = entry.defaults_from if isinstance(entry, Method) else {}
    table = make_table()
    for title in ("hyperparameter", "default", "search", *(["from"] if known_from else [])):
        table.add_column(title)
    for key, value in entry.defaults.items():
        table.add_row(key, show(value), str(entry.space.get(key, "")), known_from.get(key))
    out.print(table)


def _print_origin(entry: Method) -> None:
    """What is understood of a class from outside, line by line, and where it is known from."""
    out.print()
    table = make_table()
    table.add_column("what", no_wrap=True)
    table.add_column("is understood as", overflow="fold")
    table.add_column("from", overflow="fold")
    for what, (value, where) in entry.origin.items():
        table.add_row(what, value or "nothing", where)
    out.print(table)
    out.print("What is assumed a class can say itself: docs/guests.md")


def _print_list() -> None:
    groups: list[tuple[str, str, list[Entry]]] = [
        (family.replace("_", " "), what, [e for e in registered().values() if e.family == family])
        for family, what in FAMILIES.items()
    ]
    groups += [
        (f"{kind}s", f"around a method, as in {_EXAMPLE[kind]}",
         [e for e in wrappers().values() if e.kind == kind])
        for kind in KINDS
    ]  # fmt: skip
    few = "beside a method, for few nonzero weights"
    groups.append(("constraints", few, list(constraints().values())))
    width = max(len(entry.name) for _, _, entries in groups for entry in entries)
    for title, what, entries in groups:
        if entries:
            out.print(Text.assemble("\n", (title, "bold"), f": {what}"))
        for entry in entries:
            print_out(f"  {entry.name:<{width}}  {entry.summary}")
    out.print("\n`lenetlab methods NAME` prints a method's page.")
