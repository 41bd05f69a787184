"""How often a method was taken to the test set: a file beside the runs, a line each time.

Whoever changes an optimizer until the test set likes it has tuned on the test set, whatever the
search inside saw. Nothing can forbid that; it can be counted. A *look* is a recipe, by one version
of a method, measured on the test set in a scenario; the same look again is no other one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lenetlab.disk import locked, make_folder, read_text, replace_text
from lenetlab.errors import UserError

FILE = "test_set.jsonl"


@dataclass(frozen=True)
class Look:
    """`identity` is what the method's code is told by, `recipe` a digest of the recipe."""

    method: str
    identity: str
    scenario: str
    recipe: str


@dataclass(frozen=True)
class Looks:
    """How often so far: `same` this version of the method, `named` all that had its name, in
    `versions` versions."""

    same: int
    named: int
    versions: int


def look(method: str, identity: str, scenario: str, recipe: Mapping[str, Any]) -> Look:
    """A look by a canonical recipe."""
    text = json.dumps(recipe, sort_keys=True, separators=(",", ":"))
    return Look(method, identity, scenario, hashlib.sha256(text.encode()).hexdigest()[:16])


def note(folder: Path, one: Look) -> None:
    """Write a look down, unless it is there."""
    with locked(make_folder(folder) / FILE):
        known = _read(folder)
        if one not in known:
            lines = [json.dumps(asdict(each), ensure_ascii=False) for each in (*known, one)]
            text = "\n".join(lines) + "\n"
            replace_text(folder / FILE, text)


def count(folder: Path, method: str, identity: str, scenario: str) -> Looks:
    """The looks that were taken from `folder` in a scenario."""
    named = [one for one in _read(folder) if (one.method, one.scenario) == (method, scenario)]
    identities = [one.identity for one in named]
    return Looks(identities.count(identity), len(named), len(set(identities)))


def _read(folder: Path) -> list[Look]:
    path = folder / FILE
    if not path.exists():
        return []
    try:
        # not splitlines(): a name may have other signs in it that end a line for Python
        return [Look(**json.loads(line)) for line in read_text(path).split("\n") if line]
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{path} is broken ({error}); it counts how often methods were taken to the test set: "
            "restore it, or move it away and say so"
        ) from None
