"""The folder of a challenge judged: are its figures those of its rows, its rows those of its runs,
and does the guest, trained again, come to what is claimed?

Nothing of the guest is run but for the last question, which is asked only by `--rerun`: in a
process of its own, in the folder of the guest's sources.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from lenetlab.analysis.challenge import answer, challenge
from lenetlab.analysis.intervals import quantile_of_t
from lenetlab.errors import UserError
from lenetlab.experiments.run.identity import digest
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.study.executors.local import Worker
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.judge.again import Search, compared, process
from lenetlab.judge.child import open_folder
from lenetlab.judge.claims import DAMAGES, Claim, data_name, wrong_claims
from lenetlab.judge.files import Unreadable
from lenetlab.judge.scoring import Scorer
from lenetlab.judge.verdict import Verdict, judge, outcome_of, printable
from lenetlab.phrases import count
from lenetlab.problem.files import from_anywhere
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.challenge import (
    AGAIN,
    GUEST,
    ROWS,
    RUNS,
    Record,
    entered,
    read_record,
    sources_in,
)
from lenetlab.records.challenge import digest as digest_of
from lenetlab.records.contest import Contest
from lenetlab.records.locate import open_results, published
from lenetlab.records.rows import read_results

CLOSE = 1e-9  # relative: the same sums by another compiler's library
SURE = 0.99  # of the interval in which a further run would lie


@dataclass(frozen=True)
class Folder:
    """A challenge's folder, read. pairs : the guest's cell and the leader's, by scenario. study :
    what was challenged, as it was then; None where it is not here, or another one."""

    path: Path
    record: Record
    results: Results
    pairs: dict[str, tuple[Cell, Cell]]
    study: Results | None


def judge_challenge(
    path: Path, scorer: Scorer, again: Runtime | None = None, limit: float | None = None
) -> Verdict:
    """Judge the challenge in `path`; with `again`, whose data folder is used, seed 0 of its guest
    is trained again in every scenario, each for at most `limit` seconds. Never raises for a bad
    folder."""
    name = printable(path)
    try:
        found = _read(path.absolute())  # the guest is trained in another folder
        claims = [*_sources(found), *_rows(found), *_figures(found)]
        scored, notes, problems, unchecked = list[Verdict](), list[str](), list[str](), list[str]()
        for scenario, run in _runs(found):
            one = judge(run, None, scorer)
            problems += [f"{scenario}: {problem}" for problem in one.problems]
            scored += [one] if one.score is not None else []
            claims.append(_is_its_row(found, scenario, run))
        if again is not None:
            home = found.path / GUEST if found.record.sources else Path.cwd()
            data = from_anywhere(again.data)
            with chdir(home), process(data) as worker:
                answers = [_trained_again(found, *one, worker, limit) for one in _runs(found)]
            claims += [claim for one in answers for claim in one.claims]
            notes += [note for one in answers for note in one.notes]
            unchecked += [reason for one in answers for reason in one.unchecked]
        if found.study is None:
            notes.append(
                f"the study {found.record.study} that was challenged is not here, or holds other "
                "figures: the comparisons with it were not made again"
            )
    except (UserError, Unreadable) as error:
        return Verdict(name, "", "unreadable", (str(error),))
    except DAMAGES as error:
        said = f"a field is missing or no value of its kind ({type(error).__name__}: {error})"
        return Verdict(name, "", "unreadable", (said,))
    problems += wrong_claims(claims)
    outcome = outcome_of(problems, unchecked)
    whole = Verdict(name, ", ".join(found.pairs), outcome, (*problems, *unchecked), tuple(notes),
                    tuple(claims))  # fmt: skip
    if not scored:
        return whole
    first = scored[0]
    return replace(whole, score=first.score, digest=first.digest, w=first.w)


def _read(path: Path) -> Folder:
    record, results = read_record(path), read_results(path / ROWS)
    pairs = {}
    for scenario, leader in record.leaders.items():
        cells = {cell.place.name: cell for cell in results.within(Contest(scenario))}
        both = cells.get(record.name), cells.get(f"{leader}, {AGAIN}")
        if both[0] is None or both[1] is None:
            raise UserError(
                f"{path / ROWS} has no cells of {record.name} and {leader} in {scenario}; expected "
                "the folder as `lenetlab challenge` left it"
            )
        pairs[scenario] = both[0], both[1]
    if not pairs:
        raise UserError(f"{path} names no scenario; expected one at least")
    return Folder(path, record, results, pairs, _study(record))


def _runs(found: Folder) -> Iterator[tuple[str, Path]]:
    """The guest's run folder in every scenario."""
    for scenario, names in found.record.runs.items():
        name = names.get("guest")
        if scenario not in found.pairs or name is None or Path(name).name != name:
            raise UserError(f"{found.path} names no run of its guest in {scenario}")
        yield scenario, found.path / RUNS / name


def _sources(found: Folder) -> Iterator[Claim]:
    there, said = sources_in(found.path / GUEST), found.record.sources
    other = sorted(name for name in {*there, *said} if there.get(name) != said.get(name))
    wrong = f"{', '.join(other)} differs, or is not there" if other else None
    yield Claim("the guest’s sources are those that were run", wrong)


def _rows(found: Folder) -> Iterator[Claim]:
    rows = [row for pair in found.pairs.values() for cell in pair for row in cell.rows]
    wrong = next((f"that of {row.role} {row.number} of {row.label} does not" for row in rows
                  if row.id != _id(row)), None)  # fmt: skip
    yield Claim("recipe, seed, data and numerics of every row hash to its identity", wrong)
    for scenario, (guest, leader) in found.pairs.items():
        seeds = list(range(found.record.seeds))
        wrong = None
        for cell in (guest, leader):
            if sorted(row.seed for row in cell.finals) != seeds:
                wrong = f"{cell.place.name} has others"
        yield Claim(f"finals in {scenario} have the seeds 0 to {seeds[-1]}", wrong)
        tried = sorted(row.number for row in guest.trials)
        wrong = None if tried == list(range(found.record.trials)) else f"there are {len(tried)}"
        many = "is" if found.record.trials == 1 else "are"
        yield Claim(f"there {many} {count(found.record.trials, 'trial')} in {scenario}", wrong)
        yield Claim(f"finals in {scenario} have the recipe that held-out images chose",
                    _other_recipe(guest))  # fmt: skip


def _id(row: RunRow) -> str:
    return digest({"recipe": row.recipe, "seed": row.seed,
                   "data": data_name(row.recorded.held_out), "numerics": row.numerics})  # fmt: skip


def _other_recipe(guest: Cell) -> str | None:
    best = guest.best
    if best is None:
        return "none was chosen" if guest.finals else None
    for row in guest.finals:
        expected = replace(best.recorded, split="official", budget=row.recorded.budget)
        if row.recorded != expected:
            return f"that of seed {row.seed} has another"
    return None


def _study(record: Record) -> Results | None:
    folder = published(record.study)
    if Path(record.study).name != record.study or not folder.is_dir():
        return None
    stored = open_results(folder)
    return stored if digest_of(stored) == record.study_digest else None


def _figures(found: Folder) -> Iterator[Claim]:
    if found.study is None:
        for scenario, (guest, _) in found.pairs.items():
            figures = [row.accuracy for row in guest.finals if row.accuracy is not None]
            accuracy = (found.record.found.get(scenario, {}).get("guest") or {}).get("accuracy")
            recorded = (accuracy or {}).get("mean")
            same = _close(recorded, fmean(figures) if figures else None)
            yield Claim(f"the mean accuracy in {scenario} is that of its rows",
                        None if same else f"{recorded} is recorded")  # fmt: skip
        return
    results, shown = entered(found.study, list(found.pairs.values()), found.record.passes)
    for scenario, (new, first) in zip(found.pairs, shown, strict=True):
        again = challenge(results, new.place.contest, new.place.name, first.place.name)
        plain, said = answer(again), found.record.found.get(scenario, {})
        other = [key for key in plain if not _close(said.get(key), plain[key])]
        wrong = f"{', '.join(other)} would be otherwise" if other else None
        yield Claim(f"what is said of {scenario} follows from its rows and the study’s", wrong)


def _close(said: Any, again: Any) -> bool:
    """Whether two plain values are the same but for rounding."""
    if isinstance(again, dict):
        return isinstance(said, dict) and said.keys() == again.keys() and all(
            _close(said[key], again[key]) for key in again)  # fmt: skip
    if isinstance(again, list):
        return isinstance(said, list) and len(said) == len(again) and all(map(_close, said, again))
    if isinstance(again, float) and isinstance(said, int | float):
        return math.isclose(said, again, rel_tol=CLOSE, abs_tol=1e-300)
    return bool(said == again)


def _is_its_row(found: Folder, scenario: str, path: Path) -> Claim:
    run = open_folder(path).run
    row = next(
        (row for row in found.pairs[scenario][0].finals if row.id == run.identity["id"]), None
    )
    wrong = "no final has its identity" if row is None else None
    if row is not None:
        other = [key for key, value in vars(run.result).items() if getattr(row, key) != value]
        wrong = f"they differ in {', '.join(other)}" if other else None
    return Claim(f"the run folder in {scenario} is that of a final", wrong)


@dataclass(frozen=True)
class _Answer:
    claims: Sequence[Claim] = ()
    notes: Sequence[str] = ()
    unchecked: Sequence[str] = ()


def _trained_again(
    found: Folder, scenario: str, path: Path, worker: Worker, limit: float | None
) -> _Answer:
    """Seed 0 trained by the sources in the folder: the same bits, or where the numerics differ
    here the same beginning, and an end where a further run would lie."""
    record, (guest, _) = found.record, found.pairs[scenario]
    tune = Tuning(record.trials - 1, record.tuning_passes)
    search = Search(record.study, record.method, scenario, tune, record.settings)
    recorded = open_folder(path)
    again = compared(recorded, path, search, worker, limit)
    if again.same is None and again.accuracy is None:
        return _Answer(unchecked=[f"not trained again in {scenario}: {again.reason}"])
    tried = [row.recipe for row in sorted(guest.trials, key=lambda row: row.number)]
    others = [k for k, recipe in enumerate(tried) if recipe not in again.trials[k : k + 1]]
    wrong = f"trial {others[0]} is another" if others else None
    drawn = Claim(f"its trials in {scenario} are those that {record.study} draws for it", wrong)
    if again.same is not None or again.accuracy is None:
        assert again.same is not None
        return _Answer([drawn, replace(again.same, what=f"{again.same.what}, in {scenario}")])
    low, high = further([row.accuracy for row in guest.finals if row.accuracy is not None])
    wrong = None if low <= again.accuracy <= high else f"it ends at {again.accuracy:.2f} %"
    where = f"between {max(low, 0):.2f} and {min(high, 100):.2f} %"
    ends = Claim(f"trained again in {scenario}, it ends where a further seed would, {where}", wrong)
    begins = f"trained again in {scenario}, it begins with the same losses"
    note = f"{scenario}: bits cannot be compared, the numerics differ here: {again.reason}"
    return _Answer([drawn, Claim(begins, again.other_beginning), ends], [note])


def further(values: Sequence[float]) -> tuple[float, float]:
    """Where one more value of the same kind lies, but for one time in a hundred: the prediction
    interval of normal values, x̄ ± t s √(1 + 1/n)."""
    n = len(values)
    if n < 2:
        return -math.inf, math.inf
    half = quantile_of_t((1 + SURE) / 2, n - 1) * stdev(values) * math.sqrt(1 + 1 / n)
    return fmean(values) - half, fmean(values) + half
