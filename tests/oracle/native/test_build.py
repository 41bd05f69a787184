"""The library is compiled once, whoever asks; without a compiler PyTorch takes over and says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lenetlab.oracle.native import build
from tests.cli.conftest import LENETLAB

BUILD = "from lenetlab.oracle.native.build import native_kernel; print(native_kernel().key)"
SANITIZED = Path(__file__).with_name("sanitized.cpp")


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


AVX512, AVX2 = (list(build.INSTRUCTIONS[name]) for name in ("AVX512", "AVX2"))


@pytest.mark.parametrize(
    "width",
    [
        pytest.param(AVX512, id="AVX512"),
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
