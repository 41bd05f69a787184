"""Whose seconds can be compared: those of one engine on one kind of device.

The same training takes PyTorch some ten times as long as the native engine; that is no merit of the
optimizer's.
"""

from lenetlab.records.cells import Cell

Clock = tuple[str, str]  # engine and device


def clocks(cell: Cell) -> frozenset[Clock]:
    """By what its finals were computed."""
    return frozenset(
        (str(row.numerics.get("engine")), str(row.numerics.get("device"))) for row in cell.finals
    )


def one_clock(cell: Cell, other: Cell) -> bool:
    """Whether the seconds of both say something about each other; nothing hinders what has none."""
    return len(clocks(cell) | clocks(other)) < 2
