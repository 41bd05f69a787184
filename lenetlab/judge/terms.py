"""Are the rows of a challenge those that its terms ask for? How many runs there are, with which
seeds, for how long, on which images, by which recipe. All of that follows from the terms and from
figures on held-out images; nothing is trained.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lenetlab.experiments.study.store import encode
from lenetlab.judge.claims import Claim
from lenetlab.phrases import count
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import Cell, RunRow
from lenetlab.records.challenge import ChallengeRecord
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.records.selection import CONFIRMING, LEADING, Stages, confirmed, to_confirm

Planned = Mapping[tuple[int, int], RecordedRecipe]  # the runs of a stage, by number and seed


@dataclass(frozen=True)
class Terms:
    """What was asked for in a scenario; `stages` is what follows on trials."""

    record: ChallengeRecord
    scenario: str
    stages: Stages

    def trial(self, recipe: RecordedRecipe) -> RecordedRecipe:
        """A trial by that recipe."""
        at = self.record.tuning_passes
        return replace(recipe, scenario=self.scenario, rules="strict", problem=DEFAULT,
                       split="inner", budget=("passes", at))  # fmt: skip

    def at_length(self, recipe: RecordedRecipe) -> RecordedRecipe:
        """The same for the whole budget, on held-out images still."""
        return replace(self.trial(recipe), budget=("passes", self.record.passes))

    def final(self, recipe: RecordedRecipe) -> RecordedRecipe:
        """The same on all images."""
        return replace(self.at_length(recipe), split="official")

    def finals(self, recipe: RecordedRecipe) -> Planned:
        """The finals of a recipe."""
        return {(seed, seed): self.final(recipe) for seed in range(self.record.seeds)}


def of_guest(cell: Cell, terms: Terms) -> Iterator[Claim]:
    """The runs of a guest, stage by stage."""
    record, where, best = terms.record, terms.scenario, cell.best
    yield Claim(f"its runs in {where} are of {record.method}", _other_method(cell, record.method))
    many = "is" if record.trials == 1 else "are"
    said = f"there {many} {count(record.trials, 'trial')} in {where}"
    trials = {(row.number, 0): terms.trial(row.recorded) for row in cell.trials}
    wrong = _apart(cell.trials, {(k, 0): trials.get((k, 0)) for k in range(record.trials)})
    yield Claim(f"{said}, of {record.tuning_passes:g} passes on held-out images", wrong)
    said = f"confirmations in {where} are of the best trials, with seeds that no trial had"
    yield Claim(said, _apart(cell.confirmations, _confirmations(cell, terms)))
    said = f"by the chosen recipe in {where}, and on held-out images, are the leader runs"
    yield Claim(said, _apart(cell.leading, _leading(cell, terms)))
    said = f"finals in {where} have the seeds 0 to {record.seeds - 1}, {record.passes:g} passes"
    wrong = _apart(cell.finals, {} if best is None else terms.finals(best.recorded))
    yield Claim(f"{said} and the recipe that held-out images chose", wrong)


def of_leader(cell: Cell, terms: Terms, first: Cell | None) -> Iterator[Claim]:
    """The finals of a leader beside it; `first` is the study's leader, None where that is not
    known."""
    known = cell if first is None else first
    finals = terms.finals(known.finals[0].recorded) if known.finals else {}
    said = f"the leader’s finals in {terms.scenario} have its recipe, the same seeds and passes"
    yield Claim(said, _apart(cell.finals, finals))
    if first is None:
        return
    recorded = {row.id: row for row in first.finals}
    other = [row.seed for row in cell.finals
             if _reproduced(recorded.get(row.id, row)) != _reproduced(row)]  # fmt: skip
    wrong = f"that of seed {other[0]} is not" if other else None
    yield Claim(f"the leader’s finals in {terms.scenario} that the study has are as it has them",
                wrong)  # fmt: skip


def _reproduced(row: RunRow) -> Any:
    """What of a row is the same whenever it is computed again."""
    return json.loads(encode(row))["run"]


def _other_method(cell: Cell, method: str) -> str | None:
    names = {cell.place.method, *(row.recorded.name for row in cell.rows)} - {method}
    return f"there are some of {min(names)}" if names else None


def _confirmations(cell: Cell, terms: Terms) -> Planned:
    """Round after round, as long as there is all that a round asks for."""
    there = {(row.number, row.seed) for row in cell.confirmations}
    planned, had = dict[tuple[int, int], RecordedRecipe](), list[RunRow]()
    while chosen := to_confirm(cell.trials, had, terms.stages.confirm):
        asked = {
            (trial.number, CONFIRMING + k): terms.at_length(trial.recorded)
            for trial in chosen
            for k in range(terms.stages.confirm_seeds)
        }
        planned |= asked
        if not asked or not asked.keys() <= there:
            break
        had += [row for row in cell.confirmations if (row.number, row.seed) in asked]
    return planned


def _leading(cell: Cell, terms: Terms) -> Planned:
    best = cell.best
    stands = confirmed(cell.trials, cell.confirmations)
    if best is None or not stands or not terms.stages.leaders:
        return {}
    seeds = range(LEADING, LEADING + terms.stages.leader_seeds)
    return {(seed, seed): terms.at_length(best.recorded) for seed in seeds}


def _apart(rows: Sequence[RunRow], planned: Mapping[tuple[int, int], RecordedRecipe | None]) \
        -> str | None:  # fmt: skip
    """How rows are not those that were planned; None if they are."""
    if len(rows) != len(planned):
        return f"there are {len(rows)}, and {len(planned)} are asked for"
    for row in rows:
        if (row.number, row.seed) not in planned:
            return f"{row.role} {row.number} with seed {row.seed} is none of them"
        if row.recorded != planned[row.number, row.seed]:
            return f"that of number {row.number} and seed {row.seed} has another recipe or budget"
    there = {(row.number, row.seed) for row in rows}
    return None if len(there) == len(rows) else "one of them is there twice"
