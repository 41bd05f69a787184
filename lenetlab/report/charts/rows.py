"""The rows of a chart under a name, as they are: of a study there are tens of thousands."""

from collections.abc import Sequence
from typing import Any

import altair as alt


class Rows(alt.InlineData):
    """Named data that Altair neither copies nor goes through, which would be most of its work.

    rows : of plain values. name : by which charts of the same data share it on a page.
    """

    def __init__(self, rows: Sequence[dict[str, Any]], name: str) -> None:
        super().__init__(values=rows if isinstance(rows, list) else list(rows), name=name)

    def __deepcopy__(self, memo: Any = None) -> "Rows":
        return self

    def to_dict(self, *_: Any, **__: Any) -> dict[str, Any]:
        """As Vega-Lite has it."""
        return {"name": self.name, "values": self.values}
