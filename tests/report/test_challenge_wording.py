"""A challenge's answer in words and as a row: what it says is true, and of nothing is `inf`."""

from dataclasses import replace

from lenetlab.analysis.challenge import challenge
from lenetlab.records.cells import Results
from lenetlab.records.test_set_looks import Looks
from lenetlab.report.paper.challenge_row import HEAD, tex_rows
from lenetlab.report.wording.challenge import lines
from tests.studies import made_up

STUDY = made_up(scenarios=["plain"])


ONCE = Looks(1, 1, 1)


def said(results: Results = STUDY, guest: str = "soap", looks: Looks = ONCE) -> list[str]:
    (contest,) = results.contests()
    found = challenge(results, contest, guest, "muon")
    return list(lines(found, looks, {guest: 3.25, "muon": None}, ["two seeds are few"]))


def test_every_part_of_an_answer_is_said() -> None:
    text = "\n".join(said())
    assert text.startswith("soap in plain: worse than muon, the study’s leader: −0.6")
    for part in ("note", "test accuracy", "mean test loss", "difference", "held-out images",
                 "price of tuning    12 runs", "price of finals    10 runs", "a run by itself",
                 "recipe", "better than 3, worse than 1, corrected for all by Holm’s rule",
                 "reached by 10 of 10 seeds; median", "taken there once"):  # fmt: skip
        assert part in text, part
    assert "muon 3.25" not in text
    assert "inf" not in text
    assert "nan" not in text


def test_a_target_that_some_seeds_missed_has_its_count_for_a_headline() -> None:
    soap = next(cell for cell in STUDY.cells if cell.place.method == "soap")
    never = tuple(replace(row, evaluations=[]) for row in soap.finals[:6])
    cells = tuple(replace(c, finals=(*never, *c.finals[6:])) if c is soap else c
                  for c in STUDY.cells)  # fmt: skip
    (line,) = [line for line in said(replace(STUDY, cells=cells)) if "to 59.53 %" in line]
    assert "reached by 4 of 10 seeds; muon" in line
    assert "median" not in line


def test_versions_that_were_taken_to_the_test_set_are_said() -> None:
    text = "\n".join(said(looks=Looks(1, 4, 3)))
    assert "under this name 4 times, in 3 versions" in text


def test_failed_runs_leave_a_whole_answer() -> None:
    failing = made_up(scenarios=["plain"], failing=["soap"])
    text = "\n".join(said(failing))
    assert text.startswith("soap in plain: not tested: 10 of 10 finals of soap failed")
    assert "failed             seed 0: diverged, loss is nan at step 17" in text


def test_a_row_has_the_columns_of_its_table_and_ends_as_booktabs_wants() -> None:
    (contest,) = STUDY.contests()
    found = challenge(STUDY, contest, "soap", "muon")
    named = replace(found, guest=replace(found.guest, name="ema+my_method.py:My_Optimizer, lr=0.1"))
    (row,) = [line for line in tex_rows([named]).splitlines() if not line.startswith("%")]
    assert row.startswith(r"ema+My\_Optimizer, lr=0.1 & plain & $")
    assert row.endswith(r" \\")
    assert len(row.split(" & ")) == len(HEAD)
    assert found.guest.accuracy is not None
    assert rf"${found.guest.accuracy.mean:.2f} \pm" in row
    assert "3 / 0 / 1" in row
