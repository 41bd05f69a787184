"""What methods are, in a sentence each, for those who read results and no methods."""

from collections.abc import Iterable

from lenetlab.methods.registry import find
from lenetlab.methods.wrappers import find_wrapper, split


def describe(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Family, summary and reference by name, as `methods.json` beside results has them. A method
    inside wrappers has their summaries before its own; one from outside, which may not be here,
    is left out."""
    return {name: _one(name) for name in names if ":" not in name}


def _one(name: str) -> dict[str, str]:
    wrappers, own = split(name)
    method = find(own)
    parts = [*(find_wrapper(wrapper).summary for wrapper in wrappers), method.summary]
    if len(parts) > 1:
        parts = [part.rstrip(".") for part in parts]
    return {
        "family": method.family,
        "summary": " · ".join(parts),
        "reference": method.reference,
    }
