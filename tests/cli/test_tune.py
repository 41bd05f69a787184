"""`lenetlab study` and `tune` on the real data: small but whole."""

import json
import shutil
import signal

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lenetlab.cli.shared import study_session
from lenetlab.problem.fetch import fetch
from lenetlab.problem.files import FILES, locate
from lenetlab.records.rows import read_results
from lenetlab.records.selection import leader
from lenetlab.report.attachments import read_attachments

from .challenges import called

STUDY = """title = "Stored"
scenarios = ["plain"]
methods = ["sgd", "adamw"]
passes = 0.04
seeds = 2
[tune]
trials = 1
passes = 0.02
"""


def test_the_test_set_is_not_opened_in_tuning(tmp_path, lenetlab):
    _, folder = locate("train", None, fetch)
    data = tmp_path / "data"
    data.mkdir()
    for path in folder.iterdir():
        if path.name.startswith("train"):
            shutil.copy(path, data)
    for file in FILES["test"]:
        (data / f"{file.name}.gz").write_bytes(b"garbage")
    where = f"--data {data} --out {tmp_path / 'runs'}"
    found = lenetlab(f"tune sgd --trials 2 --passes 0.02 --workers 1 {where} --json")
    assert found.status == 0, found.err
    printed = json.loads(found.out)
    assert len(printed["trials"]) == 3
    assert printed["confirmations"] == []
    # the same folder cannot be measured on: the garbage is what a test set would be read from
    assert lenetlab(f"run sgd --epochs 0.02 {where}").status == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_its_status(tmp_path, lenetlab, monkeypatch, number):
    """What waits in a queue tells one from the other."""

    def stopped(*given):
        if number == signal.SIGINT:  # which a process of pytest's own may ignore
            raise KeyboardInterrupt
        signal.raise_signal(number)

    (tmp_path / "stored.toml").write_text(STUDY)
    monkeypatch.setattr(study_session, "run_study", stopped)
    handler = signal.getsignal(number)
    answer = lenetlab("study stored.toml --workers 1")
    assert answer.status == 128 + number
    assert "the same command goes on from here" in answer.err
    assert signal.getsignal(number) is handler


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored")
    (folder / "stored.toml").write_text(STUDY)
    called("study stored.toml --workers 1 --tensorboard events", folder)
    return folder


def test_what_a_study_leaves(stored):
    results = read_results(stored / "runs" / "studies" / "stored" / "results")
    rows = [row for cell in results.cells for row in (*cell.trials, *cell.finals)]
    assert [row.status for row in rows] == ["done"] * 2 * (2 + 2)
    first = leader(results.cells)
    (leader_net,) = read_attachments(stored / "runs" / "studies" / "stored" / "results").leader_nets
    assert (leader_net.method, leader_net.accuracy) == (first.place.name, first.finals[0].accuracy)
    # so small a study finds nothing better than the package's recipes
    assert not (stored / "runs" / "tuned.json").exists()

    seen = {}
    for folder in (stored / "events").iterdir():
        events = EventAccumulator(str(folder)).Reload()
        seen[folder.name] = events.Scalars("final/accuracy")[0].value
    assert sorted(seen.values()) == pytest.approx(sorted(row.accuracy for row in rows), rel=1e-6)


def test_a_search_can_confirm(tmp_path, lenetlab):
    words = "tune sgd --passes 0.02 --trials 1 --workers 1 --json"
    found = lenetlab(f"{words} --confirm 0.1")
    assert found.status == 0, found.err
    printed = json.loads(found.out)
    again = printed["confirmations"]
    assert [row["seed"] for row in again] == [1001, 1002] * 2
    won = [row["accuracy"] for row in again if row["number"] == printed["winner"]["trial"]]
    assert printed["winner"]["confirmed"] == pytest.approx(sum(won) / 2, abs=1e-4)
    assert printed["winner"]["budget"] == 0.1
    assert printed["price"]["passes"] == pytest.approx(2 * 0.02 + 4 * 0.1, rel=0.2)
    # without it, the same trials go on in the same folder and cost nothing
    plain = json.loads(lenetlab(words).out)
    assert [row["id"] for row in plain["trials"]] == [row["id"] for row in printed["trials"]]
    assert plain["winner"]["confirmed"] is None
    assert len(list((tmp_path / "runs" / "studies").iterdir())) == 1


def test_a_recipe_found_with_changed_images_is_run_with_changed_images(lenetlab):
    """It had lost its augmentation, and was held against recipes of the images as they are."""
    words = "tune sgd --passes 0.02 --trials 1 --workers 1 --set rules=open --set augment=flip"
    found = lenetlab(words)
    assert found.status == 0, found.err
    assert "`lenetlab run sgd --rules open --tuned` begins from it" in found.out
    ran = json.loads(lenetlab("run sgd --rules open --tuned --passes 0.02 --json").out)
    assert ran["recipe"]["augmentation"] == [["flip", {}]]
    assert ran["tuned"]["changed"] == {}
    refused = lenetlab("run sgd --tuned --passes 0.02")
    assert (refused.status, refused.out) == (2, "")
    assert "no tuned recipe is kept for sgd in scenario plain" in refused.err
