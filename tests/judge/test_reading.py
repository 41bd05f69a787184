"""Good files give exactly their weights; bad ones one clear line, and nothing of theirs runs."""

import os
import socket
from pathlib import Path

import pytest
import torch
from torch.nn.utils import prune

from lenetlab.judge.child import Limits, open_net
from lenetlab.judge.files import LIMIT, Unreadable
from lenetlab.judge.verdict import judge
from lenetlab.problem.model import CONSTRAINED, flatten, state_dict
from lenetlab.problem.scenarios import BOUND

from .corpus import (
    BROKEN,
    GOOD,
    HOSTILE,
    UNREADABLE,
    LeNet5,
    malicious,
    model,
    saved,
    weights,
    with_pickle,
)


def equal(found: torch.Tensor | None, expected: torch.Tensor) -> bool:
    return found is not None and torch.equal(found, expected)


def write(folder: Path, content: bytes) -> Path:
    path = folder / "submission"
    path.write_bytes(content)
    return path


def test_the_corpus_has_more_than_forty_bad_files():
    assert len(BROKEN) + len(UNREADABLE) > 60


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_gives_its_weights_to_the_bit(name, tmp_path):
    read = open_net(write(tmp_path, GOOD[name]()))
    assert equal(read.w, weights())


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_keeps_the_rules(name, tmp_path, scorer):
    verdict = judge(write(tmp_path, GOOD[name]()), "plain", scorer)
    assert (verdict.outcome, verdict.problems) == ("kept", ())
    assert verdict.score is not None


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_lenet5_breaks_the_rules(name, tmp_path, scorer):
    make, words = BROKEN[name]
    verdict = judge(write(tmp_path, make()), "plain", scorer)
    assert verdict.outcome == "broken"
    assert words in "; ".join(verdict.problems)
    assert all(one_clear_line(problem) for problem in verdict.problems)
    assert verdict.score is None


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_holds_no_weights_cannot_be_judged(name, tmp_path, scorer):
    make, words = UNREADABLE[name]
    verdict = judge(write(tmp_path, make()), "plain", scorer)
    assert verdict.outcome == "unreadable"
    assert len(verdict.problems) == 1
    assert words in verdict.problems[0]
    assert one_clear_line(verdict.problems[0])


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_take_everything_is_ended(name, tmp_path):
    make, words = HOSTILE[name]
    path = write(tmp_path, make())
    with pytest.raises(Unreadable) as refusal:
        open_net(path, Limits(seconds=2, wall=60))
    assert words in str(refusal.value)
    assert one_clear_line(str(refusal.value))


def one_clear_line(text: str) -> bool:
    return 0 < len(text) < 260 and text.isprintable()


def test_no_code_of_a_submission_runs(tmp_path):
    sign = tmp_path / "sign"
    for name, (content, called) in malicious(sign).items():
        with pytest.raises(Unreadable) as refusal:
            open_net(write(tmp_path, content))
        assert called in str(refusal.value), name
        assert "run code" in str(refusal.value), name
        assert not sign.exists(), name


def test_a_whole_model_is_read_without_importing_its_module(tmp_path, monkeypatch):
    """A module that would end the test if imported stands where the class says it is."""
    home = f"c{LeNet5.__module__}\nLeNet5\n".encode()
    content = with_pickle(home, b"csomewhere.else_\nNet\n", model())
    (tmp_path / "somewhere").mkdir()
    (tmp_path / "somewhere/else_.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    read = open_net(write(tmp_path, content))
    assert equal(read.w, weights())
    assert "somewhere.else_.Net" in " ".join(read.notes)


def test_masks_of_prune_are_applied(tmp_path):
    net = model()
    prune.l1_unstructured(net.fc1, "weight", amount=0.5)
    content = saved(net.state_dict())
    prune.remove(net.fc1, "weight")
    read = open_net(write(tmp_path, content))
    assert equal(read.w, flatten(net.state_dict()))
    assert any("fc1.weight_mask" in note for note in read.notes)


def test_gigabytes_are_refused_unread(tmp_path):
    path = tmp_path / "huge.pt"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # takes no room on the disk
    with pytest.raises(Unreadable, match=r"has 5\.0 GB, more than 64 MB"):
        open_net(path)
    with path.open("wb") as file:
        file.truncate(LIMIT + 1)
    with pytest.raises(Unreadable, match="more than 64 MB"):
        open_net(path)


def test_what_is_no_file_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    sock = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(tmp_path)  # a socket's path has at most 108 bytes
    sock.bind("socket")
    os.chdir(here)
    expected = {
        "pipe": "is a named pipe",
        "folder": "is a folder",
        "dangling": "is a link to nothing",
        "loop": "cannot be read",
        "socket": "is a socket",
        "missing": "does not exist",
    }
    for name, words in expected.items():
        with pytest.raises(Unreadable, match=words):
            open_net(tmp_path / name)
    with pytest.raises(Unreadable, match="is a device"):
        open_net(Path("/dev/zero"))
    sock.close()


def test_a_link_to_a_good_file_is_followed(tmp_path):
    path = write(tmp_path, GOOD["state dict"]())
    (tmp_path / "link.pt").symlink_to(path)
    assert equal(open_net(tmp_path / "link.pt").w, weights())


def refusal(path: Path) -> str | None:
    try:
        open_net(path)
    except Unreadable as error:
        return str(error)
    return None


def test_damage_anywhere_is_one_clear_line_or_no_damage(tmp_path):
    """Files cut, and with a byte overwritten, at random places: nothing but `Unreadable`."""
    places = torch.Generator().manual_seed(0)
    for name in ("whole model", "zip-less training checkpoint", "safetensors"):
        content = GOOD[name]()
        for place in torch.randint(1, 4000, (5,), generator=places).tolist():
            for damaged in (content[:place], content[:place] + b"\xff" + content[place + 1 :]):
                said = refusal(write(tmp_path, damaged))
                assert said is None or one_clear_line(said), name


def test_the_loaders_own_list_stays_as_it_was(tmp_path):
    before = set(torch.serialization.get_safe_globals())
    open_net(write(tmp_path, GOOD["whole model"]()))
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize(("kept", "scenario", "noted"), [
    (BOUND, None, True), (BOUND + 1, None, False), (BOUND, "l2", True), (BOUND, "sparse", False),
])  # fmt: skip
def test_a_net_that_would_fit_the_sparse_scenario_is_told_so(
    tmp_path, scorer, kept, scenario, noted
):
    w = weights()
    w[kept:CONSTRAINED] = 0
    verdict = judge(write(tmp_path, saved(state_dict(w))), scenario, scorer)
    assert verdict.outcome == "kept"
    assert any("--scenario sparse" in note for note in verdict.notes) == noted
