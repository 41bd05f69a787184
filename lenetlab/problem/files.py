"""The four IDX files of a problem: where they may be, and whether they are the real ones.

A file counts by the SHA-256 of its *decompressed* bytes, whatever source it came from: Debian's gz
files are not the mirrors' bytes, what is inside them is the same. Where no checksum is known it
counts by its header, its labels, and classes of equal size.
"""

import gzip
import hashlib
import os
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from lenetlab.errors import UserError
from lenetlab.problem.idx import IdxFile
from lenetlab.problem.problems import FASHION_MNIST, PROBLEMS, Problem

FILES = FASHION_MNIST.files
MOST = max(file.length for pair in FILES.values() for file in pair)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
TORCHVISION = Path("data/FashionMNIST/raw")

Fetch = Callable[[str, Path], str]


def cache_folder() -> Path:
    """Where fetched data and the compiled engine are kept: `$LENETLAB_CACHE`, else the user's cache
    folder. A relative `$XDG_CACHE_HOME` counts as none, as its specification says."""
    if (own := _named("LENETLAB_CACHE")) is not None:
        return own
    users = _named("XDG_CACHE_HOME")
    if users is None or not users.is_absolute():
        users = _expanded("~/.cache", "the home folder")
    return users / "lenetlab"


def _named(variable: str) -> Path | None:
    """The folder that an environment variable names."""
    given = os.environ.get(variable)
    return _expanded(given, variable) if given else None


def _expanded(given: str, what: str) -> Path:
    try:
        return Path(given).expanduser()
    except RuntimeError:
        raise UserError(
            f"{what}: {given} is the folder of no known user; name one with LENETLAB_CACHE, for "
            "data with LENETLAB_DATA, by its whole path"
        ) from None


def data_folder() -> Path | None:
    """The folder with Fashion-MNIST's files that `$LENETLAB_DATA` names, if it is set; those of
    another problem may be in a folder of its name inside."""
    return _named("LENETLAB_DATA")


def places(data: Path | None, problem: Problem = FASHION_MNIST) -> list[tuple[str, Path]]:
    """Named folders in the order in which they are searched; one alone if the user chose it."""
    if problem.folder is not None:
        if data is not None:
            raise UserError(
                f"--problem {problem.folder} is where its files are, and --data {data} is another "
                "place; leave one out"
            )
        return [("--problem", problem.folder)]
    if data is not None:
        return [("--data", data)]
    own = data_folder()
    if own is not None and problem.default:
        return [("LENETLAB_DATA", own)]
    if own is not None and (own / problem.name).is_dir():
        return [("LENETLAB_DATA", own / problem.name)]
    return [
        ("torchvision's folder", TORCHVISION.parents[1] / problem.torchvision / "raw"),
        *([("Debian's package", DEBIAN)] if problem.package else []),
        ("cache", cache_folder() / problem.name),
    ]


def from_anywhere(data: Path | None) -> Path | None:
    """`data` for who is about to work in another folder: absolute; and where none was chosen, the
    relative place that has the images, if it is such a one."""
    if data is not None:
        return data.absolute()
    halves = FASHION_MNIST.files.values()
    found = next((folder for _, folder in places(None)
                  if any(_has_any(half, folder) for half in halves)), None)  # fmt: skip
    return None if found is None or found.is_absolute() else found.absolute()


def locate(
    half: str, data: Path | None, fetch: Fetch, problem: Problem = FASHION_MNIST
) -> tuple[str, Path]:
    """Source and folder of the first place that holds files of `half`; fetched if none does.

    A folder that holds one of the two files is an error, not a reason to look elsewhere.
    """
    searched = places(data, problem)
    for source, folder in searched:
        chosen = source in ("--data", "LENETLAB_DATA", "--problem")
        if not chosen and not _has_any(problem.files[half], folder):
            continue
        where = f"the folder that {source} names" if chosen else source
        remedy = "name another folder, or none at all" if chosen else cure(problem)
        for file in problem.files[half]:
            if present(file.name, folder) is None:
                raise UserError(
                    f"{folder / file.name} is missing (also tried {file.name}.gz); expected the "
                    f"four {problem.title} files in {where}; {remedy}"
                )
        return source, folder
    folder = searched[-1][1]
    return fetch(half, folder), folder


def read(file: IdxFile, folder: Path, problem: Problem = FASHION_MNIST) -> bytes:
    """The decompressed, verified bytes of `file` in `folder` (gz or not)."""
    path = present(file.name, folder)
    if path is None:
        raise UserError(f"{folder / file.name} is missing; {cure(problem)}")
    # a small gz file may hold any number of bytes
    expected = f"expected a gz file with {file.length} bytes inside"
    content = unpack(path, max(MOST, file.length) + 1, expected, cure(problem))
    verify(file, content, path, problem)
    return content


def unpack(path: Path, most: int, expected: str, remedy: str = "get the file again") -> bytes:
    """The decompressed bytes of `path` (gz or not), `most` of them at most."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as source:
            return source.read(most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is broken ({error}); {expected}; {remedy}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {remedy}") from None


def verify(file: IdxFile, content: bytes, path: Path, problem: Problem = FASHION_MNIST) -> None:
    """Raise a `UserError` unless `content` is exactly the bytes of `file`; where its checksum is
    not known, unless it may be."""
    if len(content) != file.length:
        raise UserError(
            f"{path} holds {len(content)} bytes, expected {file.length} for {file.name}; "
            f"{cure(problem)}"
        )
    found = hashlib.sha256(content).hexdigest()
    if found == file.sha256:
        return
    known = ((one, f) for one in (problem, *PROBLEMS.values()) for pair in one.files.values()
             for f in pair)  # fmt: skip
    twin = next(((one, f) for one, f in known if f.sha256 == found), None)
    if twin is None and file.sha256 is None:
        _plausible(file, content, path, problem)
        return
    what = f"has SHA-256 {found[:16]}…"
    if twin is not None:
        whose, twin_file = twin
        other = "" if whose == problem else f" of {whose.title}"
        what = f"is {twin_file.name}{other} under another name"
    sought = "" if file.sha256 is None else f"{file.sha256[:16]}… "
    changed = "" if problem.folder is None else " as it was when the folder was opened"
    raise UserError(
        f"{path} {what}, expected {sought}(the original {file.name}{changed}); {cure(problem)}"
    )


def _plausible(file: IdxFile, content: bytes, path: Path, problem: Problem) -> None:
    """What is checked where no checksum is known."""
    if content[: file.header] != file.begins:
        raise UserError(
            f"{path} does not begin as {file.name} of {problem.title}, with the shape "
            f"{file.shape}; {cure(problem)}"
        )
    if len(file.shape) == 1:
        classes = Counter(content[file.header :])
        each = file.shape[0] // len(problem.classes)
        if classes != dict.fromkeys(range(len(problem.classes)), each):
            raise UserError(
                f"{path} has not {each:,} labels of each of {len(problem.classes)} classes, as "
                f"{problem.title} has; {cure(problem)}"
            )


def cure(problem: Problem) -> str:
    """What to do about a wrong file."""
    if problem.folder is not None:
        return "give the command again, so that the folder is opened anew"
    package = (
        f" (on Debian and Ubuntu: apt-get install {problem.package})" if problem.package else ""
    )
    return f"delete it so that another source is used, or get the files again{package}"


def present(name: str, folder: Path) -> Path | None:
    """The file `name` in `folder`, plain or gz; None if there is none."""
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _has_any(files: tuple[IdxFile, IdxFile], folder: Path) -> bool:
    return any(present(file.name, folder) for file in files)
