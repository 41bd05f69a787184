"""How pictures stand in a row: beside or below each other, each a figure or all together one."""

from collections.abc import Sequence

WIDE = "-wide"  # ends the name of a picture as wide as the page


def is_wide(pictures: Sequence[tuple[str, str]]) -> bool:
    """Whether these pictures have the whole width, and stand below each other."""
    return any(file.rpartition(".")[0].endswith(WIDE) for file, _ in pictures)


def is_one(pictures: Sequence[tuple[str, str]]) -> bool:
    """Whether these pictures are one figure, with a caption behind the last."""
    *before, (_, last) = pictures
    return bool(before and last) and not any(caption for _, caption in before)
