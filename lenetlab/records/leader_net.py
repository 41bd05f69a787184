"""What is kept of a leader's net beside a study's rows: its mistakes and its first filters."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lenetlab.disk import replace_json
from lenetlab.errors import UserError
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.readable import readable
from lenetlab.records.shapes import read_shaped

FILE = "leaders.json"
_SHAPE = [{"id": str, "method": str, "scenario": str, "confusion": [[int]], "filters": [[[float]]]}]


@dataclass(frozen=True)
class LeaderNet:
    """The net of a run that leads.

    confusion : test images by true and predicted class (10, 10). filters : conv1's (6, 5, 5).
    """

    id: str
    method: str
    scenario: str
    confusion: Sequence[Sequence[int]]
    filters: Sequence[Sequence[Sequence[float]]]
    rules: str = "strict"
    problem: str = DEFAULT
    seed: int = 0
    accuracy: float | None = None


def read_leader_nets(folder: Path) -> tuple[LeaderNet, ...]:
    """Those beside the rows in `folder`, none without a file; `UserError` for a broken one."""
    path = folder / FILE
    if not path.exists():
        return ()
    cure = "delete it; the study makes it again"
    found: list[dict[str, Any]] = readable(read_shaped(path, _SHAPE, cure))
    try:
        return tuple(LeaderNet(**one) for one in found)
    except TypeError as error:
        raise UserError(f"{path} is broken ({error}); {cure}") from None


def keep_leader_nets(folder: Path, nets: Sequence[LeaderNet]) -> None:
    """Write them beside the rows in `folder`."""
    replace_json(folder / FILE, [asdict(one) for one in nets])
