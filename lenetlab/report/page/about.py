"""The page's beginning: the protocol, how far the study is, where it was computed."""

from collections.abc import Sequence

from lenetlab.analysis.board import Board
from lenetlab.records.cells import Results
from lenetlab.report.wording.experiment import subject
from lenetlab.report.wording.machines import devices
from lenetlab.report.wording.progress import progress
from lenetlab.report.wording.protocol import budget, tuning
from lenetlab.report.wording.statistics import intervals

PICKED = (
    "Where there is no leader, the highest mean is named: it was picked on the test set, and so "
    "flatters."
)


def about(results: Results, boards: Sequence[Board]) -> list[str]:
    """The page's beginning: the protocol, how far it is, where it was computed."""
    protocol = [subject(results)]
    if results.cells:
        protocol += [tuning(results), budget(results), intervals(results)]
    if any(not board.led and len(board.measured) > 1 for board in boards):
        protocol.append(PICKED)
    lines = devices(results.rows())
    return [
        text
        for text in (
            " ".join(part for part in protocol if part),
            progress(results) if results.cells else "",
            f"Computed by {' '.join(lines)}" if lines else "",
        )
        if text
    ]
