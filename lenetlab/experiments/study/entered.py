"""A guest that has been computed beside the leaders, and the folder that it has."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lenetlab.experiments.study.challenger import Challenger
from lenetlab.experiments.study.model import Study
from lenetlab.experiments.study.worker import Setup, runtime_of
from lenetlab.records.cells import Cell, Results
from lenetlab.records.challenge import digest, entered

CHALLENGES = "challenges"  # in the folder of runs


@dataclass(frozen=True)
class Entered:
    """A guest with its cells, computed, beside those of the leaders; `beside` is the folder of the
    study's results, `runs` that of everything here, `settings` what was given, `setup` by what all
    of it was computed."""

    guest: Challenger
    study: Study
    stored: Results
    beside: Path
    cells: tuple[Cell, ...]
    runs: Path
    settings: Mapping[str, Any]
    setup: Setup

    @property
    def pairs(self) -> list[tuple[Cell, Cell]]:
        """The guest's cell and the leader's, by scenario."""
        half = len(self.cells) // 2
        return list(zip(self.cells[:half], self.cells[half:], strict=True))

    @cached_property
    def folder(self) -> Path:
        """Another version of the guest, other terms, a study with other figures or another engine
        have another folder."""
        tune, runtime = self.study.tune, runtime_of(self.setup)
        asked = [self.guest.method, self.guest.identity, dict(self.settings), self.study.name,
                 tune and tune.trials, self.study.passes, self.study.seeds, digest(self.stored),
                 runtime.engine, runtime.torch_device.type]  # fmt: skip
        found = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
        scenarios = "+".join(guest.place.scenario for guest, _ in self.pairs)
        return self.runs / CHALLENGES / f"{self.guest.name},{scenarios}-{found[:8]}"

    @cached_property
    def _entered(self) -> tuple[Results, list[tuple[Cell, Cell]]]:
        return entered(self.stored, self.pairs, self.study.passes)

    @property
    def results(self) -> Results:
        """The study with the guest in it."""
        return self._entered[0]

    @property
    def shown(self) -> list[tuple[Cell, Cell]]:
        """The pairs as they stand there."""
        return self._entered[1]
