"""What the code of an optimizer from outside consists of: own sources, and packages with versions.

Own is what lies outside the standard library, installed packages and the laboratory. It is followed
from import to import, inside functions as well. A file that is opened, or a module whose name is
put together while the code runs, is not seen.
"""

import ast
import hashlib
import importlib
import importlib.util
import json
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

_PLACES = ("stdlib", "platstdlib", "purelib", "platlib")
_INSTALLED = frozenset(
    [Path(sysconfig.get_paths()[place]).resolve() for place in _PLACES]
    + [Path(__file__).resolve().parents[1]]  # ourselves, wherever we are
)
_BY_NAME = frozenset({"import_module", "__import__"})


@dataclass(frozen=True)
class Sources:
    """Source files by the name of their module, the packages that they import, by name, and what
    has no file (interactive.py)."""

    files: Mapping[str, Path]
    packages: frozenset[str]
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, str]:
        """Those of the packages here, by distribution."""
        return _versions(self.packages)

    @property
    def digest(self) -> str:
        """SHA-256 of all of it: contents and versions, wherever the files lie."""
        return self.digest_with(self.versions)

    def digest_with(self, versions: Mapping[str, str]) -> str:
        """What `digest` is where the packages have these versions."""
        content = {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in self.files.items()
        }
        content |= {
            f"typed {name}": hashlib.sha256(text.encode()).hexdigest()
            for name, text in self.texts.items()
        }
        text = json.dumps([content, versions], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def is_own(path: Path) -> bool:
    """Whether `path` is a file that belongs to nothing installed."""
    whole = path.resolve()
    installed = any(whole.is_relative_to(folder) for folder in _INSTALLED)
    return whole.is_file() and not installed and not _packaged(whole)


def trace(roots: Mapping[str, Path], folder: Path | None = None) -> Sources:
    """The sources that modules `roots`, by name, are made of; the files of the roots are among
    them even if they are installed. Modules are looked for in `folder` first."""
    files: dict[str, Path] = {}
    packages = {name.partition(".")[0] for name, path in roots.items() if not is_own(path)}
    todo = [(name, path, _package(name, path)) for name, path in roots.items()]
    while todo:
        name, path, package = todo.pop()
        if name in files:
            continue
        files[name] = path
        for wanted in _imported(path, package):
            specs = list(_specs(wanted, folder))
            todo += [
                (spec.name, Path(spec.origin), spec.parent or "")
                for spec in specs
                if spec.origin and is_own(Path(spec.origin))
            ]
            if specs and specs[0].origin and not is_own(Path(specs[0].origin)):
                packages.add(specs[0].name)
    return Sources(files, frozenset(packages - sys.stdlib_module_names))


@contextmanager
def afresh(sources: Sources, folder: Path | None = None) -> Iterator[None]:
    """Import what belongs to `sources` anew meanwhile: what runs is what was read, and what an
    earlier run left in a module is gone. `folder` is looked in first, and afterwards last, for
    imports inside functions: nothing of ours is ever taken from there."""
    for name in sources.files:
        file = getattr(sys.modules.get(name), "__file__", None)
        if name != "__main__" and file and is_own(Path(file)):
            del sys.modules[name]
    importlib.invalidate_caches()
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    first = [] if folder is None else [str(folder.resolve())]
    sys.path[:0] = first
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        for entry in first:
            sys.path.remove(entry)
            if entry not in sys.path:
                sys.path.append(entry)


def _package(name: str, path: Path) -> str:
    return name if path.name == "__init__.py" else name.rpartition(".")[0]


def _imported(path: Path, package: str) -> Iterator[str]:
    """Names of the modules that a file imports, and of what it takes from them."""
    if path.suffix != ".py":
        return
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # importing it will say so
        return
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                if level and not package:
                    continue  # likewise
                above = package.rsplit(".", level - 1)[0] if level else ""
                base = ".".join(filter(None, [above, module]))
                yield base
                yield from (f"{base}.{alias.name}" for alias in names)
            case ast.Call(
                func=ast.Name(id=called) | ast.Attribute(attr=called),
                args=[ast.Constant(value=str(wanted)), *_],
            ) if called in _BY_NAME:
                yield wanted


def _specs(dotted: str, folder: Path | None) -> Iterator[ModuleSpec]:
    """The module `dotted` and the packages it lies in, the outermost first; as far as there are."""
    head, *rest = dotted.split(".")
    spec = None if folder is None else PathFinder.find_spec(head, [str(folder.resolve())])
    if spec is None or spec.origin is None:  # a folder without __init__.py comes last
        spec = _anywhere(head) or spec
    while spec is not None:
        yield spec
        within = spec.submodule_search_locations
        if not rest or within is None:
            return
        spec = PathFinder.find_spec(f"{spec.name}.{rest.pop(0)}", list(within))


def _anywhere(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a module that was made, not found
        return None


def _packaged(path: Path) -> bool:
    return not {"site-packages", "dist-packages"}.isdisjoint(path.parts)


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def _versions(packages: frozenset[str]) -> dict[str, str]:
    """Versions by distribution; what was not installed as one has none."""
    names = {name for package in packages for name in _distributions().get(package, [package])}
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
