"""The folder of a challenge: a guest, what it was compared by, and what came of it; complete enough
to be handed in and judged elsewhere.

    challenge.json   what was asked, and the answer, scenario by scenario
    guest/           the guest's own sources, as they were run
    results/         its rows (records/rows.py), and those of leaders that were trained again
    runs/            run folders (records/run_folder.py): seed 0, trained once more and alone
    verdict.txt, row.tex, page.html   the answer in words, in a table, on the study's page
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from lenetlab.disk import read_bytes, read_json, replace_json
from lenetlab.errors import UserError
from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import CellKey
from lenetlab.records.shapes import read_shaped, shape_of

FORMAT = 1
CHALLENGE, GUEST, ROWS, RUNS = "challenge.json", "guest", "results", "runs"
VERDICT, ROW, PAGE = "verdict.txt", "row.tex", "page.html"
AGAIN = "trained again"  # the variant of a leader's cell whose finals were computed for a challenge
CHALLENGER = "challenger"  # that of a guest which has a resident's name


@dataclass(frozen=True)
class ChallengeRecord:
    """What challenge.json says.

    method, identity : the guest, and what its code is told by. name : its cells', within a
        scenario. sources : its files in guest/, each with its SHA-256. packages : what is
        installed that they import, distributions with their versions.
    settings : what was given and not searched.
    study, study_digest : what it challenged, and what that held then.
    trials, tuning_passes, seeds, passes : as of `Results`.
    leaders : the leader's method by scenario. runs : folders in runs/ by scenario, the guest's and
        the leader's. looks : how often the guest had been taken to the test set, by scenario.
    found : by scenario, the answer as plain values.
    """

    method: str
    identity: str
    name: str
    sources: Mapping[str, str]
    packages: Mapping[str, str]
    settings: Mapping[str, Any]
    study: str
    study_digest: str
    trials: int
    tuning_passes: float
    seeds: int
    passes: float
    leaders: Mapping[str, str]
    runs: Mapping[str, Mapping[str, str]]
    looks: Mapping[str, Mapping[str, int]]
    found: Mapping[str, Mapping[str, Any]]


def write_challenge(folder: Path, record: ChallengeRecord) -> None:
    """Write challenge.json."""
    replace_json(folder / CHALLENGE, {"format": FORMAT, **asdict(record)})


def sources_in(folder: Path) -> dict[str, str]:
    """The files of a guest in `folder`, each with its SHA-256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(read_bytes(path)).hexdigest()
        for path in files
    }


def is_challenge(folder: Path) -> bool:
    """Whether `folder` is that of a challenge."""
    return (folder / CHALLENGE).is_file()


def read_challenge(folder: Path) -> ChallengeRecord:
    """What challenge.json says; `UserError` if it is none."""
    path = folder / CHALLENGE
    found = read_json(path)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise UserError(f"{path} is no challenge of format {FORMAT}; expected one that "
                        "`lenetlab challenge` wrote")  # fmt: skip
    found = read_shaped(path, shape_of(ChallengeRecord), "make it again with `lenetlab challenge`")
    return ChallengeRecord(**{field.name: found[field.name] for field in fields(ChallengeRecord)})


def entered(
    stored: Results, pairs: Sequence[tuple[Cell, Cell]], passes: float
) -> tuple[Results, list[tuple[Cell, Cell]]]:
    """The study with guests in it, each beside its leader, whose finals were `trained again`; and
    the pairs as they stand there.

    Finals of other than the study's passes are on leaderboards of their own, guests and leaders
    alone. A guest that has a resident's name is called a challenger.
    """
    apart = passes != stored.passes
    terms = f"{passes:g} passes" if apart else ""
    known = {cell.place: cell for cell in stored.cells}
    taken = {(place.scenario, place.name) for place in known}
    shown = []
    for guest, again in pairs:
        place, leader = guest.place, known[_unmarked(again.place)]
        variant = place.variant
        if (place.scenario, place.name) in taken:
            variant = ", ".join(filter(None, (variant, CHALLENGER)))
        new = replace(guest, place=replace(place, variant=variant, terms=terms or place.terms))
        own = replace(leader.place, terms=terms or leader.place.terms)
        shown.append((new, replace(leader, place=own, finals=again.finals)))
    guests, leaders = [guest for guest, _ in shown], [leader for _, leader in shown]
    if apart:
        return replace(stored, cells=(*guests, *leaders, *stored.cells)), shown
    new_finals = {leader.place: leader for leader in leaders}
    cells = (new_finals.get(place, cell) for place, cell in known.items())
    return replace(stored, cells=(*cells, *guests)), shown


def marked(place: CellKey) -> CellKey:
    """Where a leader's finals stand that are trained again for a challenge."""
    return replace(place, variant=", ".join(filter(None, (place.variant, AGAIN))))


def _unmarked(place: CellKey) -> CellKey:
    """A leader's place in its study, of that of finals that were trained again."""
    return replace(place, variant=place.variant.removesuffix(AGAIN).removesuffix(", "))


def digest(results: Results) -> str:
    """What the cells of a study hold, in short: another digest, other figures."""

    def said(cell: Cell) -> list[Any]:
        rows = [[row.role, row.number, row.id, row.accuracy, row.loss] for row in cell.rows]
        return [cell.place.scenario, cell.place.name, rows]

    text = json.dumps(sorted(map(said, results.cells)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
