"""What `lenetlab compare` prints of methods across problems."""

from lenetlab.analysis.across import RankedMethod, Ranking
from lenetlab.cli.terminal.console import make_table, out, print_out
from lenetlab.problem.problems import title_of
from lenetlab.report import formats
from lenetlab.report.wording import captions


def show_ranking(ranking: Ranking) -> None:
    """A table of mean ranks and of the ranks on every problem; the critical difference in words."""
    out.print(f"{ranking.title}, across problems", style="bold")
    unit = ", %" if ranking.metric == "accuracy" else ", mean loss"
    problems = (f"{title_of(name)}{unit}\n(rank)" for name in ranking.problems)
    table = make_table("<method", "mean\nrank", "95 %\nover seeds", *problems)
    for one in ranking.methods:
        table.add_row(one.name, f"{one.mean_rank:.2f}", _interval(one), *_each(one, ranking))
    out.print(table, "")
    for first, last in ranking.groups:
        names = ", ".join(one.name for one in ranking.methods[first : last + 1])
        print_out(f"  not told apart: {names}")
    if ranking.left_out:
        missing = ", ".join(ranking.left_out)
        print_out(f"  not on all problems, and not ranked: {missing}")
    print_out(f"{captions.ranked(ranking)}\n")


def _interval(one: RankedMethod) -> str:
    if one.low is None or one.high is None:
        return formats.MISSING
    return f"{one.low:.2f} … {one.high:.2f}"


def _each(one: RankedMethod, ranking: Ranking) -> list[str]:
    write = formats.two if ranking.metric == "accuracy" else formats.four
    return [
        f"{'failed' if mean is None else write(mean)} ({rank:g})"
        for mean, rank in zip(one.means, one.ranks, strict=True)
    ]
