"""What commands print: results on stdout, progress on stderr."""

import json
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lenetlab.analysis.tables import Spread, SummaryRow, measured_on
from lenetlab.report.formats import number


def _console(stream: TextIO, stderr: bool) -> Console:
    """A console for `stream`; a file or pipe has no width, so that no table is cut short.

    Text is printed as it is: names of methods and files may look like markup or an emoji's name.
    """
    width = None if stream.isatty() else 200
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=width)


out = _console(sys.stdout, stderr=False)
err = _console(sys.stderr, stderr=True)


def print_out(text: str | Text, style: str = "") -> None:
    """A line of results on stdout, not broken where the terminal ends."""
    out.print(text, style=style, soft_wrap=True)


def print_err(text: str | Text, style: str = "") -> None:
    """A line on stderr, beside the results."""
    err.print(text, style=style, soft_wrap=True)


def make_table(*columns: str) -> Table:
    """A table without lines: columns of numbers and, where a title begins with `<`, of words."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        if column.startswith("<"):
            table.add_column(column[1:], overflow="fold", min_width=12)
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table


def print_json(value: Any) -> None:
    """One JSON value on stdout; infinities and NaN are an error, never a number."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2, allow_nan=False)
    sys.stdout.write(text + "\n")


def mean(value: Spread | None, digits: int) -> str:
    """The mean alone, a dash for none."""
    return number(None if value is None else value.mean, digits)


def seconds(value: float) -> str:
    """Seconds, to a hundredth below ten."""
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def results_table(rows: Sequence[SummaryRow]) -> Table:
    """One line a setting: means over its finished seeds, beside them the sample standard deviation
    over seeds where there are several."""
    on = measured_on(run for row in rows for run in row.runs)
    several = any(len(row.runs) > 1 for row in rows)
    measured = [("accuracy", f"{on}\naccuracy %", 2), ("loss", f"{on}\nmean loss", 4)]
    titles = ["<setting", "seeds"]
    for _, title, _ in measured:
        titles += [title, "sd over\nseeds"] if several else [title]
    bounded = any(run.recorded.constraint is not None for row in rows for run in row.runs)
    most = ["most\nnonzeros"] if bounded else []
    table = make_table(*titles, *most, "starter's\naverage", "passes", "seconds\na run")
    for row in rows:
        done = row.figures.get("accuracy")
        failed = f" {len(row.failures)} failed" if row.failures else ""
        finished = Text.assemble(f"{done.n if done else 0}", (failed, "red"))
        fields: list[str | Text] = [row.label, finished]
        for name, _, digits in measured:
            found = row.figures.get(name)
            fields.append(mean(found, digits))
            if several:
                fields.append(number(found.deviation if found else None, digits))
        if bounded:
            fields.append(number(row.most_nonzeros, 0))
        table.add_row(
            *fields,
            mean(row.figures.get("starter_average_loss"), 6),
            mean(row.figures.get("passes"), 2),
            mean(row.figures.get("train_seconds"), 1),
        )
    return table


def print_failures(rows: Sequence[SummaryRow]) -> None:
    """Every failed run with its reason."""
    for row in rows:
        for failure in row.failures:
            print_err(f"{row.label}, {failure}", style="red")
