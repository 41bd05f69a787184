"""The folder of a study: one process at a time works in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lenetlab.errors import UserError


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system lets go when this process ends, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise UserError(
            f"another process runs the study in {folder}; wait for it, or choose another --out"
        ) from None
    except OSError as error:
        raise UserError(
            f"cannot write {error.filename or folder} ({error.strerror}); choose another --out"
        ) from None
