"""Studies on real processes: killed anywhere, hanging, without room to write."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lenetlab.errors import UserError
from lenetlab.experiments.study.executors.local import Local
from lenetlab.experiments.study.worker import Setup
from tests.experiments.study.studying import TINY, Inline, bits, go, hanging, slow_stub
from tests.waiting import wait_for_end, wait_until

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from pathlib import Path
from lenetlab.experiments.study.executors.local import Local
from lenetlab.experiments.study.worker import Setup
from tests.experiments.study.studying import go, slow_stub

if __name__ == "__main__":
    executor = Local(2, Setup(), slow_stub)
    try:
        go(Path(sys.argv[1]), Path(sys.argv[2]), executor)
    finally:
        executor.close()
"""


def begin(tmp_path: Path, file: Path, folder: Path) -> "subprocess.Popen[bytes]":
    """The study as a process of its own."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(program), str(file), str(folder)],
        env=environment, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def children(pid: int) -> list[int]:
    """Workers of a coordinator."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        tasks = Path(f"/proc/{pid}/task").iterdir()
        found += [w for t in tasks for w in (t / "children").read_text().split()]
    except OSError:
        return []
    workers = []
    for child in {int(word) for word in found}:
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"spawn_main" in command:
            workers.append(child)
    return workers


def kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def undisturbed(file: Path, folder: Path) -> dict[str, str]:
    go(file, folder)
    return bits(folder)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_workers_killed_and_then_the_coordinator(tmp_path):
    file, folder = tmp_path / "tiny.toml", tmp_path / "work"
    file.write_text(TINY.replace("trials = 2", "trials = 15"))
    wanted = undisturbed(file, tmp_path / "whole")
    process = begin(tmp_path, file, folder)
    wait_until(lambda: len(bits_or_none(folder)) >= 5, "five runs", process)
    workers = children(process.pid)
    assert workers
    assert kill(workers[0])
    process.kill()
    process.wait(60)
    for worker in workers:  # none goes on computing for nobody
        wait_for_end(worker, "a worker whose coordinator is gone")
    assert 5 <= len(bits(folder)) < len(wanted)
    process = begin(tmp_path, file, folder)
    assert process.wait(timeout=300) == 0
    assert bits(folder) == wanted


def bits_or_none(folder: Path) -> list[Path]:
    return list(folder.glob("records/*/*.json"))


@pytest.mark.long
def test_200_kills_in_200_runs(tmp_path):
    """Three of four kills hit a worker, one the coordinator, at random moments."""
    file, folder = tmp_path / "tiny.toml", tmp_path / "work"
    file.write_text(TINY.replace("trials = 2", "trials = 97"))
    wanted = undisturbed(file, tmp_path / "whole")
    assert len(wanted) == 200
    chance, kills, process = random.Random(11), 0, None
    while kills < 200:
        if process is None or process.poll() is not None:
            process = begin(tmp_path, file, folder)
        time.sleep(chance.uniform(0, 3))
        if chance.random() < 0.25:
            process.kill()
            process.wait(60)
            kills += 1
        elif workers := children(process.pid):
            kills += kill(chance.choice(workers))
        if len(bits_or_none(folder)) == len(wanted):  # go on killing: lose some on purpose
            for path in chance.sample(sorted(bits_or_none(folder)), 50):
                path.unlink()
    process.kill()
    process.wait(60)
    assert begin(tmp_path, file, folder).wait(timeout=600) == 0
    assert bits(folder) == wanted
    assert not (folder / "aside").exists()


def test_a_run_that_hangs_is_stopped_at_its_limit(tmp_path):
    file = tmp_path / "tiny.toml"
    file.write_text("limit = 1\n" + TINY.replace('["sgd", "adamw"]', '["sgd"]'))
    executor = Local(1, Setup(), hanging, grace=0.5)
    try:
        plan = go(file, tmp_path / "work", executor)
    finally:
        executor.close()
    (failure,) = [(t.role, t.number, run.status, run.reason) for _, t, run in plan.failures()]
    assert failure == ("trial", 0, "timeout", "its process was killed after 1.5 s")
    assert len(bits(tmp_path / "work")) == 5


def test_a_full_disk_leaves_nothing_torn(tmp_path):
    """Files of this process may not grow beyond some bytes, as on a disk without room."""
    file, folder = tmp_path / "tiny.toml", tmp_path / "work"
    file.write_text(TINY)
    wanted = undisturbed(file, tmp_path / "whole")
    previous = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, previous[1]))
    try:
        with pytest.raises(UserError, match="cannot write"):
            go(file, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, previous)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not [path for path in folder.rglob("*") if path.is_file()]
    go(file, folder)
    assert bits(folder) == wanted


def test_a_clock_that_jumps_changes_nothing(tmp_path, monkeypatch):
    """The time of day goes back and forth by years, and records seem to be from any of them."""
    file, folder = tmp_path / "tiny.toml", tmp_path / "work"
    file.write_text(TINY)
    wanted = undisturbed(file, tmp_path / "whole")
    chance = random.Random(5)
    monkeypatch.setattr(time, "time", lambda: chance.uniform(0, 4e9))
    go(file, folder)
    assert bits(folder) == wanted
    for path in bits_or_none(folder):
        os.utime(path, (chance.uniform(0, 4e9),) * 2)
    nothing = Inline()
    go(file, folder, nothing)
    assert nothing.tasks == []
    assert bits(folder) == wanted


def test_where_nothing_can_be_written_it_says_so(tmp_path):
    file, folder = tmp_path / "tiny.toml", tmp_path / "work"
    file.write_text(TINY)
    folder.mkdir()
    (folder / "records").write_text("a file where a folder should be")
    with pytest.raises(UserError, match=r"cannot write .*records"):
        go(file, folder)


def test_same_bits_from_one_and_two_workers(tmp_path):
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    for workers in (1, 2):
        executor = Local(workers, Setup(), slow_stub)
        try:
            go(file, tmp_path / str(workers), executor)
        finally:
            executor.close()
    assert bits(tmp_path / "1") == bits(tmp_path / "2")
