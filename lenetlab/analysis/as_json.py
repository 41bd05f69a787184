"""A leaderboard as plain values, for JSON: what is infinite or unknown is null."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from lenetlab.analysis.board import Board, Line


def board_as_json(board: Board) -> dict[str, Any]:
    """Everything but the rows. A target that half of the runs missed has no median."""
    return {
        "scenario": board.scenario,
        "rules": board.rules,
        "terms": board.contest.terms,
        "norms": board.contest.norms,
        "problem": board.contest.problem,
        "metric": board.metric,
        "level": board.level,
        "reference": board.reference and board.reference.place.name,
        "chosen": board.chosen,
        "led": board.led,
        "lines": [_line(line) for line in board.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    kept = {f.name: as_json(getattr(line, f.name)) for f in fields(line) if f.name != "cell"}
    return {"name": line.name, **asdict(line.cell.place), **kept}


def as_json(value: Any) -> Any:
    """A value as JSON has it; what is not finite is None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
