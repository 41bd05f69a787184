"""A submitted file: small enough, whole, and of a kind that can hold weights.

The content is read once, into memory, after the file was seen to be a regular one; everything
that follows works on those bytes.
"""

import errno
import io
import json
import os
import stat
import zipfile
import zlib
from pathlib import Path

LIMIT = 64 * 2**20  # bytes; the weights are 178 kB, a long L-BFGS history with them 36 MB
PICKLE_LIMIT = 4 * 2**20  # of the pickle or header inside: names and shapes, not numbers
ENTRIES = 10_000  # of a zip archive

LEGACY_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # torch.save before version 1.6
SAVE = "save the weights with torch.save(model.state_dict(), FILE)"


_NAMED = ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY")  # Windows has the last alone
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in _NAMED)


class Unreadable(Exception):
    """The file cannot be judged; the message says what is wrong with it, in one line."""


def content_of(path: Path) -> bytes:
    """The bytes of `path`; `Unreadable` unless it is a regular file of bearable size."""
    try:
        # what is no file must not be waited for, nor be exchanged between the look and the reading
        opened = os.open(path, _FLAGS)
        try:
            status = os.fstat(opened)
            kind = next((name for test, name in _KINDS if test(status.st_mode)), None)
            if kind is not None:
                raise Unreadable(f"is {kind}, expected a file with weights")
            if status.st_size == 0:
                raise Unreadable("is empty")
            if status.st_size > LIMIT:
                raise Unreadable(f"has {_size(status.st_size)}, more than {_size(LIMIT)}; {SAVE}")
            with open(opened, "rb", closefd=False) as file:
                return file.read(LIMIT)
        finally:
            os.close(opened)
    except FileNotFoundError:
        what = "is a link to nothing" if path.is_symlink() else "does not exist"
        raise Unreadable(what) from None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise Unreadable("is a socket, expected a file with weights") from None
        raise Unreadable(f"cannot be read ({error.strerror})") from None


def kind_of(content: bytes) -> str:
    """`zip`, `legacy` or `safetensors`; `Unreadable` for anything else, named where it is known."""
    if content.startswith(LEGACY_START):
        return "legacy"
    for start, what in _FOREIGN.items():
        if content.startswith(start):
            raise Unreadable(f"is {what}, expected a file of torch.save or safetensors; {SAVE}")
    if content.startswith(b"PK\x03\x04"):
        return "zip"
    header = int.from_bytes(content[:8], "little")
    if 0 < header <= LIMIT and content[8:9] == b"{":
        if len(content) < 8 + header:
            raise Unreadable("is a safetensors file cut short in its header")
        if header > PICKLE_LIMIT:
            raise Unreadable(
                f"has a header of {_size(header)}, more than {_size(PICKLE_LIMIT)}; {SAVE}"
            )
        try:
            json.loads(content[8 : 8 + header])
        except (ValueError, RecursionError):
            raise Unreadable("has a broken header, expected that of safetensors") from None
        return "safetensors"
    if content[:1000].isascii() and b"\0" not in content[:1000]:
        raise Unreadable(f"is a text file, expected one of torch.save or safetensors; {SAVE}")
    raise Unreadable(f"is no file of torch.save or safetensors; {SAVE}")


def pickle_of(content: bytes) -> bytes:
    """The pickle inside a zip archive of torch.save, after its sizes were seen to be bearable.

    What a member claims to unpack to is a bound: neither zipfile nor torch reads beyond it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            if len(members) > ENTRIES:
                raise Unreadable(f"holds {len(members):,} members, more than {ENTRIES:,}; {SAVE}")
            if total > LIMIT:
                raise Unreadable(
                    f"unpacks to {_size(total)}, more than {_size(LIMIT)}: a zip bomb; {SAVE}"
                )
            if any(member.filename.endswith("/constants.pkl") for member in members):
                raise Unreadable(f"is a TorchScript program, which would have to be run; {SAVE}")
            found = [m for m in members if m.filename.split("/")[1:] == ["data.pkl"]]
            if len(found) != 1:
                raise Unreadable(f"is a zip archive, but none of torch.save; {SAVE}")
            if found[0].file_size > PICKLE_LIMIT:
                raise Unreadable(
                    f"has a pickle of {_size(found[0].file_size)}, more than "
                    f"{_size(PICKLE_LIMIT)}; {SAVE}"
                )
            if (broken := archive.testzip()) is not None:
                raise Unreadable(f"is damaged: {broken} does not match its checksum")
            return archive.read(found[0])
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise Unreadable(f"is cut short or damaged ({_clause(error)})") from None
    except (NotImplementedError, RuntimeError, ValueError, OSError) as error:
        # encrypted members, unknown compressions, offsets outside of the file
        raise Unreadable(f"is a zip archive that cannot be unpacked ({_clause(error)})") from None


def _clause(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _size(n: int) -> str:
    return f"{n / 2**30:.1f} GB" if n >= 2**30 else f"{n / 2**20:.0f} MB"


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_FOREIGN = {
    b"\x80": "a plain pickle",
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
}
