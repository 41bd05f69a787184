"""Studies over Dask: the same bits; workers, scheduler and coordinator killed."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from distributed import Client

from lenetlab.errors import UserError
from lenetlab.experiments.bench import Bench
from lenetlab.experiments.executors.dask import Dask, connect, package
from lenetlab.experiments.executors.local import Local
from lenetlab.experiments.naming import Names
from lenetlab.experiments.work import Setup, Unfit
from tests.experiments.studying import TINY, bits, go, hanging, slow_stub

# Dask warns of what is of no concern here: a port that is taken, a worker that is killed.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::ResourceWarning")

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s",
}
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


class Cluster:
    """`dask scheduler` and `dask worker` as processes of their own."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.folder = folder
        self.scheduler, self.address = self.begin_scheduler(0)
        self.workers = [self.begin_worker() for _ in range(workers)]

    def begin_scheduler(self, port: int):
        note = self.folder / "scheduler.json"
        note.unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1",
             "--port", str(port), "--no-dashboard", "--scheduler-file", str(note)],
            env=ENVIRONMENT, **QUIET,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not note.exists() or "address" not in note.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return process, re.search(r"tcp://[0-9.]+:\d+", note.read_text())[0]

    def begin_worker(self):
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", self.address, "--nthreads", "1",
             "--no-dashboard", "--nanny", "--local-directory", str(self.folder)],
            env=ENVIRONMENT, **QUIET,
        )  # fmt: skip

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.send_signal(signal.SIGTERM)
        for process in (*self.workers, self.scheduler):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def cluster(folder: Path, workers: int = 2):
    found = Cluster(folder, workers)
    try:
        yield found
    finally:
        found.close()


def test_the_same_bits_as_on_this_machine(file, tmp_path):
    names = Names(Bench(threads=1))
    local = Local(1, Setup())
    go(file, tmp_path / "local", local, names)
    local.close()
    executor = connect("dask", Setup(), workers=2)
    try:
        go(file, tmp_path / "dask", executor, names)
    finally:
        executor.close()
    assert bits(tmp_path / "dask") == bits(tmp_path / "local")
    assert len(bits(tmp_path / "local")) == 2 * (3 + 2)


def test_a_worker_with_another_package_is_refused():
    executor = connect("dask", Setup(), workers=1)
    try:
        executor._ours = {**package(), "source": "0123"}
        from lenetlab.experiments.executors.dask import _compare

        with pytest.raises(Unfit, match="source"):
            _compare("the worker at tcp://10.0.0.2:1", package(), executor._ours)
    finally:
        executor.close()


def test_nobody_at_the_address_is_one_sentence(monkeypatch):
    monkeypatch.setattr("lenetlab.experiments.executors.dask.TIMEOUT", 2)
    with pytest.raises(UserError, match="no scheduler with a worker answered"):
        connect("tcp://127.0.0.1:9", Setup())


def test_a_run_that_hangs_is_stopped_at_its_limit(file, tmp_path):
    file.write_text("limit = 1\n" + TINY)
    with cluster(tmp_path) as found:
        executor = Dask(Client(found.address), Setup(), work=hanging, grace=2)
        try:
            plan = go(file, tmp_path / "s", executor)
        finally:
            executor.close()
    failures = list(plan.failures())
    assert {(task.role, task.number, run.status) for _, task, run in failures} == {
        ("trial", 0, "timeout")
    }
    assert len(failures) == 2


def test_a_worker_killed_in_the_middle_changes_nothing(file, tmp_path):
    file.write_text(TINY.replace("seeds = 2", "seeds = 30"))
    go(file, tmp_path / "calm")
    with cluster(tmp_path) as found:
        executor = Dask(Client(found.address), Setup(), work=slow_stub)
        killed = []

        def kill(status, line):
            if status.done > 10 and not killed:
                os.kill(found.workers[0].pid, signal.SIGKILL)
                killed.append(status.done)

        from lenetlab.experiments.coordinator import run_study
        from lenetlab.experiments.publish import Publisher
        from tests.experiments.studying import planned

        try:
            with planned(file, tmp_path / "s") as plan:
                run_study(plan, executor, Publisher(plan, tmp_path / "s/published.json"), kill)
        finally:
            executor.close()
    assert killed
    assert bits(tmp_path / "s") == bits(tmp_path / "calm")


def test_a_scheduler_that_dies_is_said_and_the_same_command_goes_on(file, tmp_path):
    file.write_text(TINY.replace("seeds = 2", "seeds = 30"))
    go(file, tmp_path / "calm")
    with cluster(tmp_path) as found:
        executor = Dask(Client(found.address), Setup(), work=slow_stub)

        def kill(status, line):
            if status.done > 10 and found.scheduler.poll() is None:
                found.scheduler.kill()

        from lenetlab.experiments.coordinator import run_study
        from lenetlab.experiments.publish import Publisher
        from tests.experiments.studying import planned

        try:
            with planned(file, tmp_path / "s") as plan, pytest.raises(UserError):
                run_study(plan, executor, Publisher(plan, tmp_path / "s/published.json"), kill)
        finally:
            executor.close()
    assert 10 < len(bits(tmp_path / "s")) < len(bits(tmp_path / "calm"))
    executor = connect("dask", Setup(), 1, slow_stub)
    try:
        go(file, tmp_path / "s", executor)
    finally:
        executor.close()
    assert bits(tmp_path / "s") == bits(tmp_path / "calm")
