"""The four IDX files of Fashion-MNIST: where they may be, and whether they are the real ones.

A file counts by the SHA-256 of its *decompressed* bytes, whatever source it came from:
Debian's gz files are not the mirrors' bytes, what is inside them is the same.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lenetlab.errors import UserError


@dataclass(frozen=True)
class IdxFile:
    """One IDX file: its decompressed length in bytes, SHA-256 and shape of the data."""

    name: str
    length: int
    sha256: str
    shape: tuple[int, ...]

    @property
    def header(self) -> int:
        """Bytes before the data: a magic number and one 32-bit length per dimension."""
        return 4 + 4 * len(self.shape)


def _idx(name: str, sha256: str, *shape: int) -> IdxFile:
    size = 1
    for n in shape:
        size *= n
    return IdxFile(f"{name}-idx{len(shape)}-ubyte", 4 + 4 * len(shape) + size, sha256, shape)


# Images and labels of each half. They are looked up half by half, so that training and tuning
# work where the test files are absent.
FILES: dict[str, tuple[IdxFile, IdxFile]] = {
    "train": (
        _idx("train-images", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
             60_000, 28, 28),
        _idx("train-labels", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
             60_000),
    ),
    "test": (
        _idx("t10k-images", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
             10_000, 28, 28),
        _idx("t10k-labels", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
             10_000),
    ),
}  # fmt: skip

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


def places(data: Path | None) -> list[tuple[str, Path]]:
    """Named folders in the order in which they are searched; one alone if the user chose it."""
    if data is not None:
        return [("--data", data)]
    if (own := _named("LENETLAB_DATA")) is not None:
        return [("LENETLAB_DATA", own)]
    return [
        ("torchvision's folder", TORCHVISION),
        ("Debian's package", DEBIAN),
        ("cache", cache_folder() / "fashion-mnist"),
    ]


def locate(half: str, data: Path | None, fetch: Fetch) -> tuple[str, Path]:
    """Source and folder of the first place that holds files of `half`; fetched if none does.

    A folder that holds one of the two files is an error, not a reason to look elsewhere.
    """
    searched = places(data)
    for source, folder in searched:
        chosen = source in ("--data", "LENETLAB_DATA")
        if not chosen and not _has_any(half, folder):
            continue
        where = f"the folder that {source} names" if chosen else source
        cure = "name another folder, or none at all" if chosen else _CURE
        for file in FILES[half]:
            if _present(file, folder) is None:
                raise UserError(
                    f"{folder / file.name} is missing (also tried {file.name}.gz); expected the "
                    f"four Fashion-MNIST files in {where}; {cure}"
                )
        return source, folder
    folder = searched[-1][1]
    return fetch(half, folder), folder


def read(file: IdxFile, folder: Path) -> bytes:
    """The decompressed, verified bytes of `file` in `folder` (gz or not)."""
    path = _present(file, folder)
    if path is None:
        raise UserError(f"{folder / file.name} is missing; {_CURE}")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as source:
            content = source.read(MOST + 1)  # a small gz file may hold any number of bytes
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"{path} is broken ({error}); expected a gz file with {file.length} bytes inside; "
            f"{_CURE}"
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {_CURE}") from None
    verify(file, content, path)
    return content


def verify(file: IdxFile, content: bytes, path: Path) -> None:
    """Raise a `UserError` unless `content` is exactly the bytes of `file`."""
    if len(content) != file.length:
        raise UserError(
            f"{path} holds {len(content)} bytes, expected {file.length} for {file.name}; {_CURE}"
        )
    found = hashlib.sha256(content).hexdigest()
    if found == file.sha256:
        return
    twin = next((f.name for pair in FILES.values() for f in pair if f.sha256 == found), None)
    what = f"is {twin} under another name" if twin else f"has SHA-256 {found[:16]}…"
    raise UserError(
        f"{path} {what}, expected {file.sha256[:16]}… (the original {file.name}); {_CURE}"
    )


_CURE = (
    "delete it so that another source is used, or get the files again "
    "(on Debian and Ubuntu: apt-get install dataset-fashion-mnist)"
)


def _present(file: IdxFile, folder: Path) -> Path | None:
    candidates = (folder / file.name, folder / f"{file.name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _has_any(half: str, folder: Path) -> bool:
    return any(_present(file, folder) for file in FILES[half])
