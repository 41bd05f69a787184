"""Fetching the data into the cache: from public mirrors, else Debian's package without root.

Every file is verified before it appears under its name, by one atomic rename: a broken
download is never mistaken for data.
"""

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
from lenetlab.problem.files import FILES, IdxFile, read

MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
)
SECONDS = 5.0  # that a mirror gets to answer
PACKAGE = "dataset-fashion-mnist"


def fetch(half: str, folder: Path, mirrors: Sequence[str] = MIRRORS) -> str:
    """Put the two files of `half` into `folder`; return the source that had them."""
    print(f"fetching the {half} half of Fashion-MNIST into {folder} …", file=sys.stderr)
    failures: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
            for mirror in mirrors:
                try:
                    _from_mirror(mirror, half, Path(scratch))
                    return _keep(half, Path(scratch), folder, f"cache, from {mirror}")
                except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
                    failures.append(f"{mirror} ({getattr(error, 'reason', error)})")
                except UserError as error:
                    failures.append(f"{mirror} ({error})")
            try:
                found = _from_debian(Path(scratch))
                return _keep(half, found, folder, "cache, from Debian's package")
            except (OSError, subprocess.SubprocessError) as error:
                failures.append(f"apt-get download {PACKAGE} ({_last_line(error)})")
    except OSError as error:  # of the folder itself; what sources do wrong is caught above
        raise UserError(
            f"the cache {folder} cannot be written ({error.strerror}); "
            "name another with LENETLAB_CACHE"
        ) from None
    raise UserError(
        "Fashion-MNIST is not on this machine and could not be fetched; tried "
        + "; ".join(failures)
        + "; put the four files into a folder and name it with --data or LENETLAB_DATA"
    )


def _from_mirror(mirror: str, half: str, scratch: Path) -> None:
    for file in FILES[half]:
        with (
            urllib.request.urlopen(f"{mirror}{file.name}.gz", timeout=SECONDS) as answer,
            (scratch / f"{file.name}.gz").open("wb") as out,
        ):
            shutil.copyfileobj(answer, out)


def _from_debian(scratch: Path) -> Path:
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
        # As root, apt hands downloads to a user who may not write here.
        *("-o", f"APT::Sandbox::User={_user()}"),
    ]
    _call(["apt-get", *options, "-q", "update"], scratch, 120)
    _call(["apt-get", *options, "-q", "download", PACKAGE], scratch, 300)
    (package,) = scratch.glob(f"{PACKAGE}_*.deb")
    _call(["dpkg-deb", "-x", str(package), str(scratch / "unpacked")], scratch, 60)
    return scratch / "unpacked/usr/share/datasets/fashion-mnist"


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def _call(command: list[str], cwd: Path, seconds: float) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=seconds)


def _last_line(error: Exception) -> str:
    lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return str(lines[-1]) if lines else type(error).__name__


def _keep(half: str, scratch: Path, folder: Path, source: str) -> str:
    """Verify both files, then move each into place under its decompressed name."""
    contents: list[tuple[IdxFile, bytes]] = [(file, read(file, scratch)) for file in FILES[half]]
    for file, content in contents:
        replace_bytes(folder / file.name, content)
    return source
