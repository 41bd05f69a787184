"""The folder of a challenge judged: are its figures those of its rows, its rows those of its terms
(terms.py), of its sources and of its runs, and does the guest, trained again, come to what is
claimed?

Nothing of the guest is run but for the last question, which is asked only by `--rerun`: in a
process of its own, in the folder of the guest's sources.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from lenetlab.analysis.challenge import answer, challenge
from lenetlab.analysis.intervals import quantile_of_t
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import check_count
from lenetlab.experiments.run.identity import digest
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.study.challenge import stages_beside
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.judge.child import Recorded, open_folder
from lenetlab.judge.claims import DAMAGES, Claim, data_name, wrong_claims
from lenetlab.judge.files import Unreadable
from lenetlab.judge.folder import is_run
from lenetlab.judge.guest_rerun import Compared, Search, compared
from lenetlab.judge.scoring import Scorer
from lenetlab.judge.terms import Terms, of_guest, of_leader
from lenetlab.judge.verdict import Verdict, judge_run, outcome_of, printable
from lenetlab.methods.lookup import split
from lenetlab.methods.sources import trace
from lenetlab.problem.files import from_anywhere
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.challenge import (
    AGAIN,
    GUEST,
    ROWS,
    RUNS,
    ChallengeRecord,
    entered,
    marked,
    read_challenge,
    sources_in,
)
from lenetlab.records.challenge import digest as digest_of
from lenetlab.records.contest import Contest
from lenetlab.records.finished import Result
from lenetlab.records.locate import open_results, published
from lenetlab.records.rows import read_results
from lenetlab.records.selection import leader as leader_of

CLOSE = 1e-9  # relative: the same sums by another compiler's library
SURE = 0.99  # of the interval in which a further run would lie
# Of an answer, what follows from the guest's rows and the leader's alone.
OF_PAIR = ("verdict", "guest", "accuracy", "loss", "untested", "runs", "failures",
           "reached")  # fmt: skip
CANNOT_BE = (*DAMAGES, OSError, RecursionError, MemoryError)  # records, or sources to be parsed


@dataclass(frozen=True)
class Folder:
    """A challenge's folder, read. pairs : the guest's cell and the leader's, by scenario. study :
    what was challenged, as it was then; None where it is not here, or another one."""

    path: Path
    record: ChallengeRecord
    results: Results
    pairs: dict[str, tuple[Cell, Cell]]
    study: Results | None

    def terms(self, scenario: str) -> Terms:
        """What was asked for there."""
        stages = self.results.stages if self.study is None else stages_beside(self.study)
        return Terms(self.record, scenario, stages)


@dataclass(frozen=True)
class KeptRun:
    """A run folder of a challenge, read, and the final that it should be of: the first of its cell
    that has figures. who : `guest` or `leader`."""

    scenario: str
    who: str
    cell: Cell
    row: RunRow
    found: Recorded


def judge_challenge(
    path: Path, scorer: Scorer, again: Runtime | None = None, limit: float | None = None
) -> Verdict:
    """Judge the challenge in `path`; with `again`, whose data folder is used, the run that is kept
    of its guest is trained again in every scenario, each for at most `limit` seconds. Never raises
    for a bad folder."""
    name = printable(path)
    try:
        found = _read(path.absolute())  # the guest is trained in another folder
        runs, claims = _runs(found)
        claims += [*_sources(found), *_rows(found), *_figures(found), *map(_is_its_row, runs)]
        scored, notes, problems, unchecked = list[Verdict](), list[str](), list[str](), list[str]()
        for run in runs:
            one = judge_run(run.found, scorer)
            problems += [f"{run.scenario}, {run.who}: {problem}" for problem in one.problems]
            scored += [one] if one.score is not None and run.who == "guest" else []
        if again is not None:
            home = found.path / GUEST if found.record.sources else Path.cwd()
            data, guests = from_anywhere(again.data), [run for run in runs if run.who == "guest"]
            with chdir(home):
                answers = [_trained_again(found, run, data, limit) for run in guests]
            claims += [claim for one in answers for claim in one.claims]
            notes += [note for one in answers for note in one.notes]
            unchecked += [reason for one in answers for reason in one.unchecked]
        if found.study is None:
            notes.append(
                f"the study {found.record.study} that was challenged is not here, or holds other "
                "figures: its leader, and the comparisons with others, were not looked at again"
            )
    except (UserError, Unreadable) as error:
        return Verdict(name, "", "unreadable", (str(error),))
    except CANNOT_BE as error:
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
    record, results = read_challenge(path), read_results(path / ROWS)
    stages = results.stages
    check_count(record.trials + stages.confirmations + stages.leader_seeds + record.seeds)
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


def _runs(found: Folder) -> tuple[list[KeptRun], list[Claim]]:
    """The run folders of all who have a final with figures, each read once; and a claim for each
    that it is there."""
    runs, claims = list[KeptRun](), list[Claim]()
    for scenario, pair in found.pairs.items():
        for who, cell in zip(("guest", "leader"), pair, strict=True):
            row = min((row for row in cell.finals if row.done), key=lambda row: row.seed,
                      default=None)  # fmt: skip
            if row is None:
                continue
            name = str(found.record.runs.get(scenario, {}).get(who, ""))
            path = found.path / RUNS / name
            there = name == path.name and is_run(path)
            claims.append(Claim(f"the {who}’s run folder in {scenario} is there",
                                None if there else "it is not"))  # fmt: skip
            if there:
                runs.append(KeptRun(scenario, who, cell, row, open_folder(path)))
    return runs, claims


def _sources(found: Folder) -> Iterator[Claim]:
    """What a system or an editor leaves beside the sources is passed over, code is not."""
    there, said = sources_in(found.path / GUEST), found.record.sources
    names = {*said, *(name for name in there if name.endswith(".py"))}
    other = sorted(name for name in names if there.get(name) != said.get(name))
    wrong = f"{', '.join(other)} differs, or is not there" if other else None
    yield Claim("the guest’s sources are those that were run", wrong)
    file = split(found.record.method)[1].partition(":")[0]
    if file.endswith(".py"):
        rows = [row for guest, _ in found.pairs.values() for row in guest.rows]
        said_by = {row.numerics.get("source_sha256") for row in rows}
        others = said_by - {_source_digest(found, found.path / GUEST / file)}
        wrong = "some name the digest of others" if others else None
        yield Claim("its rows were computed by these sources, with the packages it names", wrong)


def _source_digest(found: Folder, file: Path) -> str | None:
    """What a run's numerics call the guest in `file`, by the name that methods/guests/load.py loads
    it under; found by reading, nothing is run. None where there is no such file."""
    if not file.is_file():
        return None
    read = trace({f"lenetlab_outside_{file.stem}": file}, file.parent)
    return read.digest_with(found.record.packages)


def _rows(found: Folder) -> Iterator[Claim]:
    both = {cell.place for pair in found.pairs.values() for cell in pair}
    more = [cell.place.name for cell in found.results.cells if cell.place not in both]
    wrong = f"there is {more[0]} as well" if more else None
    if len(found.results.cells) > len(both):
        wrong = wrong or "one of them is there twice"
    yield Claim("its results are the guest’s and the leaders’ alone", wrong)
    rows = [row for pair in found.pairs.values() for cell in pair for row in cell.rows]
    wrong = next((f"that of {row.role} {row.number} of {row.label} does not" for row in rows
                  if row.id != _id(row)), None)  # fmt: skip
    yield Claim("recipe, seed, data and numerics of every row hash to its identity", wrong)
    for scenario, (guest, leader) in found.pairs.items():
        terms, first = found.terms(scenario), None
        if found.study is not None:
            first = leader_of([c for c in found.study.within(Contest(scenario)) if c.finals])
            name = "nobody" if first is None else first.place.name
            leads = first is not None and marked(first.place) == leader.place
            yield Claim(f"{found.record.leaders[scenario]} leads {found.study.name} in {scenario}",
                        None if leads else f"{name} does")  # fmt: skip
        yield from of_guest(guest, terms)
        yield from of_leader(leader, terms, first)


def _id(row: RunRow) -> str:
    return digest({"recipe": row.recipe, "seed": row.seed,
                   "data": data_name(row.recorded.held_out), "numerics": row.numerics})  # fmt: skip


def _study(record: ChallengeRecord) -> Results | None:
    folder = published(record.study)
    if Path(record.study).name != record.study or not folder.is_dir():
        return None
    stored = open_results(folder)
    return stored if digest_of(stored) == record.study_digest else None


def _figures(found: Folder) -> Iterator[Claim]:
    """What is said, made again: all of it where the study is here, else what the pair gives."""
    results, shown, whose = found.results, list(found.pairs.values()), "its rows"
    if found.study is not None:
        results, shown = entered(found.study, shown, found.record.passes)
        whose = "its rows and the study’s"
    for scenario, (new, first) in zip(found.pairs, shown, strict=True):
        again = challenge(results, new.place.contest, new.place.name, first.place.name)
        plain, said = answer(again), found.record.found[scenario]
        if found.study is None:
            plain, said = _of_pair(plain), _of_pair(said)
        other = [key for key in plain if not _close(said.get(key), plain[key])]
        wrong = f"{', '.join(other)} would be otherwise" if other else None
        yield Claim(f"what is said of {scenario} follows from {whose}", wrong)


def _of_pair(said: Mapping[str, Any]) -> dict[str, Any]:
    """The guest's name apart: beside a resident of that name it is called a challenger."""
    kept = {key: said[key] for key in OF_PAIR}
    return kept | {"guest": {**said["guest"], "name": ""}}


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


def _is_its_row(kept: KeptRun) -> Claim:
    """A guest that is not deterministic is held to the finals that it had."""
    run, what = kept.found.run, f"the {kept.who}’s run folder in {kept.scenario}"
    if run.identity["id"] != kept.row.id:
        return Claim(f"{what} is that of seed {kept.row.seed}", "it has another identity")
    if run.identity["numerics"].get("deterministic") is False:
        return Claim(f"{what} ends where a further seed would", _elsewhere(kept, run.result))
    other = [key for key, value in vars(run.result).items() if getattr(kept.row, key) != value]
    wrong = f"they differ in {', '.join(other)}" if other else None
    return Claim(f"{what} is that of seed {kept.row.seed}", wrong)


@dataclass(frozen=True)
class _Answer:
    claims: Sequence[Claim] = ()
    notes: Sequence[str] = ()
    unchecked: Sequence[str] = ()


def _trained_again(found: Folder, kept: KeptRun, data: Path | None, limit: float | None) -> _Answer:
    """Its run trained by the sources in the folder: the same bits, or where they are not to be
    compared the same beginning, and an end where a further run would lie."""
    record, scenario = found.record, kept.scenario
    tune = Tuning(record.trials - 1, record.tuning_passes)
    search = Search(record.study, record.method, scenario, tune, record.settings, record.packages)
    again = compared(kept.found, search, data, limit)
    if again.place is None:
        return _Answer(unchecked=[f"not trained again in {scenario}: {again.reason}"])
    claims = [*_by_its_own_words(found, kept, again)]
    if again.same is not None:
        return _Answer([*claims, replace(again.same, what=f"{again.same.what}, in {scenario}")])
    begins = f"trained again in {scenario}, it begins with the same losses"
    ends = f"trained again in {scenario}, it ends where a further seed would"
    claims += [Claim(begins, again.other_beginning), Claim(ends, _elsewhere(kept, again))]
    return _Answer(claims, [f"{scenario}: bits cannot be compared: {again.reason}"])


def _by_its_own_words(found: Folder, kept: KeptRun, again: Compared) -> Iterator[Claim]:
    """What follows from the guest's class: where it stands, and what is drawn for it."""
    place, scenario = replace(kept.cell.place, terms=""), kept.scenario
    other = [field.name for field in fields(place)
             if getattr(place, field.name) != getattr(again.place, field.name)]  # fmt: skip
    wrong = f"its {' and '.join(other)} would be otherwise" if other else None
    yield Claim(f"it stands in {scenario} where its class says", wrong)
    tried = [row.recipe for row in sorted(kept.cell.trials, key=lambda row: row.number)]
    others = [k for k, recipe in enumerate(tried) if recipe not in again.trials[k : k + 1]]
    wrong = f"trial {others[0]} is another" if others else None
    yield Claim(f"its trials in {scenario} are those that {found.record.study} draws for it", wrong)


def _elsewhere(kept: KeptRun, again: Compared | Result) -> str | None:
    """Where it ends, if that is not where a further final would."""
    values = [row.accuracy for row in kept.cell.finals if row.accuracy is not None]
    low, high = further(values)
    if again.accuracy is not None and low <= again.accuracy <= high:
        return None
    return f"it ends at {again.accuracy} %, not between {max(low, 0):.2f} and {min(high, 100):.2f}"


def further(values: Sequence[float]) -> tuple[float, float]:
    """Where one more value of the same kind lies, but for one time in a hundred: the prediction
    interval of normal values, x̄ ± t s √(1 + 1/n)."""
    n = len(values)
    if n < 2:
        return -math.inf, math.inf
    half = quantile_of_t((1 + SURE) / 2, n - 1) * stdev(values) * math.sqrt(1 + 1 / n)
    return fmean(values) - half, fmean(values) + half
