"""A table in Markdown, as all pages have it."""

from collections.abc import Iterable, Sequence


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A column whose head begins with `>` is right-aligned. The cells are Markdown already."""
    names = [head.removeprefix(">") for head in heads]
    sides = ["---:" if head.startswith(">") else "---" for head in heads]
    return "\n".join(f"| {' | '.join(line)} |" for line in [names, sides, *rows])
