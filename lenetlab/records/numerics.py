"""By what a run was computed, and how that differs from another."""

from collections.abc import Mapping
from typing import Any


def numerics_differ(said: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """How the numerics that a run was computed by differ from those here; empty if they do not."""
    keys = [key for key in sorted({*said, *here}) if said.get(key) != here.get(key)]
    return ", ".join(f"{key} {said.get(key)} there and {here.get(key)} here" for key in keys)
