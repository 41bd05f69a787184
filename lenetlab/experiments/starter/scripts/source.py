"""A script as a file: read, and whatever would stop it found before anything is trained."""

import ast
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from lenetlab.errors import UserError

PIP = {  # packages that are installed by another name
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}
CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
HERE = {"torchvision"}  # where it is missing, a stand-in serves what scripts take from it


@dataclass(frozen=True)
class Source:
    """A script that Python can begin.

    path : the user's file.
    code : Python as bytes, in the file's own encoding; of a notebook its code cells.
    cells : of a notebook the line at which each code cell begins, counted from 1; else empty.
    """

    path: Path
    code: bytes
    cells: tuple[int, ...] = ()

    def where(self, line: int) -> str:
        """`line 12`, or `cell 3, line 2`."""
        cell = sum(begin <= line for begin in self.cells)
        return f"cell {cell}, line {line - self.cells[cell - 1] + 1}" if cell else f"line {line}"


def read_source(path: Path) -> Source:
    """The script or notebook at `path`. Raises `UserError` for what is no Python, or wants a
    package that is not installed."""
    if not path.is_file():
        raise UserError(f"--script {path} does not exist; expected a copy of fashionMNIST.py")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"--script {path} cannot be read ({error.strerror})") from None
    source = _notebook(path, content) if path.suffix.lower() == ".ipynb" else Source(path, content)
    tree = _parse(source)
    _check_imports(source, tree)
    return source


def _notebook(path: Path, content: bytes) -> Source:
    """The code cells one after the other, without what is IPython's own."""
    try:
        cells = json.loads(content)["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"--script {path} is no notebook; expected JSON with a list of cells (version 4)"
        ) from None
    lines: list[str] = []
    begins: list[int] = []
    for text in texts:
        begins.append(len(lines) + 1)
        lines += _python(text)
    return Source(path, "\n".join(lines).encode(errors="replace"), tuple(begins))


def _python(text: str) -> list[str]:
    """The lines of a cell; magic and shell commands do nothing, line numbers stay. A line that
    begins with their signs is one of them only where Python can make nothing of it: it may go on
    with an expression, or stand in a text."""
    lines = text.splitlines()
    if lines and lines[0].startswith("%%"):
        if lines[0].split()[0] not in TIMED:
            return [""] * len(lines)
        lines[0] = ""
    while (at := _wrong_line(lines)) is not None and lines[at].lstrip().startswith(("%", "!")):
        goes_on = lines[at].endswith("\\")
        lines[at] = lines[at][: -len(lines[at].lstrip())] + "pass"
        if goes_on and at + 1 < len(lines):
            lines[at + 1] = "!" + lines[at + 1]  # of the same command
    return lines


def _wrong_line(lines: Sequence[str]) -> int | None:
    """Where Python stops reading, from 0; None if nowhere."""
    try:
        ast.parse("\n".join(lines))
    except SyntaxError as error:
        return None if error.lineno is None else min(error.lineno, len(lines)) - 1
    except ValueError:  # null bytes
        return None
    return None


TIMED = {"%%time", "%%timeit", "%%capture"}  # cells that are Python below their first line


def _parse(source: Source) -> ast.Module:
    try:
        return ast.parse(_decoded(source))
    except SyntaxError as error:
        where = "" if error.lineno is None else f" in {source.where(error.lineno)}"
        raise UserError(f"--script {source.path} is no Python{where}: {error.msg}") from None
    except ValueError as error:  # null bytes
        raise UserError(f"--script {source.path} is no Python: {error}") from None


def _decoded(source: Source) -> str:
    """The text, by the encoding that the file names or by UTF-8. Python reads a file in this way
    that it is to run, but not bytes that it is to compile."""
    begin = source.code.splitlines(keepends=True)[:2]
    named = [found[1] for line in begin if (found := CODING.match(line))]
    encoding = named[0].decode() if named else "utf-8-sig"
    try:
        return source.code.decode(encoding)
    except LookupError:
        raise UserError(
            f"--script {source.path} names the encoding {encoding!r}, which there is not; expected "
            "utf-8"
        ) from None
    except UnicodeDecodeError as error:
        raise _not_utf8(source, error.start) from None


def _not_utf8(source: Source, at: int) -> UserError:
    line = source.code.count(b"\n", 0, at) + 1
    return UserError(
        f"--script {source.path} has a byte in {source.where(line)} that is not UTF-8 "
        f"(0x{source.code[at]:02x}), and Python refuses it; save the file as UTF-8, or name its "
        "encoding in its first line, as in # -*- coding: latin-1 -*-"
    )


def _check_imports(source: Source, tree: ast.Module) -> None:
    """Refuse packages that are not there. Nothing is imported: that would run what they run."""
    places = [str(source.path.resolve().parent), *sys.path]
    missing: dict[str, int] = {}
    for name, line in _imports(tree.body):
        known = name in sys.stdlib_module_names or name in HERE
        if not known and PathFinder.find_spec(name, places) is None:
            missing.setdefault(name, line)
    if missing:
        named = ", ".join(f"{name} ({source.where(line)})" for name, line in missing.items())
        packages = " ".join(PIP.get(name, name) for name in missing)
        raise UserError(
            f"--script {source.path} imports {named}, which is not installed here; install it "
            f"with: {sys.executable} -m pip install {packages}"
        )


def _imports(body: Sequence[ast.stmt]) -> Iterator[tuple[str, int]]:
    """Names and lines of the packages that are imported whenever the file is run: not those in a
    function, which may never be called, or in `try`, which may know what else to do."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno
        elif isinstance(node, ast.With):
            yield from _imports(node.body)
