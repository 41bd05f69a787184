"""A wheel with the engine in it: no compiler, the key is the builder's, damage is seen."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lenetlab.oracle.native import build
from lenetlab.oracle.native.prebuilt import LIST, Damaged, prebuilt

pytestmark = pytest.mark.long  # every library of a wheel is compiled

ROOT = Path(__file__).parents[3]
SOURCES = build._sources().hexdigest()
GRADIENT = """
import torch
from lenetlab.oracle.native import build
from lenetlab.oracle.native_engine import NativeEngine
from lenetlab.problem.model import SIZE

engine = NativeEngine(torch.zeros(3, 28, 28, dtype=torch.uint8), torch.arange(3))
loss = engine.gradient(torch.zeros(SIZE), None, torch.empty(SIZE))
print(build.__file__, engine.key, loss.item())
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a wheel would have."""
    folder = tmp_path_factory.mktemp("prebuilt")
    (folder / LIST).write_text(json.dumps(build.make_all(folder)))
    return folder


def test_the_key_is_that_of_the_sources_and_of_what_compiled_them(made):
    here = build.instruction_set()
    found = prebuilt(here, SOURCES, made)
    flags = (*build.FLAGS, *build.INSTRUCTIONS[here])
    assert found.key == build._key(build.compiler(), flags)
    keys = [entry["key"] for entry in json.loads((made / LIST).read_text()).values()]
    assert len(set(keys)) == len(keys)


def test_it_is_not_used_for_other_sources_or_instructions(made, tmp_path):
    assert prebuilt("SSE9", SOURCES, made) is None
    assert prebuilt(build.instruction_set(), "0" * 64, made) is None
    assert prebuilt(build.instruction_set(), SOURCES, tmp_path) is None


def test_a_damaged_library_is_refused(made, tmp_path):
    here = build.instruction_set()
    entry = json.loads((made / LIST).read_text())[here]
    (tmp_path / LIST).write_bytes((made / LIST).read_bytes())
    with pytest.raises(Damaged, match="install lenetlab again"):  # it is missing
        prebuilt(here, SOURCES, tmp_path)
    whole = (made / entry["file"]).read_bytes()
    (tmp_path / entry["file"]).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(Damaged, match="not as it was installed"):
        prebuilt(here, SOURCES, tmp_path)
    (tmp_path / entry["file"]).write_bytes(whole)
    assert prebuilt(here, SOURCES, tmp_path).path == tmp_path / entry["file"]


def test_a_package_that_has_it_needs_no_compiler_and_refuses_damage(made, tmp_path):
    """The package as the wheel unpacks it, under a process that finds no compiler."""
    package = tmp_path / "site"
    with zipfile.ZipFile(tmp_path / "files.zip", "w") as files:
        for path in (ROOT / "lenetlab").rglob("*"):
            if path.suffix in (".py", ".h", ".cpp"):
                files.write(path, path.relative_to(ROOT))
        for path in made.iterdir():
            files.write(path, f"lenetlab/oracle/native/prebuilt/{path.name}")
    with zipfile.ZipFile(tmp_path / "files.zip") as files:
        files.extractall(package)
    environment = os.environ | {
        "PYTHONPATH": str(package), "CXX": "/bin/false", "LENETLAB_CACHE": str(tmp_path / "cache"),
    }  # fmt: skip

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", GRADIENT],
            env=environment, capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip

    done = run()
    assert done.returncode == 0, done.stderr
    file, key, loss = done.stdout.split()
    assert file.startswith(str(package))
    assert key == prebuilt(build.instruction_set(), SOURCES, made).key
    assert float(loss) == pytest.approx(2.302585, abs=1e-6)
    assert not (tmp_path / "cache").exists()
    for library in (package / "lenetlab/oracle/native/prebuilt").glob("*.so"):
        library.write_bytes(b"")
    done = run()
    assert "Unavailable: the native engine of the wheel cannot be loaded" in done.stderr
