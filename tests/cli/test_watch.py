"""`lenetlab watch` on made-up working folders: what it says of running, stopped, dead studies."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from lenetlab.analysis.state import seconds_left, standings
from lenetlab.cli.watch import duration, screen
from lenetlab.progress import SILENT, Progress, Running, read_progress, write_progress
from lenetlab.results import Cell, Results, write_results
from tests.studies import made_up

from .conftest import Lenetlab

NOW = 1_700_000_000.0
COMMAND = "lenetlab study studies/course.toml"


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


def progress(**other: object) -> Progress:
    running = (
        Running("muon: lr=0.08, batch 512, trial 3", "l2", NOW - 75),
        Running("soap: lr=0.003, batch 64, trial 0", "sparse", NOW - 5),
    )
    known = Progress(
        "running", os.getpid(), socket.gethostname(), NOW - 4000, NOW - 1, 2, COMMAND, running
    )
    return replace(known, **other)  # type: ignore[arg-type]


def shown(folder: Path, width: int = 120) -> str:
    with open(os.devnull, "w") as nowhere:
        console = Console(width=width, record=True, file=nowhere)
        console.print(screen(folder, NOW))
        return console.export_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "runs" / "studies" / "course"
    write_results(work / "results", half_done())
    write_progress(work, progress())
    return work


def test_counts_add_up_to_the_plan() -> None:
    results = half_done()
    found = {s.scenario: (s.done, s.failed, s.left) for s in standings(results)}
    for scenario, (done, failed, left) in found.items():
        rows = [r for c in results.within(scenario) for r in (*c.trials, *c.finals)]
        assert done == sum(r.status == "done" for r in rows)
        assert done + failed == len(rows)
        # three methods of 4 + 3; all trials of sgd failed, and it gets no finals where they ended
        hopeless = 3 if scenario == "l2" else 0
        assert done + failed + left + hopeless == 3 * (4 + 3)
    assert found["plain"][2] == 0


def test_the_best_is_by_held_out_images_alone() -> None:
    results = made_up(("sgd", "adamw"), ("plain",), seeds=1, trials=2)
    best = max((t for c in results.cells for t in c.trials if t.done), key=lambda t: t.accuracy)
    (standing,) = standings(results)
    assert standing.best is not None
    assert standing.best[1] == best


def test_time_left_by_what_a_pass_costs_in_each_cell() -> None:
    results = made_up(("sgd",), ("plain",), seeds=2, trials=2)
    (cell,) = results.cells
    trials = tuple(replace(t, status="done", passes=5.0, train_seconds=9.0, apart_seconds=1.0)
                   for t in cell.trials)  # fmt: skip
    half = replace(results, cells=(Cell(cell.place, trials),))
    assert seconds_left(half, 4) == pytest.approx(2 * 10 * (10 / 5) / 4)  # 2 finals of 10 passes
    assert seconds_left(replace(results, cells=(Cell(cell.place),)), 4) is None


def test_a_running_study(folder: Path) -> None:
    text = shown(folder)
    assert "running for 66 min, 2 workers" in text
    assert "muon: lr=0.08, batch 512, trial 3" in text
    assert "75 s" in text
    assert "time left: about" in text
    assert "diverged, loss is nan at step 17" in text


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits(folder: Path, width: int) -> None:
    assert max(map(len, shown(folder, width).splitlines())) <= width


def test_a_coordinator_that_died(folder: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    write_progress(folder, progress(pid=child.pid))
    text = " ".join(shown(folder).split())
    assert f"is gone (process {child.pid}" in text
    assert f"to go on: {COMMAND}" in text
    assert "runs now" not in text
    assert "time left" not in text


def test_a_coordinator_that_is_silent(folder: Path) -> None:
    write_progress(folder, progress(host="another", updated=NOW - SILENT - 1))
    assert "is gone" in shown(folder)
    write_progress(folder, progress(host="another", pid=2**22 + 1))
    assert "running for" in shown(folder), "a process elsewhere cannot be asked"


def test_stopped_and_finished(folder: Path) -> None:
    write_progress(folder, progress(state="stopped", running=()))
    assert "the coordinator was stopped" in shown(folder)
    write_progress(folder, progress(state="finished", running=(), updated=NOW - 7200))
    assert "finished 2 h 00 min ago" in shown(folder)


def test_before_the_first_run(tmp_path: Path) -> None:
    write_progress(tmp_path, progress())
    assert "no run is recorded so far" in shown(tmp_path)


def test_new_rows_are_seen(folder: Path) -> None:
    before = shown(folder)
    results = half_done()
    time.sleep(0.01)  # another time of the file
    write_results(folder / "results", replace(results, cells=made_up(
        ("sgd", "adamw", "muon"), seeds=3, trials=4, failing=("sgd",)).cells))  # fmt: skip
    assert shown(folder) != before


def test_results_elsewhere(tmp_path: Path) -> None:
    write_results(tmp_path / "committed", half_done())
    (tmp_path / "work").mkdir()
    write_progress(tmp_path / "work", progress(results=str(tmp_path / "committed")))
    assert "plain" in shown(tmp_path / "work")


def test_progress_is_read_as_written(tmp_path: Path) -> None:
    assert read_progress(tmp_path) is None
    write_progress(tmp_path, progress())
    assert read_progress(tmp_path) == progress()


@pytest.mark.parametrize("target", ["course.toml", "runs/studies/course",
                                    "runs/studies/course/results"])  # fmt: skip
def test_the_command(lenetlab: Lenetlab, folder: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "course.toml").write_text("")
    answer = lenetlab(f"watch {target} --once")
    assert answer.status == 0
    assert "A made-up study" in answer.out
    assert "is gone" in answer.out  # NOW is long ago


def test_wrong_targets(lenetlab: Lenetlab, tmp_path: Path) -> None:
    answer = lenetlab("watch nowhere")
    assert answer.status == 2
    assert "holds no study" in answer.err
    (tmp_path / "progress.json").write_text('{"format": 1}')
    answer = lenetlab("watch .")
    assert answer.status == 2
    assert "not of this version" in answer.err


def test_torch_is_not_loaded(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from lenetlab.cli.watch import screen\n"
        f"screen(Path({str(folder)!r}), 0.0)\n"
        "print([m for m in ('torch', 'polars', 'altair', 'scipy') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


@pytest.mark.parametrize(("seconds", "text"), [
    (-3, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h 00 min"), (200_000, "2 d 7 h"),
])  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
