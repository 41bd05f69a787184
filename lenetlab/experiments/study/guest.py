"""A guest: a method that challenges a study, by a name that is the same wherever its file lies.

A recipe names the method from a file by the path as it was given, and so does a run's identity. A
challenge is to be judged elsewhere: its guest is named from the folder that its file lies in, and
its sources travel in a folder of the same order.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lenetlab.disk import make_folder, read_bytes, replace_bytes
from lenetlab.errors import UserError
from lenetlab.methods.lookup import canonical, find, split
from lenetlab.methods.outside import sources_behind
from lenetlab.methods.wrappers import find_wrapper


@dataclass(frozen=True)
class Guest:
    """method : its canonical name. identity : what its code is told by. files : its own sources,
    by where they lie in its folder; none for a method of an installed package."""

    method: str
    identity: str
    files: Mapping[Path, Path] = field(default_factory=dict)

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


def find_guest(spec: str) -> Guest:
    """The guest called `spec`; to be asked at its home (`at_home`)."""
    method = canonical(spec)
    names, base = split(method)
    entry = find(base)
    around = [f"{name} {find_wrapper(name).version}" for name in names]
    own = entry.source[:16] if entry.source else f"{entry.name} {entry.version}"
    files = _files(base) if base.partition(":")[0].endswith(".py") else {}
    return Guest(method, ", ".join([*around, own]), files)


def _files(base: str) -> Mapping[Path, Path]:
    home = Path.cwd().resolve()
    found = {}
    for path in map(Path.resolve, sources_behind(base).files.values()):
        if not path.is_relative_to(home):
            raise UserError(
                f"{base} imports {path}, which is not in its folder and would not travel with it; "
                f"move it to {home}, or install it as a package"
            )
        found[path.relative_to(home)] = path
    return dict(sorted(found.items()))


def pack(guest: Guest, folder: Path) -> None:
    """Copy the guest's sources to `folder`, and leave nothing else there. They may lie there
    already: a challenge's own copy can be challenged with."""
    sources = {within: read_bytes(path) for within, path in guest.files.items()}
    if folder.exists():
        shutil.rmtree(folder)
    for within, source in sources.items():
        make_folder((folder / within).parent)
        replace_bytes(folder / within, source)
