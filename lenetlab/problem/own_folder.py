"""Problems as they are asked for: by name, or a folder with four IDX files of one's own.

The files of a folder are measured when it is opened, and whoever reads them later is held to that:
the problem's name has a digest of all four, so that runs on other images are other runs, wherever
the folder lies and whatever it is called.
"""

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from lenetlab.errors import UserError, short, unknown
from lenetlab.problem.files import data_folder, present, unpack
from lenetlab.problem.idx import SIDE, IdxFile, idx_file, shape_in
from lenetlab.problem.problems import DIGITS, PROBLEMS, Half, Problem, held_out

STEMS = (("train-images", "train-labels"), ("t10k-images", "t10k-labels"))
CLASSES = len(DIGITS)  # outputs of the net
FEWEST, MOST = 6, 1_000_000  # images in a half
DIGEST = 8  # of its figures, in the name
_opened_here: dict[str, Problem] = {}  # by name: what this process records, it can read again
EXPECTED = (
    "expected the four IDX files train-images-idx3-ubyte, train-labels-idx1-ubyte, "
    "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, gz or not"
)


def find_problem(given: str | Path) -> Problem:
    """The problem of that name, or of the four files in that folder.

    A name as runs record it, `cats@1a2b3c4d`, is a folder `cats` here or in $LENETLAB_DATA, which
    must hold the same files, or one that this process has opened. Raises `UserError` for what is
    neither, and for files that no net can be trained on, each with the reason.
    """
    text = str(given)
    if text in PROBLEMS:
        return PROBLEMS[text]
    name, at, digest = text.rpartition("@")
    folders = [own := Path(os.path.expanduser(text))]
    if at:
        beside = data_folder()
        folders += [Path(name), *([] if beside is None else [beside / name])]
    for folder in folders:
        if folder.is_dir():
            found = open_folder(folder)
            if folder != own and not found.name.endswith(f"@{digest}"):
                raise UserError(
                    f"{folder} holds other files than those of {text}, it is {found.name}; give "
                    "the folder that has them"
                )
            return found
    if text in _opened_here:
        return _opened_here[text]
    if at and os.sep not in text:
        raise UserError(
            f"the images of {short(text)} are not at hand; expected their folder {short(name)} in "
            "the present folder or in $LENETLAB_DATA"
        )
    if at or os.sep in text:
        raise UserError(f"--problem {short(text)} is no folder; {EXPECTED}")
    raise unknown(
        "problem", text, PROBLEMS,
        f"known: {', '.join(PROBLEMS)}, or the path of a folder with four IDX files",
    )  # fmt: skip


def open_folder(folder: Path) -> Problem:
    """The problem of the four files in `folder`, measured and validated."""
    folder = folder.resolve()
    if folder.name in PROBLEMS:
        raise UserError(
            f"{folder} is called as a problem that lenetlab knows; for its files give --problem "
            f"{folder.name} --data {folder}, for others rename the folder"
        )
    paths = [_find(folder, f"{stem}-idx{dimensions}-ubyte")
             for half in STEMS for stem, dimensions in zip(half, (3, 1), strict=True)]  # fmt: skip
    stamps = tuple((s.st_size, s.st_mtime_ns) for s in (path.stat() for path in paths))
    found = _opened(folder, tuple(paths), stamps)
    _opened_here[found.name] = found
    return found


def _find(folder: Path, name: str) -> Path:
    if (path := present(name, folder)) is None:
        raise UserError(f"{folder / name} is missing (also tried {name}.gz); {EXPECTED}")
    return path


@cache
def _opened(folder: Path, paths: tuple[Path, ...], stamps: tuple[object, ...]) -> Problem:
    """Read once, as long as sizes and dates of the files stay."""
    contents = [unpack(path, 17 + MOST * SIDE * SIDE, EXPECTED) for path in paths]
    train, test = (
        _half(stems, paths[i : i + 2], contents[i : i + 2])
        for stems, i in zip(STEMS, (0, 2), strict=True)
    )
    _check_held_out(paths[1], contents[1][train[1].header :])
    sums = "".join(file.sha256 or "" for file in (*train, *test))
    digest = hashlib.sha256(sums.encode()).hexdigest()[:DIGEST]
    return Problem(
        f"{folder.name}@{digest}", folder.name, train, test, DIGITS, folder=folder
    )  # fmt: skip


def _half(stems: Sequence[str], paths: Sequence[Path], contents: Sequence[bytes]) -> Half:
    """The two files of a half, as they are."""
    found = []
    for stem, path, content, dimensions in zip(stems, paths, contents, (3, 1), strict=True):
        shape = shape_in(content, dimensions)
        if shape is None:
            raise UserError(
                f"{path} does not begin as an IDX file of unsigned bytes in {dimensions} "
                f"dimension{'s' if dimensions > 1 else ''} (0x0000080{dimensions})"
            )
        file = idx_file(stem, hashlib.sha256(content).hexdigest(), shape)
        if len(content) != file.length:
            raise UserError(f"{path} holds {len(content):,} bytes, its header of {_said(shape)} "
                            f"promises {file.length:,}")  # fmt: skip
        found.append(file)
    images, labels = found
    _check(images, labels, paths, contents[1])
    return images, labels


def _check(images: IdxFile, labels: IdxFile, paths: Sequence[Path], labelled: bytes) -> None:
    n = images.shape[0]
    if images.shape[1:] != (SIDE, SIDE):
        raise UserError(
            f"{paths[0]} has images of {_said(images.shape[1:])} pixels; LeNet-5 takes "
            f"{SIDE} × {SIDE}: rescale or pad them"
        )
    if labels.shape[0] != n:
        raise UserError(
            f"{paths[1]} has {labels.shape[0]:,} labels for the {n:,} images of {paths[0].name}"
        )
    if not FEWEST <= n <= MOST:
        raise UserError(f"{paths[0]} has {n:,} images; expected {FEWEST} to {MOST:,}")
    if (largest := max(labelled[labels.header :])) >= CLASSES:
        raise UserError(
            f"{paths[1]} has label {largest}; the net has {CLASSES} outputs, so labels are 0 to "
            f"{CLASSES - 1}"
        )


def _check_held_out(path: Path, labels: bytes) -> None:
    """Tuning is scored on the last sixth: files sorted by class would make nonsense of it."""
    n = held_out(len(labels))
    if missing := set(labels[:-n]) ^ set(labels[-n:]):
        raise UserError(
            f"{path}: the last {n:,} images, on which tuning is scored, and those before have not "
            f"the same classes (class {min(missing)}); shuffle images and labels together"
        )


def _said(shape: Sequence[int]) -> str:
    return " × ".join(f"{n:,}" for n in shape)
