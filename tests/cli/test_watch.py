"""`lenetlab watch` on made-up working folders: what it says of running, stopped, dead studies."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from lenetlab.analysis.state import scenario_progress
from lenetlab.cli.watch import duration, screen, working_folder
from lenetlab.disk import replace_json
from lenetlab.errors import UserError
from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import Contest
from lenetlab.records.progress import PROGRESS, PUBLISHED, SILENT
from lenetlab.records.rows import write_results
from lenetlab.report.wording.progress import progress
from tests.studies import made_up

from .conftest import Lenetlab

NOW = 1_700_000_000.0


def half_done() -> Results:
    """Plain is complete, l2 has trials alone, sparse has three trials of its first method."""
    whole = made_up(("sgd", "adamw", "muon"), seeds=3, trials=4, failing=("sgd",))
    cells = []
    for cell in whole.cells:
        if cell.place.scenario == "l2":
            cell = replace(cell, finals=())
        elif cell.place.scenario == "sparse":
            first = cell.place.method == "adamw"
            cell = Cell(cell.place, cell.trials[:3] if first else ())
        cells.append(cell)
    return replace(whole, cells=tuple(cells))


def write_progress(folder: Path, **other: object) -> None:
    """As `Status.plain` of the coordinator has it."""
    known = {
        "pid": os.getpid(), "host": socket.gethostname(), "started": NOW - 4000,
        "updated": NOW - 1, "workers": 2, "seconds_left": 7300.0,
        "running": [
            {"id": "1", "label": "muon:lr=0.08 in l2, trial 3", "since": NOW - 75},
            {"id": "2", "label": "soap:lr=0.003 in sparse, trial 0", "since": NOW - 5},
        ],
        "scenarios": {"plain": {"planned": 1234, "done": 1200, "failed": 4},
                      "l2": {"planned": 7, "done": 0, "failed": 0}},
        "best": {"plain": {"accuracy": 90.125, "label": "muon:lr=0.03,batch=[/]"}},
        "failures": ["sgd:lr=9, trial 3: diverged, loss is nan at step 17"],
    }  # fmt: skip
    replace_json(folder / PROGRESS, known | other)


def shown(folder: Path, width: int = 120) -> str:
    with open(os.devnull, "w") as nowhere:
        console = Console(width=width, record=True, file=nowhere)
        console.print(screen(folder, NOW))
        return console.export_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "runs" / "studies" / "course"
    write_results(work / "results", half_done())
    write_progress(work)
    return work


@pytest.mark.parametrize(
    "other",
    [
        {"updated": "x"}, {"workers": None}, {"seconds_left": "soon"}, {"running": [1]},
        {"scenarios": {"plain": {"planned": 1, "done": 0}}}, {"best": {"plain": []}},
        {"failures": {}},
    ],
    ids=lambda other: next(iter(other)),
)  # fmt: skip
def test_a_word_of_another_kind_is_named(folder: Path, other: dict[str, object]) -> None:
    write_progress(folder, **other)
    with pytest.raises(UserError, match=rf"progress.json is broken \(.*{next(iter(other))}"):
        screen(folder, NOW)


@pytest.mark.parametrize("pid", [0, -1, 2**62])
def test_a_number_that_is_no_process_is_nobody_at_work(folder: Path, pid: int) -> None:
    write_progress(folder, pid=pid)
    assert "the coordinator is gone" in shown(folder)


@pytest.mark.parametrize("content", ["[]", "{}", '{"results": 1, "cells": {}}'])
def test_a_note_of_another_kind_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / PUBLISHED).write_text(content)
    with pytest.raises(UserError, match=r"published\.json is broken"):
        screen(tmp_path, NOW)


def test_results_elsewhere_are_found_when_the_study_has_stopped(tmp_path: Path) -> None:
    """`lenetlab study --results` leaves a note of where they are."""
    work = tmp_path / "runs" / "studies" / "course"
    write_results(tmp_path / "committed", half_done())
    work.mkdir(parents=True)
    write_progress(work)
    replace_json(work / PUBLISHED, {"results": str(tmp_path / "committed"), "cells": {}})
    assert "muon" in shown(work)
    (work / PROGRESS).unlink()
    assert working_folder(work, tmp_path) == work
    assert "not running; to go on, give `lenetlab study` its file" in shown(work)


def test_counts_add_up_to_the_plan() -> None:
    results = half_done()
    found = {s.scenario: (s.done, s.failed, s.left) for s in scenario_progress(results)}
    for scenario, (done, failed, left) in found.items():
        rows = [r for c in results.within(Contest(scenario)) for r in (*c.trials, *c.finals)]
        assert done == sum(r.status == "done" for r in rows)
        assert done + failed == len(rows)
        # three methods of 4 + 3; all trials of sgd failed, and it gets no finals where they ended
        all_trials_failed = 3 if scenario == "l2" else 0
        assert done + failed + left + all_trials_failed == 3 * (4 + 3)
    assert found["plain"][2] == 0


def test_the_best_is_by_held_out_images_alone() -> None:
    results = made_up(("sgd", "adamw"), ("plain",), seeds=1, trials=2)
    best = max(
        (t for c in results.cells for t in c.trials if t.done), key=lambda t: t.accuracy or 0.0
    )
    (standing,) = scenario_progress(results)
    assert standing.best is not None
    assert standing.best[0] == best.accuracy


def test_a_running_study(folder: Path) -> None:
    text = shown(folder)
    assert "running for 66 min, 2 workers" in text
    assert "muon:lr=0.08 in l2, trial 3" in text
    assert "75 s" in text
    assert "time left: about 2 h 01 min" in text
    assert "diverged, loss is nan at step 17" in text
    plain = next(line for line in text.splitlines() if line.startswith("plain"))
    assert plain.split()[:5] == ["plain", "1,200", "4", "30", "90.12"]
    assert "batch=[/]" in plain, "labels are no markup"
    l2 = next(line for line in text.splitlines() if line.startswith("l2"))
    assert l2.split() == ["l2", "0", "0", "7", "–", "–"]


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits(folder: Path, width: int) -> None:
    assert max(map(len, shown(folder, width).splitlines())) <= width


def test_a_coordinator_that_died(folder: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait(60)
    write_progress(folder, pid=child.pid)
    text = " ".join(shown(folder).split())
    assert f"is gone (process {child.pid}" in text
    assert "the same `lenetlab study` command goes on" in text
    assert "runs now" not in text
    assert "time left" not in text


def test_a_coordinator_that_is_silent(folder: Path) -> None:
    write_progress(folder, host="another", updated=NOW - SILENT - 1)
    assert "is gone" in shown(folder)
    write_progress(folder, host="another", pid=2**22 + 1)
    assert "running for" in shown(folder), "a process elsewhere cannot be asked"


def test_without_a_coordinator_the_rows_speak(folder: Path) -> None:
    (folder / PROGRESS).unlink()
    text = shown(folder)
    assert "not running; to go on" in text
    assert "diverged, loss is nan at step 17" in text
    whole = made_up(("adamw", "muon"), seeds=3, trials=4)
    write_results(folder / "results", whole)
    assert "complete" in shown(folder)


def test_a_study_is_complete_with_a_method_too_slow_for_it(folder: Path) -> None:
    """Of such a cell nothing is to come but trials."""
    (folder / PROGRESS).unlink()
    whole = made_up(("adamw", "muon"), ("plain",), seeds=3, trials=4)
    slow = Cell(whole.cells[0].place, tuple(replace(row, cpu_seconds=1e5)
                                            for row in whole.cells[0].trials))  # fmt: skip
    found = replace(whole, cells=(slow, whole.cells[1]), cell_limit=3600.0)
    write_results(folder / "results", found)
    assert "complete" in shown(folder)
    assert progress(found).startswith("3 of 3 final runs have a result.")
    unlimited = replace(found, cell_limit=None)
    assert [state.left for state in scenario_progress(unlimited)] == [3]
    fewer = replace(found, cells=(replace(slow, trials=slow.trials[:3]), whole.cells[1]))
    assert [state.left for state in scenario_progress(fewer)] == [1]


@pytest.mark.parametrize("target", ["course.toml", "runs/studies/course",
                                    "runs/studies/course/results"])  # fmt: skip
def test_the_command(lenetlab: Lenetlab, folder: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "course.toml").write_text("")
    answer = lenetlab(f"watch {target} --once")
    assert answer.status == 0
    assert "is gone" in answer.out  # NOW is long ago


def test_wrong_targets(lenetlab: Lenetlab, tmp_path: Path) -> None:
    answer = lenetlab("watch nowhere")
    assert answer.status == 2
    assert "holds no study" in answer.err
    (tmp_path / "progress.json").write_text('{"format": 1}')
    answer = lenetlab("watch .")
    assert answer.status == 2
    assert "progress.json is broken (progress has no pid)" in answer.err


def test_torch_is_not_loaded(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from lenetlab.cli.watch import screen\n"
        f"screen(Path({str(folder)!r}), 0.0)\n"
        "print([m for m in ('torch', 'altair', 'scipy') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


@pytest.mark.parametrize(("seconds", "text"), [
    (-3, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h 00 min"), (200_000, "2 d 7 h"),
])  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
