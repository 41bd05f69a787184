"""The folder that a challenge leaves: computed cells in, everything that can be handed in out."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lenetlab.analysis.as_json import as_json
from lenetlab.analysis.challenge import Challenge, answer, common_numerics
from lenetlab.analysis.challenge import challenge as judged
from lenetlab.cli.shared.extras import bringing
from lenetlab.disk import make_folder, replace_text
from lenetlab.experiments.study.challenger import Challenger, pack
from lenetlab.experiments.study.entered import Entered
from lenetlab.experiments.study.leaders import leaders, look_into
from lenetlab.experiments.study.model import as_results
from lenetlab.experiments.study.once_more import TrainedOnce
from lenetlab.experiments.study.worker import runtime_of
from lenetlab.methods.guests.load import sources_behind
from lenetlab.methods.lookup import split
from lenetlab.records.cells import Cell
from lenetlab.records.challenge import (
    GUEST,
    PAGE,
    ROW,
    ROWS,
    VERDICT,
    ChallengeRecord,
    digest,
    sources_in,
    write_challenge,
)
from lenetlab.records.contest import Contest
from lenetlab.records.leader_net import LeaderNet
from lenetlab.records.rows import write_results
from lenetlab.records.test_set_looks import Looks, count
from lenetlab.report.attachments import Attachments, read_attachments
from lenetlab.report.paper.challenge_row import tex_rows
from lenetlab.report.wording.challenge import lines, sentence


@dataclass(frozen=True)
class Written:
    """What is in the folder. `page` is None, with the reason, where a library for it is missing."""

    folder: Path
    record: ChallengeRecord
    text: str
    page: Path | None
    no_page: str
    tested: bool

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {"folder": str(self.folder), **as_json(self.record)}


def write_folder(found: Entered, trained: Sequence[TrainedOnce], working: Path) -> Written:
    """Write everything into the challenge's folder."""
    folder, guest = found.folder, found.guest
    pack(guest, make_folder(folder) / GUEST)
    write_results(folder / ROWS, as_results(found.study, found.cells))
    said = [judged(found.results, new.place.contest, new.place.name, first.place.name)
            for new, first in found.shown]  # fmt: skip
    looks = [count(found.runs, guest.method, guest.identity, one.scenario) for one in said]
    text = "\n\n".join(
        "\n".join(lines(one, seen, _seconds(one, run), list(_remarks(found, new, first, run))))
        for (new, first), one, seen, run in zip(found.shown, said, looks, trained, strict=True)
    )
    record = _record(found, said, looks, trained)
    write_challenge(folder, record)
    replace_text(folder / VERDICT, text + "\n")
    replace_text(folder / ROW, tex_rows(said))
    page, no_page = _page(found, said, working)
    tested = all(one.verdict != "not tested" for one in said)
    return Written(folder, record, text, page, no_page, tested)


def _record(
    found: Entered,
    said: Sequence[Challenge],
    looks: Sequence[Looks],
    trained: Sequence[TrainedOnce],
) -> ChallengeRecord:
    own = as_results(found.study, found.cells)
    names = [one.scenario for one in said]
    runs = [
        {who: once.whole.path.name for who, once in (("guest", one.guest), ("leader", one.leader))
         if once.whole is not None}
        for one in trained
    ]  # fmt: skip
    return ChallengeRecord(
        method=found.guest.method,
        identity=found.guest.identity,
        name=found.pairs[0][0].place.name,
        sources=sources_in(found.folder / GUEST),
        packages=_packages(found.guest),
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


def _packages(guest: Challenger) -> dict[str, str]:
    """Versions of what a guest from outside imports: they are in the identities of its runs."""
    base = split(guest.method)[1]
    return sources_behind(base).versions if ":" in base else {}


def _seconds(one: Challenge, run: TrainedOnce) -> dict[str, float | None]:
    both = ((one.guest.name, run.guest), (one.leader.name, run.leader))
    return {name: once.whole.spent.train_seconds for name, once in both if once.whole is not None}


def _remarks(found: Entered, new: Cell, first: Cell, run: TrainedOnce) -> Iterator[str]:
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
    yield from filter(None, (run.guest.remark, run.leader.remark))


def _provenance(found: Entered, new: Cell, first: Cell) -> Iterator[str]:
    """Where those are from that the guest is compared with."""
    cells = {cell.place: cell for cell in found.stored.within(Contest(new.place.scenario))}
    recorded = {row.id for row in cells.pop(first.place).finals}
    known, n = sum(row.id in recorded for row in first.finals), len(first.finals)
    if known == 0:
        yield "the leader’s finals were trained again here, those recorded are by other numerics"
    else:
        some = "the leader’s finals" if known == n else f"{known} of the leader’s {n} finals"
        rest = "" if known == n else "; the others were trained here"
        yield (f"{some} are as recorded, with the bits that they would have here; their seconds "
               f"are those of the machine that they are from{rest}")  # fmt: skip
    here = next((common_numerics(row) for row in new.finals if row.numerics), None)
    other = sum(common_numerics(row) != here for cell in cells.values() for row in cell.finals[:1])
    if here is not None and other:
        yield f"those of {other} other residents are as recorded, by other numerics"


def _page(found: Entered, said: Sequence[Challenge], working: Path) -> tuple[Path | None, str]:
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
        leader_nets=(*beside.leader_nets, *_nets(found, beside, working)),
        guests=names,
        said=[f"{sentence(one)}." for one in said],
    )
    title = f"{found.stored.title}, with {found.guest.name}"
    return write(replace(found.results, title=title), found.folder / PAGE, attachments), ""


def _nets(found: Entered, beside: Attachments, working: Path) -> Iterator[LeaderNet]:
    """The mistakes of leaders whose weights were computed for this."""
    kept, known = working / "weights", {net.id for net in beside.leader_nets}
    for cell, row in leaders(found.results):
        if row.id not in known and (kept / f"{row.id}.safetensors").exists():
            yield look_into(cell, row, runtime_of(found.setup), kept)
