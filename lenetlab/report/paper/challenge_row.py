"""A challenge as rows of a table in TeX, to be pasted between `\\midrule` and `\\bottomrule`."""

import re
from collections.abc import Sequence

from lenetlab.analysis.challenge import Answer, Challenge
from lenetlab.analysis.intervals import Summary
from lenetlab.analysis.targets import MAIN
from lenetlab.report import formats
from lenetlab.report.paper.tex import escape

HEAD = ("method", "scenario", r"accuracy, \%", "mean loss", "to the leader, points", "residents",
        rf"passes to {MAIN.accuracy:g}\,\%", "tuning, passes")  # fmt: skip


# Better, tied, worse.
STANDINGS: Sequence[Sequence[Answer]] = (("better",), ("tied", "borderline"), ("worse",))


def tex_rows(challenges: Sequence[Challenge]) -> str:
    """A line for each scenario; above them, as comments, the table that they are for."""
    return "\n".join([
        r"% with \usepackage{booktabs}: mean and half of its 95 % interval; difference to the",
        r"% study's leader with its 95 % interval; better / tied / worse than so many residents,",
        r"% by Holm's rule, borderline ones with the tied; median of the passes to a target; price",
        r"% of the search",
        rf"% \begin{{tabular}}{{ll{'r' * (len(HEAD) - 2)}}}",
        r"% \toprule",
        f"% {' & '.join(HEAD)} " + r"\\",
        r"% \midrule",
        *map(tex_row, challenges),
        r"% \bottomrule",
        r"% \end{tabular}",
        "",
    ])  # fmt: skip


def tex_row(challenge: Challenge) -> str:
    """One challenge in one line."""
    guest, d = challenge.guest, challenge.accuracy
    arrival = next((one.guest for one in challenge.reached if one.target == MAIN), None)
    there = arrival.passes.median if arrival else None
    fields = [
        escape(re.sub(r"[^+]*\.py:", "", guest.name)),  # a class, without its file
        escape(challenge.scenario),
        _mean(guest.accuracy, 2),
        _mean(guest.loss, 4),
        "--" if d is None else f"${d.mean:+.2f}$ $[{d.low:+.2f}, {d.high:+.2f}]$",
        " / ".join(
            str(sum(len(challenge.answered(one)) for one in answers)) for answers in STANDINGS
        ),
        "--" if there is None else formats.amount(there),
        formats.amount(guest.tuning.passes) if guest.tuning and guest.tuning.passes else "--",
    ]
    return " & ".join(fields) + r" \\"


def _mean(of: Summary | None, digits: int) -> str:
    if of is None:
        return "--"
    off = "" if of.half is None else f" \\pm {of.half:.{digits}f}"
    return f"${of.mean:.{digits}f}{off}$"
