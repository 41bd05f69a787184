"""What methods are, in a sentence each, for those who read results and no methods."""

from collections.abc import Iterable, Mapping

from lenetlab.component import Component
from lenetlab.methods.constraint import constraints
from lenetlab.methods.lookup import find, split
from lenetlab.methods.registry import methods
from lenetlab.methods.wrappers import find_wrapper, wrappers
from lenetlab.settings import Settings


def describe(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Title, family, summary and reference by name, as `methods.json` beside results has them. A
    method inside wrappers has their titles and summaries before its own; one that is
    not here is left out: from outside, or of another version."""
    return {name: _one(name) for name in names if is_here(name)}


def defaults() -> dict[str, Settings]:
    """The settings of every method, wrapper and constraint that is here, as they are if nothing is
    given; a record leaves those out."""
    every: list[Mapping[str, Component]] = [methods(), wrappers(), constraints()]
    return {name: entry.defaults for kind in every for name, entry in kind.items()}


def title(entry: Component) -> str:
    """What a person calls it: its summary until the colon, `Muon` or `Heavy ball`."""
    return entry.summary.partition(":")[0]


def is_here(name: str) -> bool:
    """Whether the method is one of ours, and its wrappers."""
    around, own = split(name)
    return own in methods() and all(part in wrappers() for part in around)


def _one(name: str) -> dict[str, str]:
    around, own = split(name)
    method = find(own)
    known = [find_wrapper(wrapper) for wrapper in around]
    parts = [*(wrapper.summary for wrapper in known), method.summary]
    if len(parts) > 1:
        parts = [part.rstrip(".") for part in parts]
    return {
        "title": " + ".join([*map(title, known), title(method)]),
        "family": method.family,
        "summary": " · ".join(parts),
        "reference": "; ".join(part.reference for part in (*known, method) if part.reference),
    }
