"""How far the recipes of several searches lie apart, method by method."""

from findings.searches import searched_again
from markdown_table import markdown_table

from lenetlab.records.cells import Results
from lenetlab.report.formats import two


def luck_table(results: Results) -> str:
    """A line for every cell that was searched more than once."""
    found = searched_again(results)
    if not found:
        return "None is computed yet.\n"
    most = max(len(one.means) for one in found)
    heads = ["method", "scenario", *(f">search {i + 1}, %" for i in range(most)),
             ">deviation, points"]  # fmt: skip
    rows = [
        [f"`{one.cell.place.name}`", f"`{one.cell.place.scenario}`",
         *("–" if mean is None else two(mean) for mean in one.means),
         *["–"] * (most - len(one.means)), two(one.spread)]
        for one in found
    ]  # fmt: skip
    return markdown_table(heads, rows) + "\n"
