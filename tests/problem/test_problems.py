"""Problems: what they are called, what of their files is checked, and that runs' names tell."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.identity import digest
from lenetlab.experiments.run.in_memory import prepare
from lenetlab.problem.data import load, load_pair
from lenetlab.problem.files import FILES, places
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import (
    EMNIST_DIGITS,
    FASHION_MNIST,
    KMNIST,
    MNIST,
    PROBLEMS,
    held_out,
)
from lenetlab.records.rows import read_results
from tests.own_images import NAMES, contents, idx, write

RESULTS = Path(__file__).parents[2] / "results/course"


def test_recorded_runs_keep_their_names():
    """The name of every kind of run in the recorded study, made again from what its row says."""
    seen = 0
    for cell in read_results(RESULTS).cells:
        for rows in (cell.trials, cell.confirmations, cell.finals, cell.leading):
            for row in rows[:1]:
                data = FILES["train"][0].sha256[:16]
                data += "[0:50000]" if row.recorded.held_out else ""
                recipe = recall(row.recipe)
                assert recipe.problem == FASHION_MNIST
                said = {"recipe": recipe.canonical(), "seed": row.seed, "data": data,
                        "numerics": row.numerics}  # fmt: skip
                assert digest(json.loads(json.dumps(said))) == row.id
                seen += 1
    assert seen > 100


def test_a_problem_is_part_of_a_runs_name(runtime, tmp_path):
    """Of the same recipe and seed: on two folders, and on Fashion-MNIST."""
    one, other = (write(tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 2)))
    recipes = [make_recipe("sgd", problem=problem) for problem in ("fashion-mnist", one, other)]
    assert "problem" not in recipes[0].canonical()
    assert recipes[0].canonical() == make_recipe("sgd").canonical()
    ids = {prepare(recipe, 0, runtime).identity["id"] for recipe in recipes}
    assert len(ids) == 3


def test_the_same_files_are_the_same_problem_wherever_they_lie(tmp_path):
    here, there = write(tmp_path / "x/leaves"), write(tmp_path / "y/leaves", packed=True)
    assert find_problem(here).name == find_problem(str(there)).name
    name, _, digits = find_problem(here).name.partition("@")
    assert (name, len(digits)) == ("leaves", 8)


@pytest.mark.parametrize("changed", NAMES)
def test_every_file_is_in_the_name(tmp_path, changed):
    folder = write(tmp_path / "leaves")
    before = find_problem(folder).name
    content = (folder / changed).read_bytes()
    (folder / changed).write_bytes(content[:-1] + bytes([(content[-1] + 1) % 10]))
    assert find_problem(folder).name != before


def test_a_recorded_name_finds_its_folder(tmp_path, monkeypatch):
    folder = write(tmp_path / "leaves")
    name = find_problem(folder).name
    monkeypatch.setattr("lenetlab.problem.own_folder._opened_here", {})
    monkeypatch.chdir(tmp_path)
    assert find_problem(name).folder == folder
    assert find_problem("leaves").name == name
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_problem("~/leaves").name == name
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LENETLAB_DATA", raising=False)
    monkeypatch.setattr("lenetlab.problem.own_folder._opened_here", {})
    with pytest.raises(UserError, match=r"are not at hand; expected their folder leaves in"):
        find_problem(name)
    monkeypatch.setenv("LENETLAB_DATA", str(tmp_path))
    assert find_problem(name).folder == folder
    write(folder, seed=5)
    with pytest.raises(UserError, match=f"holds other files than those of {name}"):
        find_problem(name)


def test_images_and_labels_are_those_of_the_files(tmp_path):
    made = contents()
    problem = find_problem(write(tmp_path / "leaves"))
    train, test = load_pair("official", problem=problem)
    assert (train.images.shape, test.images.shape) == ((600, 28, 28), (200, 28, 28))
    assert bytes(train.images.flatten().tolist()) == made[NAMES[0]][16:]
    assert bytes(test.labels.tolist()) == made[NAMES[3]][8:]
    fit, others = load_pair("inner", problem=problem)
    assert (len(fit), len(others)) == (500, 100)
    assert others.images.equal(train.images[500:])
    assert (held_out(60_000), held_out(240_000)) == (10_000, 40_000)


def test_files_that_change_after_the_folder_was_opened(tmp_path):
    folder = write(tmp_path / "leaves")
    problem = find_problem(folder)
    write(folder, seed=3)
    with pytest.raises(UserError, match=r"has SHA-256 .* as it was when the folder was opened"):
        load("train", problem=problem)


def small(**arrays: np.ndarray) -> dict[str, bytes]:
    """A sound folder's files, some of them replaced."""
    names = dict(zip(("train", "train_labels", "test", "test_labels"), NAMES, strict=True))
    return contents() | {names[key]: idx(array) for key, array in arrays.items()}


BYTES = np.uint8
SORTED = np.repeat(np.arange(10, dtype=BYTES), 60)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({NAMES[0]: contents()[NAMES[0]]}, r"train-labels-idx1-ubyte is missing \(also tried"),
        (contents() | {NAMES[0]: b"\x89PNG" + bytes(40)}, "does not begin as an IDX file"),
        (contents() | {NAMES[1]: b""}, "does not begin as an IDX file of unsigned bytes in 1"),
        (contents() | {NAMES[2]: contents()[NAMES[2]][:-1]}, "its header of 200 × 28 × 28 promise"),
        (contents() | {NAMES[2]: contents()[NAMES[2]] + b"!"}, "holds 156,817 bytes, its header"),
        (small(train=np.zeros((600, 32, 32), BYTES)), "has images of 32 × 32 pixels; LeNet-5 take"),
        (small(test_labels=np.zeros(199, BYTES)), "has 199 labels for the 200 images of t10k"),
        (small(test_labels=np.full(200, 10, BYTES)), "has label 10; the net has 10 outputs"),
        (small(train=np.zeros((3, 28, 28), BYTES), train_labels=np.zeros(3, BYTES)),
         "has 3 images; expected 6 to 1,000,000"),
        (small(train_labels=SORTED), r"the last 100 images.*\(class 0\); shuffle images"),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_trained_on(tmp_path, files, said):
    folder = tmp_path / "leaves"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=said):
        find_problem(folder)


def test_a_broken_gz_of_ones_own(tmp_path):
    folder = write(tmp_path / "leaves", packed=True)
    path = folder / f"{NAMES[0]}.gz"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"is broken .*expected the four IDX files"):
        find_problem(folder)


def test_names_that_are_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"unknown problem 'kminst'; did you mean 'kmnist'\?"):
        find_problem("kminst")
    with pytest.raises(UserError, match=r"--problem \./no/where is no folder"):
        find_problem("./no/where")
    write(tmp_path / "mnist")
    with pytest.raises(UserError, match=r"--problem mnist --data .*/mnist, for others rename"):
        find_problem("./mnist")
    assert find_problem("mnist") is MNIST


def test_where_files_of_a_problem_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("LENETLAB_CACHE", str(tmp_path))
    monkeypatch.delenv("LENETLAB_DATA", raising=False)
    assert places(None, KMNIST) == [
        ("torchvision's folder", Path("data/KMNIST/raw")), ("cache", tmp_path / "kmnist"),
    ]  # fmt: skip
    monkeypatch.setenv("LENETLAB_DATA", str(tmp_path))  # Fashion-MNIST's
    assert len(places(None, KMNIST)) == 2
    (tmp_path / "kmnist").mkdir()
    assert places(None, KMNIST) == [("LENETLAB_DATA", tmp_path / "kmnist")]
    assert places(None) == [("LENETLAB_DATA", tmp_path)]
    own = find_problem(write(tmp_path / "leaves"))
    assert places(None, own) == [("--problem", tmp_path / "leaves")]
    with pytest.raises(UserError, match="leave one out"):
        places(tmp_path, own)


def balanced(n: int) -> np.ndarray:
    return (np.arange(n) % 10).astype(BYTES)


def half_of(folder: Path, images: np.ndarray, labels: np.ndarray, prefix: str = "t10k") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images))
    (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    return folder


def test_what_is_checked_where_no_checksum_is_known(tmp_path):
    images = np.zeros((10_000, 28, 28), BYTES)
    folder = half_of(tmp_path / "k", images, balanced(10_000))
    first = load("test", folder, KMNIST)
    assert first.labels.bincount().tolist() == [1000] * 10
    images[0, 0, 0] = 1
    assert (
        load("test", half_of(folder, images, balanced(10_000)), KMNIST).checksum != first.checksum
    )
    half_of(folder, images, np.roll(balanced(10_000), 1) // 2)
    with pytest.raises(UserError, match="has not 1,000 labels of each of 10 classes"):
        load("test", folder, KMNIST)
    half_of(folder, images.reshape(10_000, 14, 56), balanced(10_000))
    with pytest.raises(UserError, match="does not begin as t10k-images-idx3-ubyte of Kuzushiji"):
        load("test", folder, KMNIST)


def test_one_problems_files_are_not_anothers(test):
    """Fashion-MNIST has the lengths, and classes of the sizes, of Kuzushiji-MNIST."""
    with pytest.raises(UserError, match=r"is t10k-images-idx3-ubyte of Fashion-MNIST under anothe"):
        load("test", test.folder, KMNIST)
    with pytest.raises(UserError, match=r"is t10k-images-idx3-ubyte of Fashion-MNIST under anothe"):
        load("test", test.folder, MNIST)


def test_emnist_is_upright(tmp_path):
    images = np.zeros((40_000, 28, 28), BYTES)
    images[:, 3, 20] = 7  # row 20, column 3, when upright
    folder = half_of(tmp_path / "e", images, balanced(40_000), "emnist-digits-test")
    found = load("test", folder, EMNIST_DIGITS).images
    assert found[5].nonzero().tolist() == [[20, 3]]
    assert found.is_contiguous()


def test_sizes_and_names_of_the_known_problems():
    assert list(PROBLEMS) == ["fashion-mnist", "mnist", "kmnist", "emnist-digits"]
    assert [problem.pinned for problem in PROBLEMS.values()] == [True, True, False, False]
    names = [file.name for half in EMNIST_DIGITS.files.values() for file in half]
    assert names[0] == "emnist-digits-train-images-idx3-ubyte"
    assert names[3] == "emnist-digits-test-labels-idx1-ubyte"
    assert all(len(problem.classes) == 10 for problem in PROBLEMS.values())


def test_a_mirrors_file_with_another_md5_is_not_taken(tmp_path):
    """Kuzushiji-MNIST's gz files are known by their MD5: a plausible half with another is none."""
    from lenetlab.problem.fetch import fetch

    source = half_of(tmp_path / "m", np.zeros((10_000, 28, 28), BYTES), balanced(10_000))
    for path in list(source.iterdir()):
        (source / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
    with pytest.raises(UserError, match="has not the published MD5 5c965bf0"):
        fetch("test", tmp_path / "cache", [f"{source.as_uri()}/"], KMNIST)
    assert list((tmp_path / "cache").iterdir()) == []
    with pytest.raises(UserError, match=r"EMNIST digits is not on this machine, and lenetlab does"):
        fetch("test", tmp_path / "cache", problem=EMNIST_DIGITS)
