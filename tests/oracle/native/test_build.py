"""The library is compiled once, whoever asks; without a compiler PyTorch takes over and says so."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lenetlab.oracle.native import build
from tests.cli.conftest import LENETLAB

BUILD = "from lenetlab.oracle.native.build import native_kernel; print(native_kernel().key)"
SANITIZED = Path(__file__).with_name("sanitized.cpp")


@pytest.mark.long
def test_processes_that_start_at_once_get_one_library(tmp_path):
    environment = os.environ | {"LENETLAB_CACHE": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, "-c", BUILD], env=environment, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    keys = {process.communicate(timeout=300)[0].decode().strip() for process in started}
    assert all(process.returncode == 0 for process in started)
    assert [path.name for path in (tmp_path / "native").glob("*.so*")] == [f"lenet-{keys.pop()}.so"]
    assert not keys


def test_another_compiler_command_or_instruction_set_has_another_key():
    flags = {name: (*build.FLAGS, *more) for name, more in build.INSTRUCTIONS.items()}
    command = build.compiler()
    keys = {build._key(command, given) for given in flags.values()}
    keys.add(build._key((*command, "-DX"), flags["AVX2"]))
    assert len(keys) == 4


def run_without_compiler(tmp_path, words):
    """`lenetlab run` where the PATH holds no compiler."""
    (tmp_path / "bin").mkdir()
    environment = os.environ | {
        "PATH": str(tmp_path / "bin"),
        "LENETLAB_DATA": str(_data()),
    }
    environment.pop("CXX", None)
    return subprocess.run(
        [LENETLAB, *words.split()], cwd=tmp_path, env=environment, capture_output=True, text=True
    )


def _data() -> Path:
    from lenetlab.problem.data import load

    return load("train").folder


def test_without_a_compiler_auto_takes_pytorch_and_says_so_once(tmp_path):
    done = run_without_compiler(tmp_path, "run sgd --vary lr=0.1,0.2 --epochs 0.01 --json")
    assert done.returncode == 0
    assert done.stdout.count('"engine": "torch"') == 2
    assert done.stderr.count("needs a C++ compiler") == 1
    assert "apt-get install g++" in done.stderr


def test_without_a_compiler_native_is_refused(tmp_path):
    done = run_without_compiler(tmp_path, "run sgd --epochs 0.01 --engine native")
    assert done.returncode == 2
    assert "engine 'native' is not available" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_compiler_that_fails_is_reported_by_its_first_error(tmp_path, monkeypatch):
    broken = tmp_path / "cxx"
    fail = "[ $# = 1 ] || { echo 'x.cpp:1: error: no such luck' >&2; exit 1; }"
    broken.write_text(f"#!/bin/sh\n{fail}\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    monkeypatch.setenv("LENETLAB_CACHE", str(tmp_path))
    with pytest.raises(build.Unavailable, match="no such luck"):
        build.native_kernel.__wrapped__()
    assert not list((tmp_path / "native").glob("lenet-*"))


COPIES = """#!/bin/sh
[ "$1" = --version ] && exec echo copies
while [ "$1" != -o ]; do shift; done
echo >> "$LOG"
exec cp "$LIBRARY" "$2"
"""
PLANTED = """
#include <cstdio>
#include <cstdlib>
__attribute__((constructor)) static void run() { fclose(fopen(getenv("MARK"), "w")); }
"""


@dataclass(frozen=True)
class Kept:
    """A cache in `folder`, and a compiler that copies a library and keeps count in `log`."""

    folder: Path
    log: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def library(self) -> Path:
        (found,) = (self.folder / "native").glob("*.so")
        return found

    @property
    def compiled(self) -> int:
        return len(self.log.read_text().splitlines())

    def load(self) -> str:
        """Load the engine as a new process does; what was said on stderr."""
        build.native_kernel.__wrapped__()
        return self.capsys.readouterr().err


@pytest.fixture
def kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Kept:
    """Used once: the library is there."""
    real = build.cache_folder() / "native" / f"lenet-{build.native_kernel().key}.so"
    copies = tmp_path / "cxx"
    copies.write_text(COPIES)
    copies.chmod(0o755)
    monkeypatch.setenv("CXX", str(copies))
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("LIBRARY", str(real))
    monkeypatch.setenv("MARK", str(tmp_path / "planted-code-ran"))
    monkeypatch.setenv("LENETLAB_CACHE", str(tmp_path / "made"))
    found = Kept(tmp_path / "cache", tmp_path / "log", capsys)
    assert found.load() == ""
    assert found.compiled == 1
    # The system loads no path a second time: what is in this one is loaded by the test alone.
    (tmp_path / "made").rename(found.folder)
    monkeypatch.setenv("LENETLAB_CACHE", str(found.folder))
    return found


def test_a_library_is_compiled_once_and_nobody_else_may_write_it(kept):
    assert kept.load() == ""
    assert kept.compiled == 1
    for path in (kept.folder, kept.library.parent, kept.library):
        assert path.stat().st_mode & 0o077 == 0


def flip(content: bytes) -> bytes:
    return bytes(byte ^ 0x55 for byte in content)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda so: so[: len(so) // 2], id="cut in half"),
        pytest.param(lambda so: so[:4096] + flip(so[4096:]), id="flipped"),
        pytest.param(lambda so: b"", id="empty"),
        pytest.param(lambda so: so + b"more", id="longer"),
    ],
)
def test_a_damaged_library_is_compiled_again(kept, damage):
    whole = kept.library.read_bytes()
    kept.library.write_bytes(damage(whole))
    assert kept.load() == ""
    assert kept.compiled == 2
    assert kept.library.read_bytes() == whole


def test_a_library_without_a_checksum_is_compiled_again(kept):
    kept.library.with_suffix(".sha256").unlink()
    kept.load()
    assert kept.compiled == 2
    kept.load()
    assert kept.compiled == 2


def plant(kept, tmp_path):
    """Code of somebody else's under the library's name, with its checksum."""
    source = tmp_path / "planted.cpp"
    source.write_text(PLANTED)
    subprocess.run(["c++", "-shared", "-fPIC", "-o", kept.library, source], check=True)
    checksum = hashlib.sha256(kept.library.read_bytes()).hexdigest()
    kept.library.with_suffix(".sha256").write_text(checksum)


def give_away(path):
    os.chown(path, 12345, 12345)


ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives files away")
STRANGE = [
    pytest.param(lambda k: k.library.parent.chmod(0o777), "may be written", id="folder for all"),
    pytest.param(lambda k: k.library.parent.chmod(0o770), "may be written", id="for a group"),
    pytest.param(lambda k: k.library.chmod(0o666), "may be written", id="file for all"),
    pytest.param(lambda k: k.folder.chmod(0o777), "may be written", id="folder above for all"),
    pytest.param(lambda k: k.library.with_suffix(".sha256").chmod(0o622), "may be", id="checksum"),
    pytest.param(lambda k: give_away(k.library.parent), "another user", id="theirs", marks=ROOT),
    pytest.param(lambda k: give_away(k.library), "another user", id="their file", marks=ROOT),
    pytest.param(lambda k: give_away(k.folder), "another user", id="above theirs", marks=ROOT),
]


@pytest.mark.parametrize(("open_to_others", "why"), STRANGE)
def test_code_that_others_may_have_put_there_is_not_run(kept, tmp_path, open_to_others, why):
    plant(kept, tmp_path)
    open_to_others(kept)
    said = kept.load()
    assert not (tmp_path / "planted-code-ran").exists()
    assert kept.compiled == 2
    assert said.startswith("lenetlab: the f")
    assert why in said
    assert "for this process alone" in said
    assert said.count("\n") == 1


def test_a_quotation_without_an_end_is_no_compiler(monkeypatch):
    monkeypatch.setenv("CXX", '"')
    with pytest.raises(build.Unavailable, match='CXX=" is no command'):
        build.compiler()


AVX512, AVX2 = (list(build.INSTRUCTIONS[name]) for name in ("AVX512", "AVX2"))


@pytest.mark.parametrize(
    "width",
    [
        pytest.param(AVX512, id="AVX512", marks=pytest.mark.long),  # minutes to compile
        pytest.param(AVX2, id="AVX2", marks=pytest.mark.long),
        pytest.param([], id="baseline", marks=pytest.mark.long),
    ],
)
def test_sanitizers_find_nothing(tmp_path, width):
    if width == AVX512 and build.instruction_set() != "AVX512":
        pytest.skip("this processor has no AVX-512")
    if width and build.instruction_set() == "NEON":
        pytest.skip("flags of another processor")
    program = tmp_path / "sanitized"
    compiled = subprocess.run(
        [*build.compiler(), "-std=c++17", "-O1", "-g", *width, "-pthread", f"-I{build.FOLDER}",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
         str(SANITIZED), "-o", str(program)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr
    done = subprocess.run([program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ok\n"


@pytest.mark.skipif(
    shutil.which("aarch64-linux-gnu-g++") is None, reason="no cross-compiler for Arm"
)
def test_it_compiles_for_arm(tmp_path):
    command = ["aarch64-linux-gnu-g++", *build.FLAGS, "-o", str(tmp_path / "lenet.so")]
    subprocess.run([*command, str(build.FOLDER / "lenet.cpp")], check=True)
