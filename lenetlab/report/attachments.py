"""What a report shows beside the results of a study: small files in the same folder, all optional.

methods.json      what each method is: {name: {"family": …, "summary": …}, …}
baseline.json     a row of results: the starter script's training on this machine
leaders.json      what every leaderboard's leader mistakes (experiments/study/leaders.py)
cost.json         what a pass of every recipe costs, measured apart (records/costs.py)
plane.json        some of its trainings in one plane of weights (`lenetlab inspect --plane`)
discussion.md     written by hand; Markdown with Jinja, numbers as {{ figure(…) }}

Studies of other budgets in the folders beside it (records/other_budgets.py) are shown with it in
the figure of accuracy for the computation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lenetlab.analysis.board import Board
from lenetlab.analysis.equal_time import priced
from lenetlab.disk import read_text
from lenetlab.errors import UserError
from lenetlab.records.cells import Results, RunRow
from lenetlab.records.costs import Costs, read_costs
from lenetlab.records.leader_net import LeaderNet, read_leader_nets
from lenetlab.records.other_budgets import other_budgets
from lenetlab.records.readable import readable
from lenetlab.records.rows import read_results, row_from
from lenetlab.records.shapes import misfit, read_shaped
from lenetlab.settings import Settings

BASELINE = "baseline.json"

# What plane.json has that is shown; the rest of it is for other readers.
PLANE = {
    "kind": str,
    "share": (float, None),
    "examples": int,
    "x": [float],
    "y": [float],
    "loss": [[float]],
    "runs": [
        {
            "method": str,
            "label": str,
            "seed": int,
            "passes": [float],
            "x": [float],
            "y": [float],
            "loss": [float],
        }
    ],
}


@dataclass(frozen=True)
class Attachments:
    """All of it; what is missing is None or empty, and left out of a report.

    guests : names of methods that were entered into the study afterwards, and are marked.
    said : of them, before everything else.
    others : studies of other budgets, in the folders beside.
    plane : what plane.json holds.
    spaces : what a search of a method varies, by its name, each dimension as text.
    defaults : settings of methods, wrappers and constraints by name, which records leave out.
    """

    methods: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    baseline: RunRow | None = None
    leader_nets: Sequence[LeaderNet] = ()
    discussion: str | None = None
    plane: Mapping[str, Any] | None = None
    costs: Costs | None = None
    guests: frozenset[str] = frozenset()
    said: Sequence[str] = ()
    others: Sequence[Results] = ()
    spaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, Settings] = field(default_factory=dict)


def read_attachments(folder: Path) -> Attachments:
    """What there is in `folder`; `UserError` for a file that is broken."""
    methods = _json(folder / "methods.json", dict) or {}
    for name, about in methods.items():
        if wrong := misfit(about, {}, name):
            raise UserError(f"{folder / 'methods.json'} is broken ({wrong}); delete it")
    baseline = _json(folder / BASELINE, dict)
    return Attachments(
        methods=methods,
        baseline=_row(baseline, folder / BASELINE) if baseline else None,
        leader_nets=read_leader_nets(folder),
        discussion=_discussion(folder / "discussion.md"),
        plane=_json(folder / "plane.json", PLANE),
        costs=read_costs(folder),
        others=tuple(priced(read_results(one), read_costs(one)) for one in other_budgets(folder)),
    )


def still_leading(leader_nets: Sequence[LeaderNet], boards: Sequence[Board]) -> list[LeaderNet]:
    """Those that still lead: runs may have come since they were evaluated."""
    ids = {row.id for board in boards if board.led and board.reference is not None
           for row in board.reference.finals}  # fmt: skip
    return [leader_net for leader_net in leader_nets if leader_net.id in ids]


def _row(given: Any, path: Path) -> RunRow:
    try:
        return row_from(given)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is broken ({error}); delete it or make it again") from None


def _json(path: Path, shape: Any) -> Any:
    if not path.exists():
        return None
    return readable(read_shaped(path, shape, "delete it or make it again"))


def _discussion(path: Path) -> str | None:
    """Line by line, so that lines stay lines."""
    if not path.exists():
        return None
    return "\n".join(map(readable, read_text(path).split("\n")))
