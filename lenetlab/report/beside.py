"""What a report shows beside the results of a study: small files in the same folder, all optional.

methods.json      what each method is: {name: {"family": …, "summary": …}, …}
baseline.json     a row of results: the handed-out script's training on this machine
champions.json    the leader of every leaderboard looked into (experiments/champion.py)
discussion.md     written by hand; Markdown with Jinja, numbers as {{ figure(…) }}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lenetlab.records import read_json
from lenetlab.results import Row

BASELINE = "baseline.json"


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
    text = folder / "discussion.md"
    return Beside(
        methods=methods or {},
        baseline=Row(**baseline) if baseline else None,
        champions=tuple(Champion(**champion) for champion in champions),
        discussion=text.read_text() if text.exists() else None,
    )


def _json(path: Path) -> Any:
    return read_json(path) if path.exists() else None
