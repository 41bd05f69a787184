"""What held-out images said: how a leaderboard's leader was chosen, and how lucky searches are."""

from collections.abc import Iterator

from lenetlab.analysis.board import Board
from lenetlab.analysis.choosing import Stage, candidates
from lenetlab.analysis.luck import Luck, luck, pooled_spread
from lenetlab.records.cells import Results
from lenetlab.report.charts.theme import Styles
from lenetlab.report.page.cell import anchor
from lenetlab.report.page.table import Column, Entry, Table, Titled, number

MOST = 8  # methods in the table of who was chosen: the rest have no part in it


def choosing(board: Board, results: Results, styles: Styles) -> list[Titled]:
    """The tables that there is something for."""
    return [*_chosen(board, styles), *_lucky(board, results, styles)]


def _chosen(board: Board, styles: Styles) -> Iterator[Titled]:
    if not board.led:
        return
    found = candidates([line.cell for line in board.lines])
    means = {line.name: line.accuracy.mean for line in board.lines if line.accuracy}
    best = next((line.name for line in board.measured), "")
    shown = [one for i, one in enumerate(found) if i < MOST or one.cell.place.name == best]
    confirmed = any(one.confirmed for one in shown)
    led = any(one.leading for one in shown)
    columns = [
        Column("Method", kind="text"),
        Column("trial", "%"),
        *([Column("confirmed", "%, runs")] if confirmed else []),
        *([Column("leader runs", "%, runs")] if led else []),
        *([Column("all", "%, runs")] if confirmed and led else []),
        Column("test", "%"),
    ]
    rows = [
        [
            Entry(styles.label(one.cell.place.name), link=anchor(one.cell.place)),
            number(one.trial.mean, 2),
            *([_stage(one.confirmed)] if confirmed else []),
            *([_stage(one.leading)] if led else []),
            *([_stage(one.decided if one.confirmed or one.leading else None)]
              if confirmed and led else []),
            number(means.get(one.cell.place.name), 2),
        ]
        for one in shown
    ]  # fmt: skip
    yield Titled("How the leader was chosen", _how(confirmed, led, len(found)),
                 Table(columns, rows))  # fmt: skip


def _how(confirmed: bool, led: bool, tuned: int) -> str:
    """In words, by the stages that there are."""
    by = "its best trial"
    if led:
        by = "the mean of all its runs at full length, among the methods that had leader runs"
    elif confirmed:
        by = "the mean of its confirmations, fresh runs of the best trials at full length"
    return (
        f"Accuracy on held-out training images, of {tuned} tuned methods those in front. The first "
        f"here leads, by {by}. The test column, last, had no part in it."
    )


def _stage(stage: Stage | None) -> Entry:
    if stage is None or stage.mean is None:
        return number(None)
    return Entry(f"{stage.mean:.2f}, {stage.n}", stage.mean)


def _lucky(board: Board, results: Results, styles: Styles) -> Iterator[Titled]:
    found = luck(results, board.contest)
    pooled = pooled_spread(found)
    if pooled is None:
        return
    most = max(len(one.means) for one in found)
    columns = [
        Column("Method", kind="text"),
        *(Column(f"search {i + 1}", "%") for i in range(most)),
        Column("range", "points"),
        Column("deviation", "points"),
    ]
    yield Titled(
        "Luck of the search",
        "Each method was searched again by other points, at the same price: the confirmed accuracy "
        "on held-out images of the recipe that each search found. The finals have the first. Over "
        f"all methods the deviation is {pooled:.2f} points; no number of seeds shows it.",
        Table(columns, [_searches(one, most, styles) for one in found]),
    )


def _searches(one: Luck, most: int, styles: Styles) -> list[Entry]:
    place = one.cell.place
    means: list[float | None] = [*one.means, *[None] * (most - len(one.means))]
    return [
        Entry(styles.label(place.name), link=anchor(place)),
        *(number(mean, 2) for mean in means),
        number(one.range, 2),
        number(one.spread, 2),
    ]
