"""What a bash with a terminal makes of the completions: the keys that a person types."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ..waiting import wait_until
from .conftest import LENETLAB

pty = pytest.importorskip("pty")  # Windows has none
BASH = shutil.which("bash")
# What completes is the program; the line itself only writes its words down.
BEGINNING = """PS1='ready> '
eval "$(_LENETLAB_COMPLETE=source_bash lenetlab)"
lenetlab() { printf '%s\\n' "$@" > words.part; mv words.part words; }
"""


@pytest.mark.skipif(BASH is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("lenetlab run em\tsgd\n", ["run", "ema+sgd"]),
        ("lenetlab run ema+loo\tsoa\t--epochs 1\n", ["run", "ema+lookahead+soap", "--epochs", "1"]),
        ("lenetlab run soa\t--epochs 1\n", ["run", "soap", "--epochs", "1"]),
    ],
)
def test_bash_puts_a_space_behind_a_method_and_none_behind_a_wrapper(tmp_path, keys, words):
    (tmp_path / "rc").write_text(BEGINNING)
    mine, its = pty.openpty()
    env = os.environ | {"PATH": f"{Path(LENETLAB).parent}{os.pathsep}{os.environ['PATH']}",
                        "INPUTRC": os.devnull, "HISTFILE": "", "TERM": "dumb"}  # fmt: skip
    asked = [BASH, "--noprofile", "--rcfile", "rc", "-i"]
    with subprocess.Popen(
        asked, cwd=tmp_path, env=env, stdin=its, stdout=its, stderr=its, start_new_session=True
    ) as bash:
        os.close(its)  # so that reading ends where bash does
        try:
            said = b""
            while b"ready> " not in said:  # from here on it reads keys one by one
                said += os.read(mine, 1024)
            os.write(mine, keys.encode())
            wait_until((tmp_path / "words").exists, "the line is run", bash)
        finally:
            bash.kill()
            os.close(mine)
    assert (tmp_path / "words").read_text().splitlines() == words
