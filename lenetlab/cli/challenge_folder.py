"""The folder that a challenge leaves: computed cells in, everything that can be handed in out."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lenetlab.analysis.challenge import Challenge, answer, common_numerics
from lenetlab.analysis.challenge import challenge as judged
from lenetlab.analysis.plain import as_plain
from lenetlab.cli.extras import bringing
from lenetlab.cli.terminal.console import print_err
from lenetlab.disk import make_folder, replace_bytes
from lenetlab.experiments.run.repeat import without_data
from lenetlab.experiments.study.challenge import once_more
from lenetlab.experiments.study.guest import Guest, pack
from lenetlab.experiments.study.leaders import leaders, look_into
from lenetlab.experiments.study.model import Study
from lenetlab.experiments.study.worker import Setup, runtime_of
from lenetlab.records.cells import Cell, Results
from lenetlab.records.challenge import (
    GUEST,
    PAGE,
    ROW,
    ROWS,
    RUNS,
    VERDICT,
    Record,
    digest,
    entered,
    sources_in,
    write_record,
)
from lenetlab.records.contest import Contest
from lenetlab.records.finished import Result
from lenetlab.records.rows import write_results
from lenetlab.records.run_folder import Run
from lenetlab.records.test_set_looks import Looks, count
from lenetlab.report.attachments import Attachments, LeaderNet, read_attachments
from lenetlab.report.paper.challenge_row import tex_rows
from lenetlab.report.wording.challenge import lines, sentence

CHALLENGES = "challenges"  # in the folder of runs


@dataclass(frozen=True)
class Entered:
    """A guest with its cells, computed, beside those of the leaders; `beside` is the folder of the
    study's results, `runs` that of everything here, `settings` what was given."""

    guest: Guest
    study: Study
    stored: Results
    beside: Path
    cells: tuple[Cell, ...]
    runs: Path
    settings: Mapping[str, Any]

    @property
    def pairs(self) -> list[tuple[Cell, Cell]]:
        """The guest's cell and the leader's, by scenario."""
        half = len(self.cells) // 2
        return list(zip(self.cells[:half], self.cells[half:], strict=True))

    @property
    def folder(self) -> Path:
        """Another version of the guest, or other terms, have another folder."""
        tune = self.study.tune
        asked = [self.guest.method, self.guest.identity, dict(self.settings), self.study.name,
                 tune and tune.trials, self.study.passes, self.study.seeds]  # fmt: skip
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


@dataclass(frozen=True)
class Alone:
    """Seed 0 of the guest and of the leader, each trained once more by itself; None of one that
    has no final."""

    guest: Run | None
    leader: Run | None
    same: bool


@dataclass(frozen=True)
class Written:
    """What is in the folder. `page` is None, with the reason, where a library for it is missing."""

    folder: Path
    record: Record
    text: str
    page: Path | None
    no_page: str
    tested: bool

    def plain(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {"folder": str(self.folder), **as_plain(self.record)}


def alone(found: Entered, setup: Setup, limit: float | None, quiet: bool) -> list[Alone]:
    """Train seed 0 of every pair once more, one run after the other, into run folders."""
    folder = found.folder / RUNS
    runtime = without_data(runtime_of(setup), folder)
    trained = []
    for pair in found.pairs:
        runs = []
        for cell in pair:
            row = next((row for row in cell.finals if row.seed == 0 and row.done), None)
            if row is not None and not quiet:
                print_err(f"{cell.place.name} in {cell.place.scenario}, seed 0 by itself")
            run = None if row is None else once_more(row, runtime, limit)
            runs.append((row, run))
        (row, guest), (_, first) = runs
        same = row is None or guest is None or guest.result == Result.read(vars(row))
        trained.append(Alone(guest, first, same))
    kept = {run.path.name for one in trained for run in (one.guest, one.leader) if run is not None}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in kept:  # of a recipe that is no longer the one
            shutil.rmtree(path)
    return trained


def write_folder(found: Entered, trained: Sequence[Alone], setup: Setup, working: Path) -> Written:
    """Write everything into the challenge's folder."""
    folder, guest = found.folder, found.guest
    pack(guest, make_folder(folder) / GUEST)
    write_results(folder / ROWS, _own(found))
    said = [judged(found.results, new.place.contest, new.place.name, first.place.name)
            for new, first in found.shown]  # fmt: skip
    looks = [count(found.runs, guest.method, guest.identity, one.scenario) for one in said]
    text = "\n\n".join(
        "\n".join(lines(one, seen, _seconds(one, run), list(_remarks(found, new, first, run))))
        for (new, first), one, seen, run in zip(found.shown, said, looks, trained, strict=True)
    )
    record = _record(found, said, looks, trained)
    write_record(folder, record)
    replace_bytes(folder / VERDICT, (text + "\n").encode())
    replace_bytes(folder / ROW, tex_rows(said).encode())
    page, no_page = _page(found, said, setup, working)
    tested = all(one.verdict != "not tested" for one in said)
    return Written(folder, record, text, page, no_page, tested)


def _own(found: Entered) -> Results:
    """What was computed for it, as a study of its own."""
    tune, study = found.study.tune, found.study
    assert tune is not None
    return Results(study.name, study.title, tune.tried, tune.passes, study.seeds, study.passes,
                   found.cells, stages=study.stages)  # fmt: skip


def _record(
    found: Entered, said: Sequence[Challenge], looks: Sequence[Looks], trained: Sequence[Alone]
) -> Record:
    own = _own(found)
    names = [one.scenario for one in said]
    runs = [
        {who: run.path.name for who, run in (("guest", one.guest), ("leader", one.leader))
         if run is not None}
        for one in trained
    ]  # fmt: skip
    return Record(
        method=found.guest.method,
        identity=found.guest.identity,
        name=found.pairs[0][0].place.name,
        sources=sources_in(found.folder / GUEST),
        settings=json.loads(json.dumps(found.settings)),
        study=found.stored.name,
        study_digest=digest(found.stored),
        trials=own.trials,
        tuning_passes=own.tuning_passes,
        seeds=own.seeds,
        passes=own.passes,
        leaders={one.scenario: one.leader.name for one in said},
        runs=dict(zip(names, runs, strict=True)),
        looks={name: vars(seen) for name, seen in zip(names, looks, strict=True)},
        found={one.scenario: answer(one) for one in said},
    )


def _seconds(one: Challenge, run: Alone) -> dict[str, float | None]:
    both = ((one.guest.name, run.guest), (one.leader.name, run.leader))
    return {name: run.spent.train_seconds for name, run in both if run is not None}


def _remarks(found: Entered, new: Cell, first: Cell, run: Alone) -> Iterator[str]:
    """In what a challenge is not as its study was."""
    study, stored, tune = found.study, found.stored, found.study.tune
    assert tune is not None
    if tune.tried != stored.trials:
        yield f"{tune.tried} trials; the study’s methods had {stored.trials}"
    if study.seeds < stored.seeds:
        yield f"{study.seeds} seeds, where the study has {stored.seeds}"
    if study.passes != stored.passes:
        yield (f"runs of {study.passes:g} passes; the study’s have {stored.passes:g}, so the guest "
               "is compared with the leader alone, trained again for as many")  # fmt: skip
    else:
        yield from _provenance(found, new, first)
    if not run.same:
        yield "seed 0 trained a second time has other figures: the guest is not deterministic"


def _provenance(found: Entered, new: Cell, first: Cell) -> Iterator[str]:
    """Where those are from that the guest is compared with."""
    cells = {cell.place: cell for cell in found.stored.within(Contest(new.place.scenario))}
    recorded = {row.id for row in cells.pop(first.place).finals}
    if all(row.id in recorded for row in first.finals):
        yield ("the leader’s finals are as recorded, with the bits that they would have here; "
               "their seconds are those of the machine that they are from")  # fmt: skip
    else:
        yield "the leader’s finals were trained again here, those recorded are by other numerics"
    here = next((common_numerics(row) for row in new.finals if row.numerics), None)
    other = sum(common_numerics(row) != here for cell in cells.values() for row in cell.finals[:1])
    if here is not None and other:
        yield f"those of {other} other residents are as recorded, by other numerics"


def _page(
    found: Entered, said: Sequence[Challenge], setup: Setup, working: Path
) -> tuple[Path | None, str]:
    try:
        from lenetlab.report.page.write import write
    except ModuleNotFoundError as error:
        if bringing(error.name) != "report":
            raise
        return None, (f"no page: it needs {error.name}; install it with: "
                      "pip install 'lenetlab[report]', and give the same command")  # fmt: skip
    beside = read_attachments(found.beside)
    names = frozenset(new.place.name for new, _ in found.shown)
    attachments = replace(
        beside,
        leader_nets=(*beside.leader_nets, *_nets(found, beside, setup, working)),
        guests=names,
        said=[f"{sentence(one)}." for one in said],
    )
    title = f"{found.stored.title}, with {found.guest.name}"
    return write(replace(found.results, title=title), found.folder / PAGE, attachments), ""


def _nets(found: Entered, beside: Attachments, setup: Setup, working: Path) -> Iterator[LeaderNet]:
    """The mistakes of leaders whose weights were computed for this."""
    kept, known = working / "weights", {net.id for net in beside.leader_nets}
    for cell, row in leaders(found.results):
        if row.id not in known and (kept / f"{row.id}.safetensors").exists():
            yield LeaderNet(**look_into(cell, row, runtime_of(setup), kept))
