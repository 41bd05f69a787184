"""Every sentence of a report has a condition: it is not there where that does not hold."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from lenetlab.analysis.board import board
from lenetlab.cli.app import app
from lenetlab.records.leader_net import LeaderNet
from lenetlab.records.locate import open_results
from lenetlab.records.selection import leader
from lenetlab.report.attachments import Attachments
from lenetlab.report.charts.theme import styles
from lenetlab.report.page.write import render
from lenetlab.report.paper.compose import compose
from lenetlab.report.paper.pictures import Pictures
from lenetlab.report.wording import experiment, machines, progress, protocol, statistics
from lenetlab.report.wording.limits import limits
from tests.evening import MACHINE, NUMERICS, write_run
from tests.report.page.conftest import unseen
from tests.studies import made_up

PASS = {"budget": ["passes", 1.0], "passes": 1, "epochs": 1}
HALF = {"budget": ["passes", 0.5], "passes": 0.5, "epochs": 0.5}


class Texts(Mapping[str, str]):
    """What is said in each of some ways, on one line; written when it is first read."""

    def __init__(self, ways: Mapping[str, Callable[[], str]]) -> None:
        self._ways = ways
        self._written: dict[str, str] = {}

    def __getitem__(self, where: str) -> str:
        if where not in self._written:
            self._written[where] = " ".join(self._ways[where]().split())
        return self._written[where]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ways)

    def __len__(self) -> int:
        return len(self._ways)


@pytest.fixture
def said(tmp_path, monkeypatch):
    """What page, paper and terminal say of results, each on one line: `said(results)` for those
    at hand, `said(folder)` with the terminal for those in a folder."""
    monkeypatch.setattr("lenetlab.report.page.drawn.still", unseen)

    class NoPictures(Pictures):
        def draw(self, chart, name, width=0):
            return f"{name}.svg"

    def texts(target, attachments=None):
        results = target if hasattr(target, "cells") else open_results(target)
        attachments = attachments or Attachments()

        def page():
            text = re.sub(
                "<(script|style).*?</\\1>", " ", render(results, attachments), flags=re.DOTALL
            )
            return re.sub("<[^>]*>", " ", text)

        def paper():
            pictures = NoPictures(tmp_path / "pictures", "svg", styles(results))
            return compose(results, attachments, pictures).markdown

        def terminal():
            result = CliRunner().invoke(app, ["compare", str(target)], env={"COLUMNS": "200"})
            assert result.exit_code == 0, result.output
            return result.output

        ways = {"page": page, "paper": paper}
        return Texts(ways if results is target else ways | {"terminal": terminal})

    return texts


def boards(results):
    return [board(results, contest) for contest in results.contests()]


@pytest.fixture
def evening(tmp_path):
    """Three methods at one pass, one of them at half a pass too, a failed one, one held out."""
    folder = tmp_path / "evening"
    for seed in range(3):
        write_run(folder, seed, accuracy=80 + 0.1 * seed**2, method=["adam", {}], **PASS)
        write_run(folder, seed, accuracy=89.9 + 0.1 * seed, method=["muon", {}], **PASS)
    write_run(folder, accuracy=99, method=["sgd", {"lr": 0.5}], split="inner", **PASS)
    write_run(folder, failed="loss is nan at step 6", method=["sgd", {"lr": 9.0}], **PASS)
    write_run(folder, accuracy=70, method=["adam", {}], **HALF)
    return folder


def test_of_single_runs_nothing_is_said_that_only_a_study_has(said, evening):
    for where, text in said(evening).items():
        for never in ("lenetlab study", ".toml", "was best, with", "is the leader", "The leader is",
                      "Nothing was tuned", "planned", "one thread", "1 thread", "same everywhere",
                      "These recipes are the best", "first of the study", "of 0 effective",
                      "1 families", "method chosen", "What tuning buys", "trials"):  # fmt: skip
            assert never not in text, (where, never)
        assert "single runs and no study" in text
        assert "1 run on held-out training images (--split inner) is shown" in text


def test_runs_of_different_budgets_are_never_in_one_ranking(said, evening):
    text = said(evening)
    assert "## Scenario plain, 1 pass" in text["paper"]
    assert "## Scenario plain, 0.5 passes" in text["paper"]
    first = text["terminal"].partition("plain, 0.5 passes")[0]
    assert "Everything is compared with adam: the first by name of those with the most" in first
    assert "sgd, lr=0.5 0 –" in first  # on held-out images alone: no rank, and nobody's leader
    assert "Only runs of 1 pass are ranked here" in text["page"]


def test_the_abstract_names_who_has_the_highest_mean_and_how_it_was_picked(said, evening):
    paper = said(evening)["paper"].partition("## The problem")[0]
    assert (
        "In `plain, 1 pass` the highest mean on the test set, by which it is picked, is that of "
        "`muon`, 90.00 % (89.75 % to 90.25 %) with 3 seeds. Compared with `adam`, 1 is "
        "significantly better and 2 could not be compared."
    ) in paper
    assert "In `plain, 0.5 passes` `adam` reaches 70.00 % with 1 seed." in paper
    assert "1 to 3 seeds" in paper


def test_a_target_below_a_mean_is_not_called_unbeaten_for_want_of_seeds(said, evening):
    text = said(evening)["terminal"]
    assert (
        "89.38 % is below the mean of muon (90.00 %), which is no record: 3 seeds; a record needs "
        "10."
    ) in text
    assert (
        "61.5 % and 59.53 % are below the mean of muon (90.00 %) and 1 more, which is no record"
    ) in text
    assert "90.8 % and 90.24 % are passed by no mean." in text
    assert "is not beaten" not in text


def test_a_mean_that_only_equals_a_target_passes_nothing(said, tmp_path):
    write_run(tmp_path / "runs", accuracy=59.53)
    assert "61.5 % and 59.53 % are passed by no mean" in said(tmp_path / "runs")["terminal"]


def test_without_two_common_seeds_nothing_is_compared_and_no_test_described(said, tmp_path):
    folder = tmp_path / "runs"
    write_run(folder, 0, method=["adam", {}])
    write_run(folder, 1, method=["muon", {}])
    for where, text in said(folder).items():
        assert "Nothing is compared: for that, two methods need two seeds in common" in text, where
        for never in ("is a tie", "Holm’s", " t test", "reference", "paired", "difference points"):
            assert never not in text.partition("How to read it")[0], (where, never)
    assert "single seed there is no interval" in said(folder)["paper"]


def test_seeds_with_gaps_have_a_command_for_every_stretch(said, tmp_path):
    for seed in (3, 7, 4):
        write_run(tmp_path / "runs", seed)
    (line,) = boards(open_results(tmp_path / "runs"))[0].lines
    assert [part.partition("--seed")[2] for part in line.command.split(" && ")] == [
        " 3 --seeds 2", " 7",
    ]  # fmt: skip
    assert line.command in said(tmp_path / "runs")["paper"]


def test_budgets_in_epochs_and_frontiers_are_explained_only_where_there_are_some(tmp_path):
    write_run(tmp_path / "a")
    a = open_results(tmp_path / "a")
    assert "in epochs where" not in protocol.budget(a)
    assert "frontier" not in protocol.budget(a)
    assert "one budget" in limits(a)[0]
    write_run(tmp_path / "a", passes=20)
    write_run(tmp_path / "a", scenario="frontier", constraint=["rigl", {"keep": 100}])
    a = open_results(tmp_path / "a")
    assert "in epochs where an epoch did not cost one effective pass" in protocol.budget(a)
    assert "as many weights" in protocol.budget(a)
    assert "one budget" not in limits(a)[0]
    assert experiment.freedoms(a) == "; beside these, which weights are kept"


def test_machines_and_threads_are_those_of_the_runs(tmp_path):
    write_run(tmp_path / "a")
    one = open_results(tmp_path / "a")
    assert machines.devices(one.rows()) == [
        "a processor, 2 cores, Linux x86_64, 2 threads a run, PyTorch 2.13, engine native on cpu."
    ]
    assert "of the machine named above, with 2 threads a run" in machines.seconds(one)
    assert "such ways" not in machines.seconds(one)
    write_run(tmp_path / "a", 1, machine={**MACHINE, "processor": "another", "threads": 1},
              numerics={**NUMERICS, "torch": "2.14"})  # fmt: skip
    two = machines.seconds(open_results(tmp_path / "a"))
    assert "of the 2 kinds of machine named above, with 1 or 2 threads a run" in two
    assert "computed in 2 such ways" in two
    write_run(tmp_path / "b", machine={"processor": None, "threads": None, "cores": None})
    none = open_results(tmp_path / "b")
    assert "None" not in machines.devices(none.rows())[0]
    assert "thread" not in machines.seconds(none)


def test_held_out_runs_alone_open_no_test_set(said, tmp_path):
    write_run(tmp_path / "runs", split="inner")
    text = said(tmp_path / "runs")["paper"]
    assert "the test set is not opened" in text
    assert "measured on its 10,000 test images" not in text
    assert "No run on the test set has a result." in text
    assert "lenetlab run sgd" in text
    assert "--split inner" in text.partition("These commands")[2]


def test_a_study_says_what_it_tuned_and_what_not(said):
    whole = made_up(("sgd", "adamw", "muon"), ("plain",), seeds=3, trials=4)
    text = said(whole)["paper"]
    assert "A method is tuned by 4 trials of 5 effective passes" in text
    assert "drawn by people who had seen test results" in text
    assert "without trials" not in text
    assert "not all of their trials" not in text
    assert "Every result of the leaderboards is over 3 seeds and 10 effective passes." in text
    first, second, third = whole.cells
    cells = (replace(first, trials=()), replace(second, trials=second.trials[:2]),
             replace(third, finals=third.finals[:2]))  # fmt: skip
    text = said(replace(whole, cells=cells))["paper"]
    assert "Run with settings as they were given, without trials: sgd." in text
    assert "1 of 3 pairs of method and scenario begun have not all of their trials yet." in text
    assert "drawn by people" not in text
    assert "of the leaderboards is over 2 to 3 seeds of 3 planned and 10 effective passes." in text


def test_a_search_without_finals_promises_none(said):
    text = said(made_up(("sgd",), ("plain",), seeds=0, trials=4))["paper"]
    assert "then trained on all 60,000" not in text
    assert "Every run behind a leaderboard ends" not in text


def test_a_study_that_has_no_file_gives_no_command(said):
    made = made_up(("sgd",), ("plain",), 2, 2)
    assert "This computes" not in said(made)["paper"]
    known = replace(made, again="lenetlab study some/where.toml")
    assert (
        "This computes the whole study, as this version of lenetlab plans it: "
        "lenetlab study some/where.toml" in (said(known)["paper"])
    )


def test_a_leader_without_finals_leads_and_nobody_takes_its_place(said):
    made = made_up(("sgd", "muon"), ("plain",), 3, 4)
    first = leader(made.cells)
    cells = [replace(cell, finals=()) if cell is first else cell for cell in made.cells]
    text = said(replace(made, cells=tuple(cells)))
    assert "the leader on held-out images, `muon`, has no result on the test set." in text["paper"]
    assert "It has no run on the test set yet." in text["page"]
    assert "Leader Accuracy % ± 95 % Mean loss Beats % To 89.38 % passes muon" not in text["page"]
    row = re.search(r"plain (sgd|muon) (\S+)", text["page"].partition("To 89.38 % passes")[2])
    assert row is not None
    assert row.groups() == ("muon", "–")


def test_the_test_is_described_as_it_was_made():
    few = boards(made_up(("sgd", "adamw", "muon"), ("plain",), 3, 2))
    assert "paired t test" in statistics.comparisons(few)
    assert "Smyth" not in statistics.comparisons(few)
    many = boards(made_up([f"m{i}" for i in range(8)], ("plain",), 3, 2))
    assert "Smyth" in statistics.comparisons(many)
    two = boards(made_up(("sgd", "muon"), ("plain",), 3, 2))
    assert "Holm" not in statistics.comparisons(two)
    assert "There is no leader" not in statistics.comparisons(two)
    untuned = statistics.comparisons(boards(made_up(("sgd", "muon"), ("plain",), 3, 0)))
    assert "there is no leader: the others are compared with the first of the study" in untuned


def test_what_failed_is_counted_and_nothing_said_of_it_where_nothing_did():
    made = made_up(("sgd", "adamw"), ("plain",), 2, 0)
    assert progress.failed(made) == "None of the 4 runs of this study failed."
    failing = made_up(("sgd", "adamw"), ("plain",), 1, 0, failing=("sgd",))
    assert progress.failed(failing).startswith("1 of 2 runs has no result. It is shown with")
    assert "Ended without one" not in progress.progress(made)


def test_one_that_no_longer_leads_is_not_called_the_leader(said):
    made = made_up(("sgd", "muon"), ("plain",), 3, 4)
    other = next(cell for cell in made.cells if cell is not leader(made.cells))
    stale = LeaderNet(other.finals[0].id, "sgd", "plain", [[1] * 10] * 10, [[[0.1] * 5] * 5] * 6)
    text = said(made, Attachments(leader_nets=[stale]))
    assert "What the leader gets wrong" not in text["paper"]
    assert "What the leader takes for what" not in text["page"]


def test_a_shorter_baseline_is_not_called_the_script(said):
    made = made_up(("sgd",), ("plain",), 2, 0)
    row = made.cells[0].finals[0]
    whole = {key: value for key, value in row.recipe.items() if key != "budget"}
    whole = replace(row, recipe=whole, seed=42)
    assert machines.baseline(whole) == (
        "The same training (seed 42) took 5 s on a processor with 1 thread."
    )
    short = replace(whole, recipe={**whole.recipe, "budget": ["epochs", 1.0]})
    assert machines.baseline(short).startswith("The same training for 1 epoch (seed 42) took")
    assert machines.baseline(None) == ""
