"""What POSIX alone has is not needed to import any file, nor to run without limits and owners.

No Windows was at hand: here its absence of modules, flags and signals is put on."""

import subprocess
import sys

import pytest

WITHOUT = """
import multiprocessing, os, pkgutil, signal, sys, importlib
import filelock, matplotlib.figure, torch
{more}
for name in ("resource", "fcntl", "pwd", "grp", "termios", "pty"):
    sys.modules[name] = None
for owner, names in (
    (os, "geteuid getuid O_NONBLOCK O_CLOEXEC fork killpg setsid sched_getaffinity getloadavg"),
    (signal, "SIGKILL SIGXCPU SIGHUP SIGPIPE SIGALRM"),
):
    for name in names.split():
        delattr(owner, name)
"""
# These look for what POSIX has when they are imported themselves.
LIBRARIES = "import vl_convert, distributed, altair, scipy.stats"
IMPORT = """
import lenetlab
for found in pkgutil.walk_packages(lenetlab.__path__, "lenetlab."):
    if "torchvision_stub" not in found.name:
        importlib.import_module(found.name)
"""
MEMORY = """
from lenetlab.experiments.run import environment
environment.Path = lambda name: (_ for _ in ()).throw(OSError(name))
assert environment.peak_memory_mb() is None
"""
KEPT = """
from pathlib import Path
from lenetlab.oracle.native.kept import is_whole, keep, own_folder
folder = own_folder(Path(sys.argv[1]) / "native")
(folder / "made").write_bytes(b"library")
keep(folder / "made", folder / "lenet.so")
assert is_whole(folder / "lenet.so")
"""
JUDGE = """
from pathlib import Path
from lenetlab.judge.files import content_of
from lenetlab.judge.child import Limits, _limit
file = Path(sys.argv[1]) / "weights"
file.write_bytes(b"a\\r\\nb\\x1ac")
assert content_of(file) == b"a\\r\\nb\\x1ac"
_limit(Limits())
"""


@pytest.mark.parametrize(
    ("program", "more"),
    [
        pytest.param(IMPORT, LIBRARIES, id="every file is imported", marks=pytest.mark.long),
        pytest.param(MEMORY + KEPT + JUDGE, "", id="a file is kept and read"),
    ],
)
def test_without_what_posix_has(tmp_path, program, more):
    run = [sys.executable, "-c", WITHOUT.replace("{more}", more) + program, str(tmp_path)]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
