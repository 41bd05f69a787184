"""What stands in a table of the page: texts, and by what they are sorted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lenetlab.report.formats import MISSING, three


@dataclass(frozen=True)
class Entry:
    """One field of a table.

    order : what it is sorted by; None where there is nothing, which is sorted last.
    note : shown when it is pointed at. link : the runs behind it (see cell.py).
    """

    text: str
    order: float | None = None
    note: str = ""
    link: str = ""


@dataclass(frozen=True)
class Column:
    """A column: its title, its unit on a second line, and what it means.

    kind : `number` (set right), `text`, `word` (not broken) or `family` (a word; not on a phone).
    group : of columns that are shown together or not at all.
    folded : whether it is shown only when all columns are asked for.
    ascending : whether its best is its least; a first click sorts by the best.
    """

    title: str
    unit: str = ""
    meaning: str = ""
    kind: str = "number"
    group: str = ""
    ascending: bool = True
    folded: bool = False

    @property
    def classes(self) -> str:
        """How it stands, as classes: numbers, which are the rule in a table, have none."""
        kind = "" if self.kind == "number" else self.kind[0]
        return " ".join(filter(None, (kind, "m" if self.folded else "")))


@dataclass(frozen=True)
class Table:
    """Columns, and rows with an entry for each."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Entry]]


@dataclass(frozen=True)
class Titled:
    """A table with its title and what is said of it."""

    title: str
    about: str
    table: Table


def text(value: object, link: str = "") -> Entry:
    """A word; a dash for none."""
    return Entry(MISSING if value in (None, "") else str(value), link=link)


def number(value: float | None, digits: int = 0, note: str = "") -> Entry:
    """A number with `digits` after the point; a dash for none, `never` for infinity."""
    if value is None or math.isnan(value):
        return Entry(MISSING, None, note)
    if math.isinf(value):
        return Entry("never", value, note)
    return Entry(f"{value:,.{digits}f}", value, note)


def short(value: float | None, note: str = "") -> Entry:
    """A number with three digits that count, as `formats.three` writes it."""
    if value is None or math.isnan(value):
        return number(None, note=note)
    return Entry(three(value), value, note)
