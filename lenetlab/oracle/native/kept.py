"""A program that is kept on disk for later processes: loaded only if it is ours alone, and whole.

What is loaded runs, so its name proves nothing. The folder is this user's, or root's, and nobody
else can write to it or put another in its place; the file has a checksum beside it.
"""

import hashlib
import os
import stat
from pathlib import Path

OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Untrusted(Exception):
    """Others may have written here; the message names the path and says how."""


def own_folder(folder: Path) -> Path:
    """`folder` without links, made for this user alone if it is not there.

    Raises `Untrusted` where others own it, may write to it, or may put another in its place.
    """
    real = Path(os.path.realpath(folder))
    missing = [path for path in (real, *real.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
    _check(real, OTHERS)
    for path in real.parents:
        # With the sticky bit, as /tmp has it, nobody renames what is another's.
        _check(path, 0 if path.stat().st_mode & stat.S_ISVTX else stat.S_IWOTH)
    return real


def is_whole(path: Path) -> bool:
    """Whether `path` is there as it was written. Raises `Untrusted` for one that others may have
    written, its checksum with it."""
    beside = _checksum_of(path)
    if not (path.is_file() and beside.is_file()):
        return False
    for file in (path, beside):
        _check(file, OTHERS)
    return beside.read_bytes() == _checksum(path)


def keep(made: Path, path: Path) -> None:
    """Move the file `made` to `path`, for this user alone, with its checksum beside it."""
    made.chmod(0o600)
    beside, temporary = _checksum_of(path), made.with_suffix(f"{made.suffix}.sum")
    temporary.write_bytes(_checksum(made))
    temporary.chmod(0o600)
    os.replace(made, path)
    os.replace(temporary, beside)


def _checksum_of(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _checksum(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).hexdigest().encode()


def _check(path: Path, writers: int) -> None:
    if not hasattr(os, "geteuid"):  # Windows: rights are no bits there, the cache is the user's
        return
    found = path.lstat()
    what = "folder" if stat.S_ISDIR(found.st_mode) else "file"
    if found.st_uid not in (os.geteuid(), 0):
        raise Untrusted(f"the {what} {path} belongs to another user (number {found.st_uid})")
    if stat.S_ISLNK(found.st_mode):
        raise Untrusted(f"the file {path} is a link")
    if found.st_mode & writers:
        raise Untrusted(f"the {what} {path} may be written by others")
