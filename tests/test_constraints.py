"""constraints.txt is the lock: all that is installed for an extra is pinned, to what is here."""

import tomllib
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
APART = "witness"  # an extra that is not installed for the tests


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def installed(requirements: Iterable[str]) -> dict[str, str]:
    """Name and version of all packages that these need, and that those need."""
    found, seen, todo = {}, set(), [Requirement(text) for text in requirements]
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        if name == "lenetlab" or (name, frozenset(wanted.extras)) in seen:
            continue
        seen.add((name, frozenset(wanted.extras)))
        package = distribution(wanted.name)
        assert wanted.specifier.contains(package.version, prereleases=True), str(wanted)
        found[name] = package.version.partition("+")[0]
        for text in package.requires or ():
            inner = Requirement(text)
            extras = wanted.extras or {""}
            if inner.marker is None or any(inner.marker.evaluate({"extra": e}) for e in extras):
                todo.append(inner)
    return found


def test_the_lock_is_what_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {k: v for k, v in project["optional-dependencies"].items() if k != APART}
    needed = installed([*project["dependencies"], *(x for some in extras.values() for x in some)])
    pins = pinned()
    assert needed.items() <= pins.items()
    for name in pins.keys() - needed.keys():  # of the extra that is apart, or of another system
        with suppress(PackageNotFoundError):
            assert distribution(name).version.partition("+")[0] == pins[name]


def test_the_lock_names_versions_alone():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or not set("/@: ") & set(line), line
