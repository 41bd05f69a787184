"""Challenges that were handed in: folders of guests, beside each other, for one leaderboard.

A leaderboard takes only what was done as its study did: as many trials at the same price, runs of
the same length, as many seeds. What was not is left out, with the reason.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lenetlab.errors import UserError
from lenetlab.phrases import count
from lenetlab.records.cells import Cell, Results
from lenetlab.records.challenge import (
    CHALLENGER,
    ROWS,
    ChallengeRecord,
    is_challenge,
    read_challenge,
)
from lenetlab.records.contest import Contest
from lenetlab.records.rows import read_results


def entries(folder: Path, stored: Results) -> tuple[list[Cell], list[str]]:
    """The cells of the guests in `folder`, called by the names of their folders, and a sentence
    for each that is left out. Raises `UserError` for a folder that is broken."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; expected one with folders of challenges")
    found, left_out = list[Cell](), list[str]()
    for path in sorted(path for path in folder.iterdir() if is_challenge(path)):
        record = read_challenge(path)
        results = read_results(path / ROWS)
        if reasons := list(_unfit(record, results, stored)):
            left_out.append(f"{path.name}: {', '.join(reasons)}")
        else:
            found += _cells(path, record, results, stored)
    return found, left_out


def _unfit(record: ChallengeRecord, results: Results, stored: Results) -> Iterator[str]:
    """In what a challenge was not done as the study."""
    if record.study != stored.name:
        yield f"it challenged {record.study}"
    if (record.trials, record.tuning_passes) != (stored.trials, stored.tuning_passes):
        yield (f"{record.trials} trials of {record.tuning_passes:g} passes, the study has "
               f"{stored.trials} of {stored.tuning_passes:g}")  # fmt: skip
    if record.passes != stored.passes:
        yield f"runs of {record.passes:g} passes, the study’s have {stored.passes:g}"
    if record.seeds < stored.seeds:
        yield f"{record.seeds} seeds, the study has {stored.seeds}"

    mine, theirs = results.stages, stored.stages
    if (mine.confirm, mine.confirm_seeds) != (theirs.confirm, theirs.confirm_seeds):
        yield (f"{mine.confirm} confirmed by {count(mine.confirm_seeds, 'seed')}, in the study "
               f"{theirs.confirm} by {theirs.confirm_seeds}")  # fmt: skip


def _cells(path: Path, record: ChallengeRecord, results: Results, stored: Results) -> list[Cell]:
    """One that has a resident's name is called a challenger, as in its own folder."""
    taken = {(cell.place.scenario, cell.place.name) for cell in stored.cells}
    return [
        replace(cell, place=replace(cell.place, method=path.name, variant=variant))
        for scenario in record.leaders
        for cell in results.within(Contest(scenario))
        if cell.place.name == record.name
        for variant in [CHALLENGER if (scenario, path.name) in taken else ""]
    ]
