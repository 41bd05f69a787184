"""A guest beside the residents of a study, and what is counted of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lenetlab.errors import UserError
from lenetlab.records.cells import Cell
from lenetlab.records.challenge import AGAIN, digest, entered
from lenetlab.records.contest import Contest
from lenetlab.records.test_set_looks import FILE, Looks, count, look, note
from tests.studies import made_up

PLAIN = Contest("plain")
STUDY = made_up(scenarios=["plain", "l2"], seeds=3, trials=2)
SGD, MUON = STUDY.within(PLAIN)[0], STUDY.within(PLAIN)[-1]
GUEST = replace(SGD, place=replace(SGD.place, method="mine.py:Mine", family="outside"))
OTHER = tuple(replace(row, id=f"again {row.seed}") for row in MUON.finals[:2])
PAIR = (GUEST, Cell(replace(MUON.place, variant=AGAIN), finals=OTHER))


def test_a_guest_stands_among_the_residents_and_its_leader_has_the_finals_of_here() -> None:
    results, ((guest, leader),) = entered(STUDY, [PAIR], STUDY.passes)
    assert results.within(PLAIN) == [*STUDY.within(PLAIN)[:-1], leader, guest]
    assert results.within(Contest("l2")) == STUDY.within(Contest("l2"))
    assert guest == GUEST
    assert (leader.trials, leader.finals) == (MUON.trials, OTHER)
    assert leader.place == MUON.place


def test_runs_of_another_length_have_a_leaderboard_of_their_own() -> None:
    results, ((guest, leader),) = entered(STUDY, [PAIR], 0.5)
    assert [contest.title for contest in results.contests()] == ["plain, 0.5 passes", "plain", "l2"]
    assert results.within(Contest("plain", terms="0.5 passes")) == [guest, leader]
    assert results.within(PLAIN) == STUDY.within(PLAIN)


def test_a_resident_that_challenges_is_told_from_itself() -> None:
    results, ((guest, _),) = entered(STUDY, [(SGD, PAIR[1])], STUDY.passes)
    assert guest.place.name == "sgd, challenger"
    names = [cell.place.name for cell in results.within(PLAIN)]
    assert len(names) == len(set(names))


def test_a_digest_is_of_the_figures() -> None:
    assert digest(STUDY) == digest(made_up(scenarios=["plain", "l2"], seeds=3, trials=2))
    assert digest(STUDY) == digest(replace(STUDY, title="Called otherwise"))
    row = replace(MUON.finals[0], accuracy=99.0)
    other = replace(MUON, finals=(row, *MUON.finals[1:]))
    cells = tuple(other if cell is MUON else cell for cell in STUDY.cells)
    assert digest(replace(STUDY, cells=cells)) != digest(STUDY)


def test_no_look_is_lost_where_several_are_taken_at_once(tmp_path) -> None:
    def taken(k: int) -> None:
        note(tmp_path, look("mine.py:Mine", str(k), "plain", {"method": "m"}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(taken, range(24)))
    assert count(tmp_path, "mine.py:Mine", "7", "plain") == Looks(1, 24, 24)


def test_looks_at_the_test_set_are_counted_by_version_and_by_name(tmp_path) -> None:
    def taken(identity: str, lr: float, scenario: str = "plain") -> None:
        note(tmp_path, look("mine.py:Mine", identity, scenario, {"method": ["m", {"lr": lr}]}))

    assert count(tmp_path, "mine.py:Mine", "a", "plain") == Looks(0, 0, 0)
    taken("a", 0.1)
    taken("a", 0.1)  # the same look
    taken("a", 0.2)
    taken("b", 0.1)
    taken("b", 0.1, "l2")
    assert count(tmp_path, "mine.py:Mine", "a", "plain") == Looks(2, 3, 2)
    assert count(tmp_path, "mine.py:Mine", "b", "plain") == Looks(1, 3, 2)
    assert count(tmp_path, "other.py:Mine", "a", "plain") == Looks(0, 0, 0)
    taken("c", 0.1, "a\u2028b")  # ends a line for Python, not in the file
    assert count(tmp_path, "mine.py:Mine", "c", "a\u2028b") == Looks(1, 1, 1)
    (tmp_path / FILE).write_text("{")
    with pytest.raises(UserError, match=r"test_set\.jsonl is broken"):
        count(tmp_path, "mine.py:Mine", "a", "plain")
