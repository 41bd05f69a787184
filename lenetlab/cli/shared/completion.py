"""What a shell completes beside commands and options: `lenetlab run so<TAB>` the names of methods.

The names are read out of the files that register them, since importing these would import PyTorch.
Methods of installed packages and of files are not among them.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import lenetlab

METHODS = Path(lenetlab.__file__).parent / "methods"
_REGISTERED = re.compile(r'^@(method|wrapper|constraint)\(\s*"(\w+)"', re.MULTILINE)


def registered(*kinds: str) -> list[str]:
    """The names that the package's own files register, of `kinds`: method, wrapper, constraint."""
    files = sorted(METHODS.glob("*/*.py"))
    found = (pair for file in files for pair in _REGISTERED.findall(file.read_text("utf-8")))
    return sorted(name for kind, name in found if kind in kinds)


def spec(incomplete: str) -> list[str]:
    """A method, or one inside wrappers: `ema+so` becomes `ema+soap`."""
    around, plus, begun = incomplete.rpartition("+")
    names = [*registered("method"), *(f"{name}+" for name in registered("wrapper"))]
    found = _beginning(names, begun)
    if len(found) == 1 and found[0].endswith("+"):
        # a shell would put a space behind it; of what can follow it writes the common beginning
        found = [found[0] + name for name in names]
    return [around + plus + name for name in found]


def page(incomplete: str) -> list[str]:
    """Whatever has a page: a method, a wrapper or a constraint."""
    return _beginning(registered("method", "wrapper", "constraint"), incomplete)


def constraint(incomplete: str) -> list[str]:
    """A constraint beside a method."""
    return _beginning(registered("constraint"), incomplete)


def _beginning(names: Iterable[str], begun: str) -> list[str]:
    return [name for name in names if name.startswith(begun)]
