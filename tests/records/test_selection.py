"""What held-out images choose: recipes by their confirmations, leaders by seeds kept for that."""

from dataclasses import dataclass, replace

import pytest

from lenetlab.records.cells import CONFIRMATION, LEADER, Cell
from lenetlab.records.contest import Contest
from lenetlab.records.rows import read_results, write_results
from lenetlab.records.selection import (
    Stages,
    by_confirmation,
    chosen,
    confirmed,
    held_out,
    leader,
    to_confirm,
)
from tests.studies import made_up


@dataclass(frozen=True)
class Run:
    number: int
    accuracy: float | None
    loss: float | None = 0.3

    @property
    def done(self) -> bool:
        return self.accuracy is not None


TRIALS = [Run(0, 88.0), Run(1, 90.0), Run(2, None, None), Run(3, 91.0), Run(4, 90.5)]


def again(**means: list[float | None]) -> list[Run]:
    return [Run(int(n[1:]), a, None if a is None else 0.3) for n, found in means.items()
            for a in found]  # fmt: skip


def test_the_best_are_confirmed_and_their_mean_decides():
    assert [t.number for t in to_confirm(TRIALS, [], 3)] == [3, 4, 1]
    runs = again(t3=[90.0, 90.4], t4=[91.0, 91.2], t1=[91.5, 90.6])
    assert to_confirm(TRIALS, runs, 3) == []
    found = chosen(TRIALS, runs)
    assert found == TRIALS[4]
    assert [row.accuracy for row in held_out(TRIALS, runs)] == [91.0, 91.2]


@pytest.mark.parametrize("bad", [[91.9, None], [91.9, 85.5], [None, None]])
def test_a_collapse_disqualifies(bad):
    """Trial 4 ended at 90.5 %: 5 points below are too many, 4.9 are not."""
    runs = again(t3=[90.0, 90.4], t4=bad, t1=[91.0, 90.6])
    assert chosen(TRIALS, runs) == TRIALS[1]
    assert chosen(TRIALS, again(t4=[99.0, 85.6], t1=[91.0, 90.6])) == TRIALS[4]


def test_after_three_collapses_the_next_are_confirmed_until_there_are_none():
    runs = again(t3=[10.0, 91.0], t4=[None, 91.0])
    assert [t.number for t in to_confirm(TRIALS, runs, 2)] == [1, 0]
    assert chosen(TRIALS, runs) is None
    runs += again(t1=[10.0, 10.0], t0=[10.0, 10.0])
    assert to_confirm(TRIALS, runs, 2) == []
    assert chosen(TRIALS, runs) is None
    assert confirmed(TRIALS, runs) == []


def test_without_confirmation_the_best_trial_is_chosen():
    assert chosen(TRIALS, []) == TRIALS[3]
    assert held_out(TRIALS, []) == [TRIALS[3]]
    assert to_confirm(TRIALS, [], 0) == []
    assert chosen([TRIALS[2]], []) is None


def test_between_equals_the_loss_then_the_number():
    equal = [Run(0, 90.0, 0.3), Run(1, 90.0, 0.2), Run(2, 90.0, 0.2)]
    assert chosen(equal, []) == equal[1]
    runs = [replace(run, accuracy=90.0) for run in equal]
    assert chosen(equal, runs) == equal[1]


@dataclass(frozen=True)
class Tuned:
    name: str
    trials: tuple[Run, ...]
    confirmations: tuple[Run, ...] = ()
    leading: tuple[Run, ...] = ()


def tuned(name, trial, confirmation=(), leading=()):
    return Tuned(name, (Run(0, trial),), tuple(Run(0, a) for a in confirmation),
                 tuple(Run(2001 + k, a) for k, a in enumerate(leading)))  # fmt: skip


def test_the_leader_is_by_the_latest_stage_that_there_is():
    a, b, c = tuned("a", 91.0), tuned("b", 92.0), tuned("c", 90.0)
    assert leader([a, b, c]) is b
    a, b, c = tuned("a", 91.0, [91.5]), tuned("b", 92.0, [91.0]), tuned("c", 90.0, [91.4])
    assert by_confirmation([a, b, c]) == [a, c, b]
    assert leader([a, b, c]) is a
    a, c = replace(a, leading=(Run(1, 90.9),)), replace(c, leading=(Run(1, 91.3),))
    assert leader([a, b, c]) is c  # b has no such run
    close = replace(a, leading=(Run(1, 91.21),))  # 91.355 with its confirmation, c has 91.35
    assert leader([close, b, c]) is close
    assert leader([replace(a, leading=(Run(1, 99.0), Run(2, None, None))), c]) is c
    assert leader([]) is None
    assert leader([tuned("d", None)]) is None


def test_who_is_not_confirmed_by_all_seeds_yet_does_not_lead():
    whole, begun = tuned("a", 91.0, [91.0, 91.2]), tuned("b", 92.0, [91.9])
    assert leader([whole, begun]) is whole
    assert leader([whole, replace(begun, confirmations=begun.confirmations * 2)]).name == "b"


def test_stages_are_kept_and_read_as_they_were_written(tmp_path):
    made = made_up(["sgd", "muon"], ["plain"], seeds=2, trials=3)
    cells = []
    for cell in made.cells:
        found = [replace(row, role=CONFIRMATION, number=n, seed=1001 + k, id=f"{n}{k}")
                 for n, row in enumerate(cell.trials[:2]) for k in range(2)]  # fmt: skip
        fresh = [replace(cell.trials[0], role=LEADER, number=2001, seed=2001, id="f")]
        cells.append(replace(cell, confirmations=tuple(found), leading=tuple(fresh)))
    place = replace(cells[0].place, search=2)
    further = Cell(place, made.cells[0].trials)
    stages = Stages(confirm=2, leaders=1, lucky=1)
    written = replace(made, cells=tuple(cells), searches=(further,), stages=stages)
    write_results(tmp_path, written)
    assert read_results(tmp_path) == written
    assert (tmp_path / "plain" / "sgd_search_2.jsonl").exists()
    assert len(written.rows()) == 2 * (3 + 4 + 2 + 1) + 3
    plain = read_results(tmp_path).within(Contest("plain"))
    assert [cell.place.name for cell in plain] == ["sgd", "muon"]
