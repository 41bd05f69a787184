"""The command line, called as its entry point is, in this process or as a process of its own."""

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch


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
