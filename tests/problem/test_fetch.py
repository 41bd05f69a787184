"""Fetching: from a mirror on this machine, and from Debian's package when mirrors are down."""

import gzip
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server

import pytest

from lenetlab.errors import UserError
from lenetlab.problem import fetch as module
from lenetlab.problem.data import load
from lenetlab.problem.fetch import fetch
from lenetlab.problem.files import FILES, read
from tests.waiting import join

IMAGES, LABELS = FILES["test"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def packed(test, tmp_path_factory) -> Path:
    """A folder with the test half as a mirror has it."""
    folder = tmp_path_factory.mktemp("mirror")
    for file in FILES["test"]:
        packed = gzip.compress(read(file, test.folder), 1)
        (folder / f"{file.name}.gz").write_bytes(packed)
    return folder


@pytest.fixture
def mirror(packed) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(packed))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        join(thread)


@pytest.fixture
def down() -> str:
    """An address at which nobody answers any more."""
    with create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.fixture
def no_apt(tmp_path, monkeypatch) -> None:
    """A machine that is neither Debian nor Ubuntu."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_mirror_gives_verified_decompressed_files(mirror, tmp_path, test):
    folder = tmp_path / "cache"
    assert fetch("test", folder, [mirror]) == f"cache, from {mirror}"
    assert names(folder) == [IMAGES.name, LABELS.name]
    assert load("test", folder).images.equal(test.images)


def test_the_next_mirror_is_asked_when_one_is_down(down, mirror, tmp_path):
    assert mirror in fetch("test", tmp_path, [down, mirror])


def test_a_mirror_that_does_not_answer_gets_its_seconds_and_no_more(mirror, tmp_path, monkeypatch):
    assert module.SECONDS == 5
    monkeypatch.setattr(module, "SECONDS", 0.3)
    with create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
        port = silent.getsockname()[1]
        begun = time.monotonic()
        assert mirror in fetch("test", tmp_path, [f"http://127.0.0.1:{port}/", mirror])
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize("damage", ["truncated", "altered", "a page of words", "absent"])
def test_a_broken_mirror_is_never_taken_for_data(mirror, packed, tmp_path, no_apt, damage):
    """The images are good and come first; the labels are not: nothing at all is kept."""
    labels = packed / f"{LABELS.name}.gz"
    whole = gzip.decompress(labels.read_bytes())
    if damage == "absent":
        labels.unlink()
    else:
        broken = {
            "truncated": labels.read_bytes()[:-20],
            "altered": gzip.compress(b"\1" + whole[1:]),
            "a page of words": b"<html>please log in</html>",
        }
        labels.write_bytes(broken[damage])
    folder = tmp_path / "cache"
    with pytest.raises(UserError, match="could not be fetched") as caught:
        fetch("test", folder, [mirror])
    assert mirror in str(caught.value)
    assert "--data" in str(caught.value)
    assert names(folder) == []


def test_a_connection_that_breaks_off_leaves_nothing(tmp_path, no_apt):
    with create_server(("127.0.0.1", 0)) as server:

        def half_an_answer() -> None:
            connection, _ = server.accept()
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 100000\r\n\r\nsome")
            connection.close()
            server.close()  # the second file finds nobody

        thread = threading.Thread(target=half_an_answer)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.start()
        with pytest.raises(UserError, match="could not be fetched"):
            fetch("test", tmp_path, [address])
        join(thread)
    assert names(tmp_path) == []


APT = """#!/bin/sh
# apt-get as far as `download` needs it: notes its arguments, brings the package that lies ready
echo "$@" >> "{log}"
case "$*" in *download*) cp "{package}" dataset-fashion-mnist_1_all.deb;; esac
"""


@pytest.fixture
def apt(packed, tmp_path, monkeypatch) -> Path:
    """A machine whose apt brings a real package; returns the log of its calls."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not on this machine")
    tree = tmp_path / "tree"
    shutil.copytree(packed, tree / "usr/share/datasets/fashion-mnist")
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        "Package: dataset-fashion-mnist\nVersion: 1\nArchitecture: all\n"
        "Maintainer: nobody <nobody@example.org>\nDescription: test\n"
    )
    package, log = tmp_path / "made.deb", tmp_path / "apt.log"
    command = ["dpkg-deb", "-Znone", "--build", str(tree), str(package)]
    subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/apt-get"
    program.write_text(APT.format(log=log, package=package))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return log


def test_with_all_mirrors_down_debians_package_is_unpacked(down, apt, tmp_path, test):
    folder = tmp_path / "cache"
    assert fetch("test", folder, [down]) == "cache, from Debian's package"
    assert names(folder) == [IMAGES.name, LABELS.name]
    assert load("test", folder).labels.equal(test.labels)
    update, download = apt.read_text().splitlines()
    assert update.endswith("update")
    assert download.endswith("download dataset-fashion-mnist")
    for call in (update, download):  # a new machine has no lists, and we are not root
        assert f"Dir::State::Lists={folder}" in call
        assert f"Dir::Cache={folder}" in call


@pytest.mark.parametrize(("user", "asked"), [(0, True), (4_000_000_000, False)])
def test_a_user_needs_no_name_and_root_stays_root(down, apt, tmp_path, monkeypatch, user, asked):
    """A container may be started for a number that nobody has."""
    monkeypatch.setattr(os, "getuid", lambda: user)
    assert fetch("test", tmp_path / "cache", [down]) == "cache, from Debian's package"
    assert ("APT::Sandbox::User=root" in apt.read_text()) == asked


def test_what_apt_does_not_bring_is_among_what_was_tried(down, apt, tmp_path):
    (tmp_path / "made.deb").unlink()
    with pytest.raises(UserError, match=r"tried .*apt-get download dataset-fashion-mnist"):
        fetch("test", tmp_path / "cache", [down])


def test_a_cache_that_cannot_be_written_is_named(mirror, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match=r"cannot be written.*LENETLAB_CACHE"):
        fetch("test", tmp_path / "file", [mirror])
