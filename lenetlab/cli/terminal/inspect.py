"""What `lenetlab inspect` prints: its tables, and how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lenetlab.cli.terminal.console import err, make_table, out
from lenetlab.report.inspection.tables import Words


def show(words: Words) -> None:
    """A table under its title."""
    first, *others = words.head
    table = make_table()
    table.add_column(first, no_wrap=True)
    for title in others:
        table.add_column(title, justify="right")
    for row in words.rows:
        table.add_row(*row)
    out.print(words.title, style="bold")
    out.print(table, "")


@contextmanager
def telling(name: str, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Says on a terminal what is being measured of the run called `name`."""
    if quiet or not err.is_terminal:
        yield lambda what, done, of: None
        return
    with err.status(name) as status:

        def told(what: str, done: int, of: int) -> None:
            status.update(f"{name}: {what}" + (f", {done + 1} of {of}" if of > 1 else ""))

        yield told
