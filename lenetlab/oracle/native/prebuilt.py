"""The engine as a wheel brings it, a library for every instruction set: no compiler is needed.

`list.json` beside the libraries has what was made when the wheel was (hatch_build.py): the SHA-256
of each, the digest of the sources, and the key, in which stands by what it was compiled. A damaged
library is refused. Who may write here is not asked, as it is of the cache (kept.py): Python runs
what lies in the same folders.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

PREBUILT = Path(__file__).with_name("prebuilt")
LIST = "list.json"


class Damaged(Exception):
    """The library is not what the wheel had; the message says which."""


@dataclass(frozen=True)
class Prebuilt:
    """A library, and the key that names its bits."""

    path: Path
    key: str


def record(library: Path, key: str, sources: str) -> dict[str, str]:
    """What the list has of a library."""
    digest = hashlib.sha256(library.read_bytes()).hexdigest()
    return {"file": library.name, "key": key, "sources": sources, "sha256": digest}


def prebuilt(instructions: str, sources: str, folder: Path = PREBUILT) -> Prebuilt | None:
    """The library for an instruction set, made from the sources of that digest; None if there is
    none. Raises `Damaged`."""
    if not (folder / LIST).is_file():
        return None
    entry = json.loads((folder / LIST).read_text()).get(instructions)
    if entry is None or entry["sources"] != sources:
        return None
    path = folder / entry["file"]
    if not path.is_file() or record(path, entry["key"], sources) != entry:
        raise Damaged(f"{path} is not as it was installed; install lenetlab again")
    return Prebuilt(path, entry["key"])
