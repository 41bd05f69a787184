"""Files written whole or not at all, and read with a sentence for whatever is wrong with them."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError

MOST_BYTES = 512 * 2**20  # of a file of results


def replace_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one atomic step: the old file or the whole new one.

    Raises `UserError` where the folder cannot be written or the disk is full, and for a path that
    is no file: a device must not be replaced by one.
    """
    check_writable(path)
    temporary = path.with_name(f".{path.name[:200]}-{os.getpid()}")
    try:
        try:
            temporary.unlink(missing_ok=True)  # what lies there may be a link to elsewhere
            with temporary.open("xb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose another place") from error


def check_writable(path: Path) -> None:
    """Raise `UserError` for a path that cannot become a file of ours: a folder, a device, or a link
    to one of them."""
    try:
        strange = path.name in ("", "..") or (path.exists() and not path.is_file())
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose another place") from None
    if strange:
        raise UserError(f"cannot write {path} (it is no file); name a file to be written")


def as_path(name: str, given: object, what: str = "a folder") -> Path:
    """What a caller gave as `name`, the path of `what`; `UserError` for what is no path."""
    if not isinstance(given, str | Path):
        raise UserError(f"{name}={given!r} is no path; expected the name of {what}")
    return Path(given)


def make_folder(path: Path) -> Path:
    """Make the folder `path`, and those above it, where they are not there; `UserError` where that
    cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose another place") from None
    return path


def encoded(text: str) -> bytes:
    """As UTF-8. Half a surrogate pair, as in the name of a file that is not UTF-8, is written as
    `\\udce9`, which in JSON is its own escape."""
    return text.encode(errors="backslashreplace")


def replace_text(path: Path, text: str) -> None:
    """Make `path` hold `text`, atomically."""
    replace_bytes(path, encoded(text))


def replace_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON, atomically; NaN and infinity are refused."""
    replace_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path` against other processes of ours while it is read, changed and replaced."""
    from filelock import FileLock  # here, because a wheel is built without it

    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire()
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose another place") from error
    try:
        yield
    finally:
        lock.release()


class MissingFile(UserError):
    """There is no such file."""


def read_bytes(path: Path) -> bytes:
    """What is in the file `path`. Raises `MissingFile`, or `UserError` unless it can be read, is a
    regular file (a pipe is never read to its end), and is of a size that results have."""
    check_file(path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MissingFile(f"{path} is missing") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None


def check_file(path: Path, most: float = MOST_BYTES) -> None:
    """Raise what `read_bytes` raises for a `path` that is not to be read, or has more than `most`
    bytes; for libraries that open files by themselves, and would wait for a pipe."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise MissingFile(f"{path} is missing") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(found.st_mode):
        raise UserError(f"{path} is no regular file; expected one that lenetlab wrote")
    if found.st_size > most:
        raise UserError(
            f"{path} has {found.st_size:,} bytes; expected at most {most:,}, as results have them"
        )


def read_text(path: Path) -> str:
    """The text in `path`, which is UTF-8 wherever this runs; `UserError` as `read_bytes`."""
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text in UTF-8 ({error})") from None


def read_json(path: Path, remedy: str = "") -> Any:
    """The JSON in `path`; `UserError` if it is missing, or broken, with the `remedy` for that."""
    content = read_bytes(path)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError("; ".join(filter(None, [f"{path} is broken ({error})", remedy]))) from None
