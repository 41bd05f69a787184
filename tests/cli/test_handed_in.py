"""The folder that `lenetlab challenge` left, judged elsewhere: kept as it is, trained again by its
sources, and broken by whatever was changed afterwards, all of it hashed again."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lenetlab.disk import read_json
from lenetlab.experiments.run.identity import digest
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.judge import challenge as judging
from lenetlab.judge.challenge import judge_challenge
from lenetlab.judge.claims import data_name
from lenetlab.judge.guest_rerun import OWN
from lenetlab.judge.scoring import Scorer
from lenetlab.judge.verdict import Verdict
from lenetlab.methods.sources import trace
from lenetlab.records.cells import Cell, RunRow
from lenetlab.records.challenge import (
    AGAIN,
    CHALLENGE,
    GUEST,
    ROWS,
    RUNS,
    marked,
    read_challenge,
    sources_in,
)
from lenetlab.records.rows import read_results, write_results
from lenetlab.records.submissions import entries

from .challenges import called

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(Runtime())


@pytest.fixture
def results(stored: Path) -> Path:
    return stored / "runs/studies/stored/results"


@pytest.fixture
def here(results, monkeypatch):
    """The study that was challenged is where a published one is."""
    monkeypatch.setattr(judging, "published", lambda name: results)


@pytest.fixture
def one(handed_in):
    """A challenge in one scenario."""

    def drop(record: dict[str, Any]) -> None:
        for name in ("leaders", "runs", "looks", "found"):
            del record[name]["plain"]

    edited(handed_in, drop)
    plan = f"{ROWS}/study.json"
    cells = [cell for cell in read_json(handed_in / plan)["cells"] if cell["scenario"] == "l2"]
    edited(handed_in, lambda plan: plan.update(cells=cells), plan)
    return handed_in


def claims(verdict: Verdict) -> dict[str, str | None]:
    return {claim.what: claim.wrong for claim in verdict.claims}


def edited(folder: Path, change: Callable[[dict[str, Any]], None], name: str = CHALLENGE) -> None:
    found = json.loads((folder / name).read_text())
    change(found)
    (folder / name).write_text(json.dumps(found))


def hashed(row: RunRow, **changed: Any) -> RunRow:
    """The row with what was changed, under the name that it has by that."""
    row = replace(row, **changed)
    whole = {"recipe": row.recipe, "seed": row.seed, "numerics": row.numerics}
    return replace(row, id=digest({**whole, "data": data_name(row.recorded.held_out)}))


def rewritten(folder: Path, change: Callable[[Cell], Cell]) -> None:
    found = read_results(folder / ROWS)
    write_results(folder / ROWS, replace(found, cells=tuple(map(change, found.cells))))


def of_guest(change: Callable[[Cell], Cell]) -> Change:
    """A change of the guest's cell in plain."""

    def forge(folder: Path) -> None:
        rewritten(folder, lambda cell: change(cell) if cell.place.method == "mine.py:Mine"
                  and cell.place.scenario == "plain" else cell)  # fmt: skip

    return forge


def longer(row: RunRow) -> RunRow:
    unit, amount = row.recorded.budget
    return hashed(row, recipe={**row.recipe, "budget": [unit, 10 * amount]})


def in_row(change: Callable[[RunRow], RunRow], rows: tuple[RunRow, ...]) -> tuple[RunRow, ...]:
    return tuple(map(change, rows))


def name_another_leader(folder: Path) -> None:
    """The weaker resident, with its recorded finals."""
    found = read_results(folder / ROWS)
    (place,) = (cell.place for cell in found.cells
                if cell.place.variant == AGAIN and cell.place.scenario == "plain")  # fmt: skip
    other = {"sgd": "adamw", "adamw": "sgd"}[place.method]
    study = read_results(judging.published("stored"))
    weak = next(cell for cell in study.cells
                if (cell.place.method, cell.place.scenario) == (other, "plain"))  # fmt: skip
    cells = [cell for cell in found.cells if cell.place != place]
    cells.append(Cell(marked(weak.place), finals=weak.finals))
    write_results(folder / ROWS, replace(found, cells=tuple(cells)))
    edited(folder, lambda record: record["leaders"].update(plain=other))


def weaken_the_leader(folder: Path) -> None:
    def worse(cell: Cell) -> Cell:
        if cell.place.variant != AGAIN:
            return cell
        return replace(cell, finals=tuple(replace(row, accuracy=10.0) for row in cell.finals))

    rewritten(folder, worse)


def lose_the_leaders_run(folder: Path) -> None:
    shutil.rmtree(folder / RUNS / read_challenge(folder).runs["plain"]["leader"])


def drop_the_stages(folder: Path) -> None:
    of_guest(lambda cell: replace(cell, confirmations=()))(folder)
    edited(folder, lambda plan: plan["stages"].update(confirm=0), f"{ROWS}/study.json")


def change_the_sources(folder: Path) -> None:
    path = folder / GUEST / "helper.py"
    path.write_text(path.read_text().replace("0.9", "0.8"))
    edited(folder, lambda record: record.update(sources=sources_in(folder / GUEST)))


def add_a_twin(folder: Path) -> None:
    edited(folder, lambda plan: plan["cells"].append({**plan["cells"][0], "norms": "ball"}),
           f"{ROWS}/study.json")  # fmt: skip


FORGED: Mapping[str, tuple[Change, str]] = {
    "longer finals": (
        of_guest(lambda cell: replace(cell, finals=in_row(longer, cell.finals))),
        "finals in plain have the seeds 0 to 1, 0.04 passes",
    ),
    "longer trials": (
        of_guest(lambda cell: replace(cell, trials=in_row(longer, cell.trials))),
        "there are 2 trials in plain, of 0.02 passes on held-out images",
    ),
    "trials with other seeds": (
        of_guest(lambda cell: replace(cell, trials=tuple(
            hashed(row, seed=777 + row.number) for row in cell.trials))),
        "there are 2 trials in plain",
    ),
    "no confirmations": (
        of_guest(lambda cell: replace(cell, confirmations=())),
        "confirmations in plain are of the best trials",
    ),
    "confirmations with other seeds": (
        of_guest(lambda cell: replace(cell, confirmations=tuple(
            hashed(row, seed=1005) for row in cell.confirmations))),
        "confirmations in plain are of the best trials",
    ),
    "a protocol without confirmations": (
        drop_the_stages, "confirmations in plain are of the best trials"),
    "no leader runs": (
        of_guest(lambda cell: replace(cell, leading=())), "are the leader runs"),
    "another leader": (name_another_leader, "leads stored in plain"),
    "a weak leader": (weaken_the_leader, "that the study has are as it has them"),
    "no run of the leader": (lose_the_leaders_run, "the leader’s run folder in plain is there"),
    "other sources": (change_the_sources, "its rows were computed by these sources"),
    "a second row": (add_a_twin, "its results are the guest’s and the leaders’ alone"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_what_decides_a_row_is_checked_without_training(handed_in, here, scorer, name):
    forge, said = FORGED[name]
    forge(handed_in)
    verdict = judge_challenge(handed_in, scorer)
    assert verdict.outcome == "broken", verdict.problems
    assert any(said in problem for problem in verdict.problems), verdict.problems


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("guest/helper.py", "0.9", "0.8", "sources are those that were run: helper.py"),
        ("challenge.json", '"mean": ', '"mean": 1', "plain follows from its rows: guest would be"),
        ("results/l2/mine.py_Mine.jsonl", '"seed": 1,', '"seed": 7,', "every row hash to its iden"),
        ("results/study.json", '"mine.py:Mine"', '"other"', "has no cells of mine.py:Mine"),
        ("results/study.json", '"confirm_seeds": 1', '"confirm_seeds": 0', "confirmations in plai"),
        (
            "results/study.json",
            '"confirm_seeds": 1',
            '"confirm_seeds": 999999999',
            "expected at mo",
        ),
        ("challenge.json", '"seeds": 2', '"seeds": 0', "finals in plain have"),
    ],
)
def test_what_was_changed_afterwards_is_seen(handed_in, lenetlab, file, old, new, said):
    path = handed_in / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    answer = lenetlab(f"judge {handed_in}")
    assert answer.status in (1, 2)
    assert said in answer.out


def test_the_same_bits_come_of_it_where_the_study_is_and_where_it_is_not(
    answered, one, results, lenetlab, scorer, monkeypatch
):
    """And training it leaves nothing in its folder."""
    (one / GUEST / ".DS_Store").write_text("")
    answer = lenetlab(f"judge {one} --rerun --json")
    assert answer.status == 0, answer.out
    (verdict,) = json.loads(answer.out)["verdicts"]
    assert verdict["outcome"] == "kept"
    assert any("that was challenged is not here" in said for said in verdict["notes"])
    found = {claim["what"]: claim["wrong"] for claim in verdict["claims"]}
    assert found["trained again, it has the same bits, in l2"] is None
    assert found["its trials in l2 are those that stored draws for it"] is None
    assert sorted(path.name for path in (one / GUEST).iterdir()) == [
        ".DS_Store", "helper.py", "late.py", "mine.py",
    ]  # fmt: skip

    monkeypatch.setattr(judging, "published", lambda name: results)
    again = judge_challenge(answered[0], scorer)
    assert (again.outcome, again.problems, again.notes) == ("kept", (), ())
    for scenario in ("plain", "l2"):
        what = f"what is said of {scenario} follows from its rows and the study’s"
        assert claims(again)[what] is None


def test_a_study_that_has_gained_methods_breaks_nothing(handed_in, results, scorer, tmp_path,
                                                        monkeypatch):  # fmt: skip
    more = read_results(results)
    better = replace(more.cells[0], place=replace(more.cells[0].place, method="nesterov"))
    write_results(tmp_path / "more", replace(more, cells=(*more.cells, better)))
    monkeypatch.setattr(judging, "published", lambda name: tmp_path / "more")
    verdict = judge_challenge(handed_in, scorer)
    assert (verdict.outcome, verdict.problems) == ("kept", ())
    assert any("its leader, and the comparisons" in note for note in verdict.notes)


@pytest.mark.long
@pytest.mark.parametrize(
    ("first", "limit", "said"),
    [
        ("quit", None, "it ended its own process, with exit code 3"),
        ("hang", 60.0, "its process was killed after 60 s"),
    ],
)
def test_what_ends_one_training_ends_no_other(
    handed_in, scorer, tmp_path, monkeypatch, first, limit, said
):
    monkeypatch.setenv("FIRST", f"{first} {tmp_path / 'began'}")
    verdict = judge_challenge(handed_in, scorer, Runtime(), limit)
    assert verdict.problems == (f"not trained again in plain: {said}",)
    assert verdict.outcome == "unchecked"
    assert claims(verdict)["trained again, it has the same bits, in l2"] is None


def other_numerics(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """As if guest and leader had been computed with the changed numerics."""

    def renamed(rows: tuple[RunRow, ...]) -> tuple[RunRow, ...]:
        return tuple(hashed(row, numerics=change(dict(row.numerics))) for row in rows)

    rewritten(folder, lambda cell: replace(
        cell, trials=renamed(cell.trials), confirmations=renamed(cell.confirmations),
        leading=renamed(cell.leading), finals=renamed(cell.finals)))  # fmt: skip

    def rename(run: dict[str, Any]) -> None:
        run["numerics"] = change(run["numerics"])
        run["id"] = digest({key: run[key] for key in ("recipe", "seed", "data", "numerics")})

    for path in (folder / RUNS).glob("*/run.json"):
        edited(path.parent, rename, path.name)


def test_on_another_machine_it_is_held_to_its_beginning_and_its_end(one, scorer):
    other_numerics(one, lambda numerics: numerics | {"capability": "another"})
    verdict = judge_challenge(one, scorer, Runtime())
    assert (verdict.outcome, verdict.problems) == ("kept", ())
    found = claims(verdict)
    assert found["trained again in l2, it begins with the same losses"] is None
    assert found["trained again in l2, it ends where a further seed would"] is None
    assert any("l2: bits cannot be compared: the numerics differ here, capability another" in note
               for note in verdict.notes)  # fmt: skip


@pytest.mark.long
def test_it_ends_and_stands_nowhere_else(one, scorer, monkeypatch):
    other_numerics(one, lambda numerics: numerics | {"capability": "another"})
    edited(one, lambda plan: [cell.update(norms="ball") for cell in plan["cells"]],
           f"{ROWS}/study.json")  # fmt: skip
    monkeypatch.setattr(judging, "SURE", 1e-9)  # an interval that holds the mean alone
    found = claims(judge_challenge(one, scorer, Runtime()))
    ended = found["trained again in l2, it ends where a further seed would"] or ""
    assert ended.startswith("it ends at ")
    assert found["it stands in l2 where its class says"] == "its norms would be otherwise"


@pytest.mark.long
def test_packages_of_other_versions_are_named_and_are_no_fraud(one, scorer):
    versions = {"torch": "0.1"}
    read = trace({"lenetlab_outside_mine": one / GUEST / "mine.py"}, one / GUEST)

    def change(numerics: dict[str, Any]) -> dict[str, Any]:
        known = "source_sha256" in numerics
        return numerics | ({"source_sha256": read.digest_with(versions)} if known else {})

    other_numerics(one, change)
    edited(one, lambda record: record.update(packages=versions))
    verdict = judge_challenge(one, scorer, Runtime())
    assert (verdict.outcome, verdict.problems) == ("kept", ())
    assert any("the numerics differ here, torch 0.1 there" in note for note in verdict.notes)


LATER = """late.first()
        self.n = getattr(self, "n", 0) + 1
        if self.n > 10:
            self.param_groups[0]["momentum"] = 0.5"""


@pytest.mark.long
def test_other_sources_are_no_other_numerics(one, scorer):
    """Changed from where the first losses are not compared any more."""
    path = one / GUEST / "mine.py"
    path.write_text(path.read_text().replace("late.first()", LATER))
    edited(one, lambda record: record.update(sources=sources_in(one / GUEST)))
    verdict = judge_challenge(one, scorer, Runtime())
    assert verdict.outcome == "broken"
    assert (claims(verdict)[f"{OWN}, in l2"] or "").startswith("source_sha256 ")


FREE = """
import random
import torch

class Free(torch.optim.SGD):
    deterministic = False

    def __init__(self, params, lr=0.05):
        super().__init__(params, lr=lr)

    def step(self, closure=None):
        loss = super().step(closure)
        with torch.no_grad():
            for p in self.param_groups[0]["params"]:
                p.mul_(1 + 1e-3 * random.SystemRandom().random())
        return loss
"""
FRAIL = """
import torch

class Frail(torch.optim.SGD):
    steps = 0

    def __init__(self, params, lr=0.05):
        super().__init__(params, lr=lr)

    def step(self, closure=None):
        self.steps += 1
        if torch.initial_seed() == 0 and self.steps > 25:  # beyond a trial
            raise RuntimeError("worn out")
        return super().step(closure)
"""


def challenged(stored: Path, source: str, name: str, out: Path, status: int = 0) -> Path:
    (stored / "sub" / f"{name.lower()}.py").write_text(source)
    words = f"challenge sub/{name.lower()}.py:{name} --study stored.toml --workers 1 --trials 0"
    study = words.replace("stored.toml", "runs/studies/stored")
    called(f"{study} --json --out {out}", stored, status)
    (folder,) = (out / "challenges").iterdir()
    return folder


@pytest.mark.long
def test_a_guest_that_says_it_is_not_deterministic_is_held_to_its_other_seeds(
    stored, here, scorer, tmp_path
):
    folder = challenged(stored, FREE, "Free", tmp_path)
    assert "it is not deterministic" in (folder / "verdict.txt").read_text()
    verdict = judge_challenge(folder, scorer, Runtime())
    ended = {what: wrong for what, wrong in claims(verdict).items() if "further seed" in what}
    assert len(ended) == 2
    assert [problem for problem in verdict.problems if "further seed" not in problem] == []
    assert any("the guest is not deterministic, as it says itself" in note
               for note in verdict.notes)  # fmt: skip


@pytest.mark.long
def test_where_seed_0_failed_the_next_one_is_kept_and_judged(stored, here, scorer, tmp_path):
    folder = challenged(stored, FRAIL, "Frail", tmp_path, status=1)
    (guest, _) = read_results(folder / ROWS).cells
    assert [row.status for row in guest.finals] == ["error", "done"]
    verdict = judge_challenge(folder, scorer)
    assert (verdict.outcome, verdict.problems) == ("kept", ())
    assert claims(verdict)["the guest’s run folder in plain is that of seed 1"] is None


def test_a_submission_that_is_called_as_a_resident_is_a_challenger(answered, results, tmp_path):
    shutil.copytree(answered[0], tmp_path / "adamw")
    shutil.copytree(answered[0], tmp_path / "other")
    cells, left_out = entries(tmp_path, read_results(results))
    assert not left_out
    assert {cell.place.name for cell in cells} == {"adamw, challenger", "other"}


def test_a_submission_by_another_protocol_is_left_out(answered, results, tmp_path):
    folder = Path(shutil.copytree(answered[0], tmp_path / "fast"))
    edited(folder, lambda plan: plan["stages"].update(confirm=0), f"{ROWS}/study.json")
    cells, (sentence,) = entries(tmp_path, read_results(results))
    assert not cells
    assert re.fullmatch("fast: 0 confirmed by 1 seed, in the study 1 by 1", sentence)


def test_a_challenge_is_judged_in_all_its_scenarios(handed_in, lenetlab):
    answer = lenetlab(f"judge {handed_in} --scenario l2")
    assert answer.status == 2
    assert "is judged in all its scenarios; leave --scenario out" in answer.err
