"""The command line, called as its entry point is, in this process or as a process of its own."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from .challenges import ASKED, HELPER, LATE, MINE, STUDY, called


@dataclass(frozen=True)
class Answer:
    """Exit status, and what was printed on stdout and stderr."""

    status: int
    out: str
    err: str


Lenetlab = Callable[[str], Answer]


@pytest.fixture
def lenetlab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Lenetlab]:
    """`lenetlab("run sgd")` in an empty folder; importing torch once for all saves minutes."""
    from lenetlab.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # as the command sets it, and gone afterwards
    threads = torch.get_num_threads()

    def call(command: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["lenetlab", *shlex.split(command)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        code = stop.value.code
        assert code is None or isinstance(code, int)
        return Answer(code or 0, printed.out, printed.err)

    yield call
    torch.set_num_threads(threads)


LENETLAB = str(Path(sys.executable).with_name("lenetlab"))


def process(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The installed command as a process of its own."""
    words = [LENETLAB, *shlex.split(command)]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of a study and a guest's files in a folder below."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "stored.toml").write_text(STUDY)
    (folder / "sub").mkdir()
    for name, source in (("mine", MINE), ("helper", HELPER), ("late", LATE)):
        (folder / "sub" / f"{name}.py").write_text(source)
    called("study stored.toml --workers 1", folder)
    return folder


@pytest.fixture(scope="session")
def answered(stored: Path) -> tuple[Path, dict[str, Any]]:
    """The folder that a challenge in all scenarios left, and what it printed."""
    printed = json.loads(called(f"{ASKED} --scenario all --json", stored))
    return Path(printed["folder"]), printed


@pytest.fixture
def handed_in(answered: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    """A copy in another place, without the rest."""
    return Path(shutil.copytree(answered[0], tmp_path / "handed_in"))
