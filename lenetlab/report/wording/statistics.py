"""What a figure is the mean of, what its interval is, and how differences are tested."""

from collections.abc import Iterator, Sequence

from lenetlab.analysis.board import Board
from lenetlab.analysis.comparison import FEWEST
from lenetlab.phrases import count, passes
from lenetlab.records.cells import Results


def seeds_of(results: Results) -> list[int]:
    """How many finals with a result a cell has, of those that have one."""
    done = (sum(row.done for row in cell.finals) for cell in results.cells)
    return [n for n in done if n]


def ends(results: Results) -> str:
    """What a result is the mean of."""
    seeds = seeds_of(results)
    if not seeds:
        return "No run on the test set has a result."
    fewer = results.planned and min(seeds) < results.seeds
    planned = f" of {results.seeds} planned" if fewer else ""
    of = f" and {passes(results.passes)}" if results.planned else ""
    what = "Every result of the leaderboards" if results.planned else "Every result"
    return f"{what} is over {_spread(seeds, 'seed')}{planned}{of}."


def intervals(results: Results) -> str:
    """What stands beside a mean."""
    seeds = seeds_of(results)
    if not seeds:
        return ""
    if max(seeds) == 1:
        return "Of a single seed there is no interval: any difference may be luck."
    single = "; of a single seed there is none, and a difference may be luck" if 1 in seeds else ""
    return (
        f"Means over {_spread([n for n in seeds if n > 1], 'seed')} are given with Student’s 95 % "
        f"interval{single}. The bands of curves are bootstrapped."
    )


def _spread(values: Sequence[int], thing: str) -> str:
    """`10 seeds`, `1 to 3 seeds`."""
    least, most = min(values), max(values)
    return count(most, thing) if least == most else f"{least:,} to {count(most, thing)}"


def comparisons(boards: Sequence[Board]) -> str:
    """With what methods are compared, and how."""
    compared = [board for board in boards if board.compared]
    if not compared:
        return (
            "No difference is tested: for that, two methods of a leaderboard need two seeds in "
            "common, and no failed run."
        )
    return " ".join(_comparisons(compared))


def _leading(compared: Sequence[Board]) -> str:
    """By which runs a leader is known."""
    cells = [board.reference for board in compared if board.led and board.reference]
    if any(cell.leading for cell in cells):
        return "the mean of its confirmations and of further seeds for that"
    if any(cell.confirmations for cell in cells):
        return "the mean of its confirmations"
    return "its best trial"


def _comparisons(compared: Sequence[Board]) -> Iterator[str]:
    if any(board.led for board in compared):
        yield (
            "The leader of a leaderboard is the method that was best on the held-out images, by "
            f"{_leading(compared)}; the test set has no part in that. The others are compared "
            "with it."
        )
    if not all(board.led for board in compared):
        who = "the first of the study" if compared[0].planned else "the one with the most seeds"
        yield (
            "Where nothing was chosen on held-out images there is no leader: the others are "
            f"compared with {who}. To take the highest mean would be to pick it by its luck."
        )
    if any(len(board.compared) >= FEWEST for board in compared):
        yield (
            "The test is a t test in pairs of equal seeds, its variance drawn towards what the "
            "methods have in common where there are enough of them (Smyth 2004)."
        )
    else:
        yield "The test is a paired t test, in pairs of equal seeds."
    if any(len(board.compared) > 1 for board in compared):
        yield (
            "The p-values are corrected by Holm’s rule for all comparisons of a leaderboard, and "
            "the intervals of the differences hold together."
        )
    yield "What is not significant at one in twenty is called a tie."
