"""The folder of a study or a run: one process at a time works in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lenetlab.errors import UserError


@contextmanager
def exclusive_lock(folder: Path, what: str) -> Iterator[None]:
    """Make the folder of `what` and hold its lock, which the system lets go when this process ends,
    however it ends. Raises `UserError` where another process holds it, or nothing can be written.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UserError(
            f"another process is computing the {what} in {folder}; wait for it, or choose another "
            "--out"
        ) from None
    except OSError as error:
        raise UserError(
            f"cannot write {error.filename or folder} ({error.strerror}); choose another --out"
        ) from None
    try:
        yield
    finally:
        lock.release()
