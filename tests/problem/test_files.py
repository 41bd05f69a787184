"""Where the four files may be, in which order, and what is said of a file that is not the real
one."""

import gzip
import re
from pathlib import Path

import pytest

from lenetlab.errors import UserError
from lenetlab.problem import files
from lenetlab.problem.data import load
from lenetlab.problem.files import FILES, from_anywhere, locate, places, read

IMAGES, LABELS = FILES["test"]


def put(folder: Path, contents: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def real(test) -> dict[str, bytes]:
    """The decompressed test half, by file name."""
    return {file.name: read(file, test.folder) for file in FILES["test"]}


@pytest.fixture
def nowhere(tmp_path, monkeypatch) -> Path:
    """A machine without data: an empty working folder, cache, and Debian's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LENETLAB_DATA", raising=False)
    monkeypatch.setenv("LENETLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(files, "DEBIAN", tmp_path / "debian")
    return tmp_path


def never(half: str, folder: Path) -> str:
    raise AssertionError("nothing was to be fetched")


def test_plain_and_gz_files_are_the_same_data(tmp_path, real):
    packed = {f"{name}.gz": gzip.compress(raw, 1) for name, raw in real.items()}
    plain = load("test", put(tmp_path / "plain", real))
    gz = load("test", put(tmp_path / "gz", packed))
    assert plain.images.equal(gz.images)
    assert plain.labels.equal(gz.labels)
    assert plain.checksum == gz.checksum
    raw = real[IMAGES.name]
    assert bytes(plain.images.flatten().tolist()) == raw[16:]


def test_sources_are_searched_in_the_promised_order(nowhere, real, monkeypatch):
    put(nowhere / "cache/fashion-mnist", real)
    assert locate("test", None, never)[0] == "cache"
    put(nowhere / "debian", real)
    assert locate("test", None, never) == ("Debian's package", nowhere / "debian")
    put(nowhere / "data/FashionMNIST/raw", real)
    source, folder = locate("test", None, never)
    assert (source, folder.resolve()) == (
        "torchvision's folder",
        nowhere / "data/FashionMNIST/raw",
    )
    monkeypatch.setenv("LENETLAB_DATA", str(put(nowhere / "own", real)))
    assert locate("test", None, never) == ("LENETLAB_DATA", nowhere / "own")
    given = put(nowhere / "given", real)
    assert locate("test", given, never) == ("--data", given)


def test_a_relative_place_is_found_from_another_folder_too(nowhere, real, monkeypatch):
    assert from_anywhere(None) is None
    raw = put(nowhere / "data" / "FashionMNIST" / "raw", real)
    assert from_anywhere(None) == raw
    assert from_anywhere(Path("elsewhere")) == nowhere / "elsewhere"
    monkeypatch.setenv("LENETLAB_DATA", str(raw))
    assert from_anywhere(None) is None


def test_without_any_source_the_half_is_fetched_into_the_cache(nowhere):
    batch_size = []
    found = locate(
        "test", None, lambda half, folder: batch_size.append((half, folder)) or "a mirror"
    )
    assert found == ("a mirror", nowhere / "cache/fashion-mnist")
    assert batch_size == [("test", nowhere / "cache/fashion-mnist")]


def test_a_folder_that_was_named_is_never_replaced_by_another(nowhere, real, monkeypatch):
    put(nowhere / "cache/fashion-mnist", real)
    monkeypatch.setenv("LENETLAB_DATA", str(nowhere / "absent"))
    with pytest.raises(UserError, match=r"absent/t10k-images.* is missing .*LENETLAB_DATA"):
        locate("test", None, never)
    with pytest.raises(UserError, match="is missing"):
        locate("test", nowhere, never)


def test_half_a_half_is_an_error(nowhere, real):
    put(nowhere / "debian", {LABELS.name: real[LABELS.name]})
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte is missing.*Debian's package"):
        locate("test", None, never)


def test_the_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("LENETLAB_CACHE", raising=False)
    monkeypatch.delenv("LENETLAB_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert places(None)[-1] == ("cache", tmp_path / "lenetlab/fashion-mnist")
    monkeypatch.setenv("LENETLAB_CACHE", str(tmp_path / "mine"))
    assert places(None)[-1] == ("cache", tmp_path / "mine/fashion-mnist")


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_a_broken_file_is_named_with_what_was_expected_and_found(tmp_path, real):
    whole = real[LABELS.name]
    packed = gzip.compress(whole)
    cases = {
        "truncated gz": (packed[:-100], r"is broken .*10008 bytes inside"),
        "empty gz": (b"", r"holds 0 bytes, expected 10008|is broken"),
        "no gz at all": (b"<html>404</html>", r"is broken .*gzip"),
        "flipped byte in gz": (flipped(packed, len(packed) // 2), "is broken|has SHA-256"),
        "flipped byte in the data": (gzip.compress(flipped(whole, 5000)), "has SHA-256 .*0402a96"),
        "too short": (gzip.compress(whole[:-1]), "holds 10007 bytes, expected 10008"),
        "too long": (gzip.compress(whole + b"\0"), "holds 10009 bytes, expected 10008"),
    }
    for case, (content, message) in cases.items():
        folder = put(tmp_path / case, {f"{LABELS.name}.gz": content})
        with pytest.raises(UserError, match=message) as caught:
            read(LABELS, folder)
        said = str(caught.value)
        assert said.startswith(str(folder / f"{LABELS.name}.gz"))
        assert "apt-get install dataset-fashion-mnist" in said


@pytest.mark.parametrize("at", [0, 8, 10_007])
def test_no_byte_of_a_plain_file_can_be_altered(tmp_path, real, at):
    folder = put(tmp_path, {LABELS.name: flipped(real[LABELS.name], at)})
    with pytest.raises(UserError, match="has SHA-256"):
        read(LABELS, folder)


def test_swapped_files_are_recognised(train, tmp_path):
    """Training labels in the place of a file of their own length."""
    labels = read(FILES["train"][1], train.folder)
    put(tmp_path, {LABELS.name: labels})
    with pytest.raises(UserError, match="holds 60008 bytes, expected 10008"):
        read(LABELS, tmp_path)
    twin = files.IdxFile(LABELS.name, len(labels), LABELS.sha256, (60_000,))
    with pytest.raises(UserError, match="is train-labels-idx1-ubyte under another name"):
        files.verify(twin, labels, tmp_path / LABELS.name)


def test_a_folder_in_a_files_place_is_no_file(tmp_path):
    (tmp_path / LABELS.name).mkdir()
    with pytest.raises(UserError, match="is missing"):
        read(LABELS, tmp_path)


def test_a_wrong_file_in_a_searched_folder_is_not_passed_over(nowhere, real):
    """The user believes this data is used; another source must not be taken silently."""
    put(nowhere / "debian", real)
    put(nowhere / "data/FashionMNIST/raw", real | {LABELS.name: b"\0" * 10_008})
    with pytest.raises(UserError, match=re.escape("data/FashionMNIST/raw")):
        load("test")


def test_a_data_option_that_is_no_folder(tmp_path):
    with pytest.raises(UserError, match="is not a folder"):
        load("test", tmp_path / "nothing")


def test_lengths_are_those_of_the_idx_format():
    for pair in FILES.values():
        for file, dimensions in zip(pair, (3, 1), strict=True):
            assert len(file.shape) == dimensions
            assert file.header == 4 * (1 + dimensions)
    assert FILES["train"][0].length == 47_040_016
