"""Images of our own: IDX files with ten blurred patterns and noise, which a net can learn."""

import gzip
import struct
from pathlib import Path

import numpy as np

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte",
         "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")  # fmt: skip


def idx(data: np.ndarray) -> bytes:
    """An array of unsigned bytes as the content of an IDX file."""
    return struct.pack(f">HBB{data.ndim}I", 0, 8, data.ndim, *data.shape) + data.tobytes()


def contents(train: int = 600, test: int = 200, seed: int = 0) -> dict[str, bytes]:
    """The four files, by name. Every class has a pattern; an image is that, shifted by up to two
    pixels, and three times as much noise."""
    rng = np.random.default_rng(seed)
    patterns = rng.random((10, 7, 7)).repeat(4, axis=1).repeat(4, axis=2)
    found = []
    for n in (train, test):
        labels = rng.permutation(np.arange(n) % 10).astype(np.uint8)
        moved = [np.roll(patterns[label], rng.integers(-2, 3, size=2), axis=(0, 1))
                 for label in labels]  # fmt: skip
        noisy = 0.25 * np.asarray(moved) + 0.75 * rng.random((n, 28, 28))
        found += [idx((255 * noisy).astype(np.uint8)), idx(labels)]
    return dict(zip(NAMES, found, strict=True))


def write(folder: Path, packed: bool = False, **changed: int) -> Path:
    """The four files in `folder`, plain or gz."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents(**changed).items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1))
        else:
            (folder / name).write_bytes(content)
    return folder
