"""Which cells the simulations take their parameters from."""

from collections.abc import Iterable

from lenetlab.records.cells import Cell


def whole(cells: Iterable[Cell]) -> list[Cell]:
    """Those whose finals are all done."""
    return [cell for cell in cells if cell.finals and all(row.done for row in cell.finals)]
