"""A guest's own sources, as they are handed in."""

import sys
from pathlib import Path

import pytest

from lenetlab.disk import replace_bytes
from lenetlab.errors import UserError
from lenetlab.experiments.study.challenger import Challenger, find_challenger, pack

MINE, HELPER = Path("mine.py"), Path("sub/helper.py")
OPTIMIZER = "import torch\n\n\nclass Mine(torch.optim.SGD):\n    pass\n"


def kept(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a guest that imports a helper."""
    (tmp_path / "home" / "sub").mkdir(parents=True)
    (tmp_path / "home" / MINE).write_text(f"from sub.helper import M\n{OPTIMIZER}")
    (tmp_path / "home" / HELPER).write_text("M = 0.9\n")
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "home"


def test_what_is_packed_is_the_guest_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "challenge" / "guest"
    guest = Challenger("mine.py:Mine", "a", {MINE: b"import sub.helper", HELPER: b"M = 0.9"})
    pack(guest, folder)
    (folder / "of_before.py").write_text("")
    (folder / "sub" / "of_before.py").write_text("")
    pack(guest, folder)
    assert kept(folder) == guest.sources


def test_what_is_packed_is_what_was_found_and_not_what_was_edited_since(home, tmp_path):
    guest = find_challenger("mine.py:Mine")
    before = kept(home)
    (home / HELPER).write_text("M = 0.5\n")
    (home / MINE).unlink()
    pack(guest, tmp_path / "guest")
    assert kept(tmp_path / "guest") == before


def test_a_challenges_own_copy_is_whole_at_every_moment(home, monkeypatch):
    """It may be the only one, and the process may be killed after any of the writes."""
    guest, before = find_challenger("mine.py:Mine"), kept(home)
    seen = []

    def killed_here(path: Path, content: bytes) -> None:
        seen.append(kept(home))
        replace_bytes(path, content)

    monkeypatch.setattr("lenetlab.experiments.study.challenger.replace_bytes", killed_here)
    pack(guest, home)
    assert seen == [before] * 2


def test_a_module_that_is_not_installed_is_refused(home, monkeypatch):
    """It is found by PYTHONPATH here, and nowhere else."""
    (home / "only_here.py").write_text(OPTIMIZER)
    monkeypatch.syspath_prepend(home)
    with pytest.raises(UserError, match=r"only_here.py, which is not installed .* FILE.py:Mine"):
        find_challenger("only_here:Mine")
    assert find_challenger("only_here.py:Mine").sources == {
        Path("only_here.py"): OPTIMIZER.encode()
    }


def test_one_that_is_installed_travels_as_its_package(home):
    assert find_challenger("torch.optim:SGD").sources == {}
    assert find_challenger("ema+sgd").sources == {}
    (home / MINE).write_text("from pytorch_optimizer import Lion\n")
    assert list(find_challenger("mine.py:Lion").sources) == [MINE]
