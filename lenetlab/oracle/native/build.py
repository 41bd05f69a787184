"""Compiling the native engine at first use, into a cache; PyTorch takes over where that fails.

Installing lenetlab needs no compiler. A wheel may bring the library (prebuilt.py); else the first
run that wants the native engine compiles it in a few seconds. It is kept under a name made from the
sources, the compiler and the instruction set, so that a change of any of them compiles it anew.
What is kept is loaded if nobody else can have written it (kept.py); otherwise this process compiles
one for itself.
"""

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lenetlab.oracle.native.kept import Untrusted, is_whole, keep, own_folder
from lenetlab.oracle.native.prebuilt import Damaged, prebuilt, record
from lenetlab.problem.files import cache_folder

FOLDER = Path(__file__).parent
SECONDS = 300  # that a compiler gets
FLAGS = (
    "-std=c++17", "-O3", "-shared", "-fPIC", "-pthread",
    # products may be fused with sums; nothing else may be reordered
    "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math",
)  # fmt: skip
INSTRUCTIONS = {
    "AVX512": ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma"),
    "AVX2": ("-mavx2", "-mfma"),
    "NEON": (),
}


class Unavailable(Exception):
    """There is no native engine here; the message says why and what to install."""


@dataclass(frozen=True)
class Kernel:
    """The loaded library. `key` names its bits: sources, compiler, instruction set."""

    library: ctypes.CDLL
    key: str
    instructions: str


def instruction_set() -> str:
    """The widest vectors that this processor has and the engine knows; PyTorch has looked.

    `ATEN_CPU_CAPABILITY=avx2` in the environment narrows PyTorch and the engine alike.
    """
    if platform.machine().lower() in ("aarch64", "arm64"):
        return "NEON"
    import torch  # here, because a wheel is built without it

    found = torch.backends.cpu.get_cpu_capability()
    if found not in INSTRUCTIONS:
        raise Unavailable(f"the native engine needs AVX2, AVX-512 or NEON, PyTorch found {found}")
    return found


def compiler() -> tuple[str, ...]:
    """The C++ compiler's command: `$CXX`, else the first of c++, g++, clang++ on the PATH."""
    given = os.environ.get("CXX", "")
    try:
        own = shlex.split(given)
    except ValueError as error:
        raise Unavailable(f"CXX={given} is no command ({error}); correct or unset it") from None
    for command in [own] if own else [["c++"], ["g++"], ["clang++"]]:
        if path := shutil.which(command[0]):
            return (path, *command[1:])
    raise Unavailable(
        f"the native engine needs a C++ compiler, found none{f' called {own[0]}' if own else ''}; "
        "install one (Debian, Ubuntu: apt-get install g++; macOS: xcode-select --install)"
    )


@cache
def native_kernel() -> Kernel:
    """The loaded engine, the wheel's or compiled; raises `Unavailable`."""
    instructions = instruction_set()
    try:
        found = prebuilt(instructions, _sources().hexdigest())
        if found is not None:
            return Kernel(load(found.path), found.key, instructions)
    except (Damaged, OSError) as error:
        raise Unavailable(f"the native engine of the wheel cannot be loaded: {error}") from error
    command = compiler()
    flags = (*FLAGS, *INSTRUCTIONS[instructions])
    key = _key(command, flags)
    folder = cache_folder() / "native"
    try:
        try:
            library = _kept(own_folder(folder) / f"lenet-{key}.so", command, flags)
        except Untrusted as reason:
            print(
                f"lenetlab: {reason}: the engine is compiled for this process alone; name a folder "
                "of your own with LENETLAB_CACHE",
                file=sys.stderr,
            )
            with tempfile.TemporaryDirectory(prefix="lenetlab-") as private:
                library = _kept(Path(private) / f"lenet-{key}.so", command, flags)
    except OSError as error:
        raise Unavailable(
            f"the native engine cannot be kept in {folder} ({error}); "
            "name another folder with LENETLAB_CACHE"
        ) from error
    return Kernel(library, key, instructions)


def load(path: Path) -> ctypes.CDLL:
    """The library in `path`, its functions declared."""
    library = ctypes.CDLL(str(path))
    library.lenet_open.restype = ctypes.c_void_p
    library.lenet_close.argtypes = [ctypes.c_void_p]
    library.lenet_close.restype = None
    library.lenet_question_size.restype = ctypes.c_int64
    library.lenet_answer.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.lenet_answer.restype = ctypes.c_int64
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    library.lenet_level.argtypes = [
        pointer,
        pointer,
        pointer,
        count,
        ctypes.c_double,
        pointer,
        count,
    ]
    library.lenet_level.restype = None
    return library


def make_all(folder: Path) -> dict[str, dict[str, str]]:
    """Compile into `folder` for every instruction set of this kind of machine, for a wheel; what
    its list has of them."""
    command = compiler()
    arm = platform.machine().lower() in ("aarch64", "arm64")
    made = {}
    for name in ["NEON"] if arm else ["AVX512", "AVX2"]:
        flags, library = (*FLAGS, *INSTRUCTIONS[name]), folder / f"lenet-{name}.so"
        _call([*command, *flags, "-o", str(library), str(FOLDER / "lenet.cpp")])
        made[name] = record(library, _key(command, flags), _sources().hexdigest())
    return made


def _sources() -> "hashlib._Hash":
    total = hashlib.sha256()
    for source in sorted((*FOLDER.glob("*.h"), *FOLDER.glob("*.cpp"))):
        total.update(source.name.encode() + source.read_bytes())
    return total


def _key(command: tuple[str, ...], flags: tuple[str, ...]) -> str:
    total = _sources()
    version = _call([*command, "--version"])
    total.update(repr((command[1:], flags, version, platform.machine())).encode())
    return total.hexdigest()[:16]


def _kept(path: Path, command: tuple[str, ...], flags: tuple[str, ...]) -> ctypes.CDLL:
    """The library at `path`; compiled where there is none, or not as it was left."""
    if not is_whole(path):
        from filelock import FileLock  # here, because a wheel is built without it

        with FileLock(path.with_name(f".{path.stem}.lock")):  # of several processes, one compiles
            if not is_whole(path):
                _compile(command, flags, path)
    return load(path)


def _compile(command: tuple[str, ...], flags: tuple[str, ...], path: Path) -> None:
    """Compile beside `path`, then rename: half a library never has its name."""
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        _call([*command, *flags, "-o", str(temporary), str(FOLDER / "lenet.cpp")])
        keep(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _call(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=SECONDS,
            check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        first = next((line for line in said if "error" in line), (said or ["no message"])[0])
        raise Unavailable(f"the native engine fails to compile, {command[0]}: {first}") from error
    return done.stdout
