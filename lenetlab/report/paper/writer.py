"""A language that the paper is written in: what it makes of texts, tables and figures.

Apart from what reads Markdown: a row of a table is written where markdown-it is not installed, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SENTENCE = 72  # characters of a cell, from which on it is one
LINE, GUTTER = 120, 3  # characters that a line of a table has room for, and those between columns
LEAST, PART = 20, 12  # that a column of sentences needs, and any other that is broken


@dataclass(frozen=True)
class Table:
    """A table, its cells in the writer's language; `right`: which columns are right-aligned;
    `longest`: of every column the characters of its longest cell."""

    caption: str
    right: Sequence[bool]
    longest: Sequence[int]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def wide(self) -> list[bool]:
        """Which columns are broken into lines and share what width is left: those that hold
        sentences, and the longest of the others while these leave them none."""
        wide = [n > SENTENCE for n in self.longest]
        while any(wide) and self._left(wide) < self._needed(wide):
            others = [i for i, n in enumerate(self.longest)
                      if n > PART and not wide[i] and not self.right[i]]  # fmt: skip
            if not others:
                break
            wide[max(others, key=lambda i: self.longest[i])] = True
        return wide

    def _left(self, wide: Sequence[bool]) -> int:
        taken = sum(n for n, it in zip(self.longest, wide, strict=True) if not it)
        return LINE - GUTTER * len(wide) - taken

    def _needed(self, wide: Sequence[bool]) -> int:
        return sum(LEAST if n > SENTENCE else PART for n, it in zip(self.longest, wide, strict=True)
                   if it)  # fmt: skip


class Writer(Protocol):
    """A language: what a text, a paragraph, a table … are in it."""

    def text(self, text: str) -> str: ...
    def code(self, text: str) -> str: ...
    def emphasis(self, inner: str) -> str: ...
    def strong(self, inner: str) -> str: ...
    def link(self, inner: str, target: str) -> str: ...
    def heading(self, inner: str, level: int) -> str: ...
    def paragraph(self, inner: str) -> str: ...
    def summary(self, inner: str) -> str: ...
    def items(self, items: Sequence[str], ordered: bool) -> str: ...
    def listing(self, text: str) -> str: ...
    def table(self, table: Table) -> str: ...
    def figures(self, pictures: Sequence[tuple[str, str]]) -> str: ...


def printable(text: str) -> str:
    """`text` with a sign in the place of each that no font has."""
    return "".join(c if c.isprintable() or c in "\n\u00a0" else "\ufffd" for c in text)
