"""What a report shows beside the results of a study: small files in the same folder, all optional.

methods.json      what each method is: {name: {"family": …, "summary": …}, …}
baseline.json     a row of results: the handed-out script's training on this machine
champions.json    the leader of every leaderboard looked into (experiments/champion.py)
discussion.md     written by hand; Markdown with Jinja, numbers as {{ figure(…) }}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lenetlab.errors import UserError
from lenetlab.readable import readable
from lenetlab.records import read_json
from lenetlab.results import Row

BASELINE = "baseline.json"
T = TypeVar("T")


@dataclass(frozen=True)
class Champion:
    """A leader's run whose mistakes and first filters are drawn.

    confusion : test images by truth and answer (10, 10). filters : conv1's weights (6, 5, 5).
    """

    id: str
    method: str
    scenario: str
    confusion: Sequence[Sequence[int]]
    filters: Sequence[Sequence[Sequence[float]]]
    rules: str = "strict"
    seed: int = 0
    accuracy: float | None = None


@dataclass(frozen=True)
class Beside:
    """All of it; what is missing is None or empty, and left out of a report."""

    methods: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    baseline: Row | None = None
    champions: Sequence[Champion] = ()
    discussion: str | None = None


def read_beside(folder: Path) -> Beside:
    """What there is in `folder`; `UserError` for a file that is broken."""
    methods = _json(folder / "methods.json")
    baseline = _json(folder / BASELINE)
    champions = _json(folder / "champions.json") or []
    return Beside(
        methods=methods or {},
        baseline=_as(Row, baseline, folder / BASELINE) if baseline else None,
        champions=tuple(_as(Champion, found, folder / "champions.json") for found in champions),
        discussion=_discussion(folder / "discussion.md"),
    )


def _json(path: Path) -> Any:
    return readable(read_json(path)) if path.exists() else None


def _as(kind: type[T], fields: Any, path: Path) -> T:
    try:
        return kind(**fields)
    except TypeError as error:
        raise UserError(
            f"{path} is not of this version of lenetlab ({error}); make it again, or delete it"
        ) from None


def _discussion(path: Path) -> str | None:
    """Line by line, so that lines stay lines."""
    if not path.exists():
        return None
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 ({error}); save it as that") from None
    return "\n".join(map(readable, lines))
