"""All methods there are: the files of this folder, and what installed packages bring.

A package brings methods by an entry point of the group `lenetlab.methods` that names a module of
its own, whose import registers them as our files do.
"""

import importlib
import pkgutil
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path, PurePath

from lenetlab.component import brought_by
from lenetlab.errors import message_of, one_line
from lenetlab.methods.sources import trace

GROUP = "lenetlab.methods"


@cache
def import_all() -> None:
    """Import every file below `lenetlab/methods/`, then the plug-ins. One that cannot be imported
    is told of on stderr; what it has registered is taken back, and all others are there."""
    for found in pkgutil.walk_packages([str(Path(__file__).parent)], "lenetlab.methods."):
        importlib.import_module(found.name)
    for point in sorted(entry_points(group=GROUP), key=lambda point: (_package(point), point.name)):
        try:
            with brought_by(_package(point), point.module, lambda point=point: _source(point)):  # type: ignore[misc]
                point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            said = f"{one_line(type(error).__name__)}: {message_of(error)}"
            print(
                f"lenetlab: the installed package {_package(point)} brings no methods, because "
                f"its module {point.module} cannot be imported ({said}); mend or uninstall it",
                file=sys.stderr,
            )


def _package(point: EntryPoint) -> str:
    """`lenetlab-signs 1.0`: the distribution of an entry point."""
    return "" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def _source(point: EntryPoint) -> str:
    """The digest of a plug-in's code: all files of the package, and what they import."""
    roots = {point.module: Path(str(sys.modules[point.module].__file__))}
    for file in (point.dist and point.dist.files) or ():
        if file.suffix == ".py":
            roots[_module(file)] = Path(str(file.locate()))
    return trace(roots).digest


def _module(file: PurePath) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
