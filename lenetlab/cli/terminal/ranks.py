"""What `lenetlab compare` prints of methods across problems."""

from rich.table import Table

from lenetlab.analysis.across import RankedMethod, Ranking
from lenetlab.cli.terminal.console import out
from lenetlab.problem.problems import title_of
from lenetlab.report import captions, formats


def show_ranking(found: Ranking) -> None:
    """A table of mean ranks and of the ranks on every problem; the critical difference in words."""
    out.print(f"{found.title}, across problems", style="bold")
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("method", overflow="fold", min_width=12)
    unit = ", %" if found.metric == "accuracy" else ", mean loss"
    for title in ("mean\nrank", "95 %\nover seeds", *(f"{title_of(name)}{unit}\n(rank)"
                                                    for name in found.problems)):  # fmt: skip
        table.add_column(title, justify="right", no_wrap=True)
    for one in found.methods:
        table.add_row(one.name, f"{one.mean_rank:.2f}", _interval(one), *_each(one, found))
    out.print(table, "")
    for first, last in found.groups:
        names = ", ".join(one.name for one in found.methods[first : last + 1])
        out.print(f"  not told apart: {names}", markup=False, soft_wrap=True)
    if found.left_out:
        missing = ", ".join(found.left_out)
        out.print(f"  not on all problems, and not ranked: {missing}", markup=False, soft_wrap=True)
    out.print(f"{captions.ranked(found)}\n", soft_wrap=True, highlight=False)


def _interval(one: RankedMethod) -> str:
    if one.low is None or one.high is None:
        return formats.MISSING
    return f"{one.low:.2f} … {one.high:.2f}"


def _each(one: RankedMethod, found: Ranking) -> list[str]:
    write = formats.two if found.metric == "accuracy" else formats.four
    return [
        f"{'failed' if mean is None else write(mean)} ({rank:g})"
        for mean, rank in zip(one.means, one.ranks, strict=True)
    ]
