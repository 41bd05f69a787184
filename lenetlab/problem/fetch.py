"""Fetching the data into the cache: from public mirrors, else Debian's package without root.

Every file is verified before it appears under its name, by one atomic rename: a broken
download is never mistaken for data.
"""

import hashlib
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from lenetlab.disk import replace_bytes
from lenetlab.errors import UserError
from lenetlab.problem.files import read
from lenetlab.problem.idx import IdxFile
from lenetlab.problem.problems import FASHION_MNIST, Problem

SECONDS = 5.0  # that a mirror gets to answer


def fetch(
    half: str,
    folder: Path,
    mirrors: Sequence[str] | None = None,
    problem: Problem = FASHION_MNIST,
) -> str:
    """Put the two files of `half` into `folder`; return the source that had them. `mirrors` are
    the problem's own unless others are given."""
    mirrors = problem.mirrors if mirrors is None else mirrors
    if not mirrors and not problem.package:
        raise UserError(
            f"{problem.title} is not on this machine, and lenetlab does not fetch it (its files "
            f"come in one large archive); {_by_hand(problem, folder)}"
        )
    print(f"fetching the {half} half of {problem.title} into {folder} …", file=sys.stderr)
    failures: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
            for mirror in mirrors:
                try:
                    _from_mirror(mirror, half, Path(scratch), problem)
                    return _keep(half, Path(scratch), folder, f"cache, from {mirror}", problem)
                except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
                    failures.append(f"{mirror} ({getattr(error, 'reason', error)})")
                except UserError as error:
                    failures.append(f"{mirror} ({error})")
            if problem.package:
                try:
                    found = _from_debian(Path(scratch), problem.package)
                    return _keep(half, found, folder, "cache, from Debian's package", problem)
                except (OSError, subprocess.SubprocessError, UserError) as error:
                    failures.append(f"apt-get download {problem.package} ({_last_line(error)})")
    except OSError as error:  # of the folder itself; what sources do wrong is caught above
        raise UserError(
            f"the cache {folder} cannot be written ({error.strerror}); "
            "name another with LENETLAB_CACHE"
        ) from None
    raise UserError(
        f"{problem.title} is not on this machine and could not be fetched; tried "
        + "; ".join(failures)
        + f"; {_by_hand(problem, folder)}"
    )


def _by_hand(problem: Problem, folder: Path) -> str:
    names = ", ".join(file.name for half in problem.files.values() for file in half)
    if problem.default:
        return "put the four files into a folder and name it with --data or LENETLAB_DATA"
    return f"put {names}, gz or not, into {folder}, or into a folder named with --data"


def _from_mirror(mirror: str, half: str, scratch: Path, problem: Problem) -> None:
    for file in problem.files[half]:
        path = scratch / f"{file.name}.gz"
        with (
            urllib.request.urlopen(f"{mirror}{path.name}", timeout=SECONDS) as answer,
            path.open("wb") as out,
        ):
            shutil.copyfileobj(answer, out)
        if file.md5_gz and hashlib.md5(path.read_bytes()).hexdigest() != file.md5_gz:
            raise UserError(f"{path.name} there has not the published MD5 {file.md5_gz}")


def _from_debian(scratch: Path, package: str) -> Path:
    """Download and unpack the package with list and cache folders of our own.

    Neither root nor an earlier `apt-get update` is needed: a new machine has no package lists.
    """
    lists, archives = scratch / "lists", scratch / "archives"
    for folder in (lists, archives):
        (folder / "partial").mkdir(parents=True)
    options = [
        *("-o", f"Dir::State::Lists={lists}"),
        *("-o", f"Dir::Cache={archives}"),
        *("-o", "Debug::NoLocking=1"),
        *_as_root(),
    ]
    _call(["apt-get", *options, "-q", "update"], scratch, 120)
    _call(["apt-get", *options, "-q", "download", package], scratch, 300)
    for archive in scratch.glob(f"{package}_*.deb"):
        _call(["dpkg-deb", "-x", str(archive), str(scratch / "unpacked")], scratch, 60)
    return scratch / "unpacked/usr/share/datasets/fashion-mnist"


def _as_root() -> tuple[str, ...]:
    """The option with which apt does not hand downloads to a user who may not write here, as it
    does for root."""
    root = hasattr(os, "getuid") and os.getuid() == 0
    return ("-o", "APT::Sandbox::User=root") if root else ()


def _call(command: list[str], cwd: Path, seconds: float) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=seconds)


def _last_line(error: Exception) -> str:
    lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return str(lines[-1]) if lines else type(error).__name__


def _keep(half: str, scratch: Path, folder: Path, source: str, problem: Problem) -> str:
    """Verify both files, then move each into place under its decompressed name."""
    contents: list[tuple[IdxFile, bytes]] = [
        (file, read(file, scratch, problem)) for file in problem.files[half]
    ]
    for file, content in contents:
        replace_bytes(folder / file.name, content)
    return source
