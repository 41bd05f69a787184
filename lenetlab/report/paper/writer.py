"""A language that the paper is written in: what it makes of texts, tables and figures.

Apart from what reads Markdown: a row of a table is written where markdown-it is not installed, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SENTENCE = 80  # characters of a cell, from which on it is one


@dataclass(frozen=True)
class Table:
    """A table, its cells in the writer's language; `right`: which columns are right-aligned."""

    caption: str
    right: Sequence[bool]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def wide(self) -> list[bool]:
        """Which columns hold sentences, and take what width is left."""
        return [any(len(row[i]) > SENTENCE for row in self.rows) for i in range(len(self.header))]


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
