"""What a pass of every final recipe costs, measured apart from the runs: cost.json beside the rows.

Runs of a study share their machine with others, and their seconds say more of what ran beside than
of the method. `benchmarks/recipes_cost.py` measures each recipe alone, in turns with a reference:
a ratio of CPU seconds for an effective pass, which holds for any time of day, and the reference's
own seconds on that machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lenetlab.errors import UserError
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.contest import CellKey
from lenetlab.records.readable import readable
from lenetlab.records.shapes import read_shaped

COST = "cost.json"
AGAIN = "delete it or measure again"
CELL = {"method": str, "scenario": str, "ratio": float, "low": float, "high": float}
SHAPE = {
    "machine": str,
    "date": str,
    "reference": str,
    "seconds": float,
    "cells": [CELL],
}
Key = tuple[str, str, str, str]  # method, scenario, rules, variant


@dataclass(frozen=True)
class Ratio:
    """CPU seconds of a pass, in those of the reference: median and quartiles over the blocks."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Costs:
    """The file. seconds : CPU seconds of one effective pass of the `reference` on `machine`."""

    machine: str
    date: str
    reference: str
    seconds: float
    ratios: Mapping[Key, Ratio]

    def of(self, place: CellKey) -> Ratio | None:
        """A cell's; None where it was not measured, as on all problems but Fashion-MNIST."""
        return self.ratios.get(key(place)) if place.problem == DEFAULT else None


def key(place: CellKey) -> Key:
    """What a cell is called in the file."""
    return place.method, place.scenario, place.rules, place.variant


def read_costs(folder: Path) -> Costs | None:
    """What there is in `folder`; `UserError` for a file that is broken."""
    path = folder / COST
    if not path.exists():
        return None
    found = readable(read_shaped(path, SHAPE, AGAIN))
    if not (found["seconds"] > 0 and all(c["ratio"] > 0 for c in found["cells"])):
        raise UserError(f"{path} is broken (a cost is not above 0); {AGAIN}")
    ratios = {
        (c["method"], c["scenario"], c.get("rules", "strict"), c.get("variant", "")): Ratio(
            c["ratio"], c["low"], c["high"]
        )
        for c in found["cells"]
    }
    return Costs(found["machine"], found["date"], found["reference"], found["seconds"], ratios)
