"""On which line of a TOML file a table or key stands: tomllib tells none."""

import re
from collections.abc import Sequence

LONGEST = 1000  # characters of a line in which a key is looked for


def positions(lines: Sequence[str]) -> dict[tuple[str, ...], int]:
    """The line of every table and key that begins a line, by its path."""
    where: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, whole in enumerate(lines, start=1):
        line = whole[:LONGEST]
        if head := re.match(r"\s*\[([^\[\]]+)\]\s*(#.*)?$", line):
            table = _keys(head[1])
            where.setdefault(table, number)
        elif key := re.match(r"""\s*((?:[\w.\- ]|"[^"]*"|'[^']*')+?)\s*=""", line):
            where.setdefault(table + _keys(key[1]), number)
    return where


def _keys(dotted: str) -> tuple[str, ...]:
    found = re.findall(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w\-]+))\s*\.?""", dotted)
    return tuple(a or b or c for a, b, c in found)
