"""The leaders of all leaderboards at a glance."""

from collections.abc import Sequence

from lenetlab.analysis.board import Board
from lenetlab.report.charts.theme import Styles
from lenetlab.report.metrics import Metric, metrics
from lenetlab.report.page.board_table import MAIN, column, entry, reached_at
from lenetlab.report.page.cell import anchor
from lenetlab.report.page.table import Column, Entry, Table, number


def glance(found: Sequence[Board], styles: Styles) -> Table:
    """The leader of every leaderboard; where there is none, the highest mean, as such."""
    led = [one.led for one in found]
    who = "Leader" if all(led) else "Leader, or highest mean" if any(led) else "Highest mean"
    compared = any(one.led and one.compared for one in found)
    mean, rest = _glanced(found[0]) if found else ({}, {})
    columns = (
        Column(
            "Leaderboard" if any(one.contest.terms for one in found) else "Scenario", kind="word"
        ),
        Column(who, kind="text"),
        *(column(metric) for metric in mean.values()),
        Column(f"To {MAIN.accuracy:g}\u00a0%", "passes"),
        *(column(metric) for metric in rest.values()),
        *((Column("Tie with it"), Column("Ahead")) if compared else ()),
    )
    return Table(columns, [row for one in found if (row := _glance(one, compared, styles))])


def _glanced(found: Board) -> tuple[dict[str, Metric], dict[str, Metric]]:
    """The mean and its interval, and what stands behind the target."""
    every = metrics(found)
    one, two = ({key: every[key] for key in keys} for keys in MEAN_AND_REST)
    return one, two


MEAN_AND_REST = (("accuracy", "half"), ("loss", "beats"))


def _glance(found: Board, compared: bool, styles: Styles) -> list[Entry]:
    line = found.lead if found.led else next(iter(found.measured), None)
    if line is None:
        return []
    ties, ahead = (
        [other.name for other in found.measured if other.standing == standing]
        for standing in ("tied", "ahead")
    )
    mine = found.led and found.compared
    mean, rest = _glanced(found)
    entries = [
        Entry(found.contest.title, link=found.contest.key),
        Entry(styles.among_scenarios(line.name, found.scenario), link=anchor(line.cell.place)),
        *(entry(key, metric, line, found) for key, metric in mean.items()),
        reached_at(line, MAIN, "passes"),
        *(entry(key, metric, line, found) for key, metric in rest.items()),
    ]
    if compared:
        entries += [
            number(len(ties) if mine else None, note=", ".join(ties)),
            number(len(ahead) if mine else None, note=", ".join(ahead)),
        ]
    return entries
