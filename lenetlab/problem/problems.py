"""The problems: which images LeNet-5 is trained on. Everything else of the laboratory stays.

A problem is a value: a name, four IDX files of images of 28 × 28 pixels and their labels 0 to 9,
and where the files may be had. Those known by name are the table below; a folder of one's own
becomes one in `own_folder.py`.

A file is known by the SHA-256 of its decompressed bytes where that is published. Of Kuzushiji-MNIST
only the MD5 of the gz files is, which is compared when they are fetched; of EMNIST's single files
nothing is. There `files.py` checks what can be checked: length, header, labels, and that the
classes are equally large.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lenetlab.problem.idx import SIDE, IdxFile, idx_file

DEFAULT = "fashion-mnist"
Half = tuple[IdxFile, IdxFile]  # images and labels


@dataclass(frozen=True, repr=False)
class Problem:
    """Images to be told apart, and where they are from.

    name : as in a recipe; of a folder of one's own with a digest of its four files.
    title : as a person calls it.
    train, test : the halves, looked up one by one, so that training and tuning work where the
        test files are absent.
    torchvision : its folder in ./data, as torchvision keeps it; empty for none.
    mirrors : addresses that the gz files are at. package : Debian's, if there is one.
    transposed : whether an image's rows are its columns in the files; upright when loaded.
    folder : the files' own, where no other place may have them.
    """

    name: str
    title: str
    train: Half
    test: Half
    classes: tuple[str, ...]
    torchvision: str = ""
    mirrors: tuple[str, ...] = ()
    package: str = ""
    transposed: bool = False
    folder: Path | None = None

    def __repr__(self) -> str:
        return f"Problem({self.name!r})"

    @property
    def files(self) -> Mapping[str, Half]:
        """Images and labels of each half, by its name."""
        return {"train": self.train, "test": self.test}

    @property
    def pinned(self) -> bool:
        """Whether all four files are known by their SHA-256."""
        return all(file.sha256 for half in self.files.values() for file in half)

    @property
    def default(self) -> bool:
        """Whether it is the one that a recipe need not name."""
        return self.name == DEFAULT


def _half(
    prefix: str, n: int, sums: tuple[str | None, str | None] = (None, None),
    md5_gz: tuple[str | None, str | None] = (None, None),
) -> Half:  # fmt: skip
    return (
        idx_file(f"{prefix}-images", sums[0], (n, SIDE, SIDE), md5_gz[0]),
        idx_file(f"{prefix}-labels", sums[1], (n,), md5_gz[1]),
    )


DIGITS = tuple("0123456789")

FASHION_MNIST = Problem(
    DEFAULT,
    "Fashion-MNIST",
    _half("train", 60_000, (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    )),
    _half("t10k", 10_000, (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    )),
    (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    torchvision="FashionMNIST",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    package="dataset-fashion-mnist",
)  # fmt: skip

MNIST = Problem(
    "mnist",
    "MNIST",
    _half("train", 60_000, (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    )),
    _half("t10k", 10_000, (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    )),
    DIGITS,
    torchvision="MNIST",
    mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/",),
)  # fmt: skip

KMNIST = Problem(
    "kmnist",
    "Kuzushiji-MNIST",
    _half("train", 60_000, md5_gz=(
        "bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
    )),
    _half("t10k", 10_000, md5_gz=(
        "5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134",
    )),
    ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    torchvision="KMNIST",
    mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
)  # fmt: skip

EMNIST_DIGITS = Problem(
    "emnist-digits",
    "EMNIST digits",
    _half("emnist-digits-train", 240_000),
    _half("emnist-digits-test", 40_000),
    DIGITS,
    torchvision="EMNIST",
    transposed=True,
)

PROBLEMS: Mapping[str, Problem] = {
    problem.name: problem for problem in (FASHION_MNIST, MNIST, KMNIST, EMNIST_DIGITS)
}


def held_out(images: int) -> int:
    """How many of so many training images tuning is scored on: the last sixth, 10,000 of 60,000."""
    return images // 6


def title_of(name: str) -> str:
    """What a person calls the problem that a record names, known here or not."""
    return PROBLEMS[name].title if name in PROBLEMS else name
