"""One IDX file: a header of big-endian numbers, then bytes in the shape that it names."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

UNSIGNED_BYTES = 8  # the kind of data, in the third byte of the magic number
SIDE = 28  # pixels


@dataclass(frozen=True)
class IdxFile:
    """One IDX file: its decompressed length in bytes, SHA-256 and shape of the data.

    sha256 : of the decompressed bytes; None where nobody published it.
    md5_gz : of the gz file as its mirrors have it, where that is what was published.
    """

    name: str
    length: int
    sha256: str | None
    shape: tuple[int, ...]
    md5_gz: str | None = None

    @property
    def header(self) -> int:
        """Bytes before the data: a magic number and one 32-bit length per dimension."""
        return 4 + 4 * len(self.shape)

    @property
    def begins(self) -> bytes:
        """Those bytes."""
        return struct.pack(f">HBB{len(self.shape)}I", 0, UNSIGNED_BYTES, len(self.shape),
                           *self.shape)  # fmt: skip


def idx_file(
    stem: str, sha256: str | None, shape: Sequence[int], md5_gz: str | None = None
) -> IdxFile:
    """The file called `stem`, as in `train-images`, with bytes in `shape`."""
    length = 4 + 4 * len(shape) + prod(shape)
    return IdxFile(f"{stem}-idx{len(shape)}-ubyte", length, sha256, tuple(shape), md5_gz)


def shape_in(content: bytes, dimensions: int) -> tuple[int, ...] | None:
    """The shape that the header of an IDX file of bytes names; None if it is no such header."""
    size = 4 + 4 * dimensions
    if content[:4] != struct.pack(">HBB", 0, UNSIGNED_BYTES, dimensions) or len(content) < size:
        return None
    return struct.unpack(f">{dimensions}I", content[4:size])
