"""A method that challenges a study, by a name that is the same wherever its file lies.

A recipe names the method from a file by the path as it was given, and so does a run's identity. A
challenge is to be judged elsewhere: its guest is named from the folder that its file lies in, and
its sources travel in a folder of the same order, as they were when it was named: a challenge takes
hours, and what is edited meanwhile is not what was run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lenetlab.disk import make_folder, read_bytes, replace_bytes
from lenetlab.errors import UserError
from lenetlab.methods.guests.load import sources_behind
from lenetlab.methods.lookup import canonical, find, split
from lenetlab.methods.sources import is_own
from lenetlab.methods.wrappers import find_wrapper


@dataclass(frozen=True)
class Challenger:
    """method : its canonical name. identity : what its code is told by. sources : its own files, by
    where they lie in its folder; none for a method of an installed package."""

    method: str
    identity: str
    sources: Mapping[Path, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Short, as a folder may be called: `Mine`, `ema+adamw`."""
        names, base = split(self.method)
        return "+".join([*names, base.rpartition(":")[2]])


def at_home(spec: str) -> tuple[Path, str]:
    """The folder that a method's file lies in, and the method as it is named from there; for a
    method without a file this folder, and itself."""
    names, base = split(spec)
    place, colon, name = (base, "", "") if base.endswith(".py") else base.rpartition(":")
    if not place.endswith(".py"):
        return Path.cwd(), spec
    path = Path(place).absolute()
    if not path.is_file():
        raise UserError(f"{place} does not exist; expected a Python file with your optimizer")
    return path.parent, "+".join([*names, f"{path.name}{colon}{name}"])


def find_challenger(spec: str) -> Challenger:
    """The guest called `spec`; to be asked at its home (`at_home`)."""
    method = canonical(spec)
    names, base = split(method)
    entry = find(base)
    around = [f"{name} {find_wrapper(name).version}" for name in names]
    own = entry.source[:16] if entry.source else f"{entry.name} {entry.version}"
    return Challenger(method, ", ".join([*around, own]), _sources(base))


def _sources(base: str) -> Mapping[Path, bytes]:
    """What has to travel with the method `base`: the file that was named, and what else is not
    installed."""
    place, _, name = base.rpartition(":")
    if not place:
        return {}
    home, named = Path.cwd().resolve(), Path(place).resolve()
    behind = (path.resolve() for path in sources_behind(base).files.values())
    own = sorted(path for path in behind if path == named or is_own(path))
    if own and not place.endswith(".py"):
        raise UserError(
            f"{base} is made of {own[0]}, which is not installed and would not travel with it; "
            f"give FILE.py:{name}, or install it as a package"
        )
    if stray := [path for path in own if not path.is_relative_to(home)]:
        raise UserError(
            f"{base} imports {stray[0]}, which is not in its folder and would not travel with it; "
            f"move it to {home}, or install it as a package"
        )
    return {path.relative_to(home): read_bytes(path) for path in own}


def pack(guest: Challenger, folder: Path) -> None:
    """Write the guest's sources into `folder`, each whole or not at all, and leave no other file
    there. They may lie there already: a challenge's own copy can be challenged with."""
    for path in [path for path in folder.rglob("*") if not path.is_dir()]:
        if path.relative_to(folder) not in guest.sources:
            path.unlink()
    for within, source in guest.sources.items():
        make_folder((folder / within).parent)
        replace_bytes(folder / within, source)
