"""Studies over Dask: the same bits; workers, scheduler and coordinator killed."""

import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.study.coordinator import run_study
from lenetlab.experiments.study.executors import dask
from lenetlab.experiments.study.executors.dask import Dask, connect
from lenetlab.experiments.study.executors.local import Local
from lenetlab.experiments.study.model import Task
from lenetlab.experiments.study.publish import Publisher
from lenetlab.experiments.study.run_ids import Names
from lenetlab.experiments.study.worker import Output, Setup, Unfit, work
from tests.experiments.study.studying import TINY, bits, go, hanging, planned, slow_stub, stub
from tests.waiting import wait_until

# Dask warns of what is of no concern here: a port that is taken, a worker that is killed.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::ResourceWarning")

ROOT = Path(__file__).parents[3]
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
        wait_until(lambda: note.exists() and "address" in note.read_text(),
                   "Dask's scheduler", process)  # fmt: skip
        return process, re.search(r"tcp://[0-9.]+:\d+", note.read_text())[0]

    def begin_worker(self, root: Path = ROOT, threads: int = 1):
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", self.address,
             "--nthreads", str(threads), "--no-dashboard", "--nanny",
             "--local-directory", str(self.folder)],
            env={**ENVIRONMENT, "PYTHONPATH": str(root)}, cwd=root, **QUIET,
        )  # fmt: skip

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.send_signal(signal.SIGTERM)
        for process in (*self.workers, self.scheduler):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(60)


LONGER = TINY.replace("seeds = 2", "seeds = 30")
PROGRAM = """
import sys
from pathlib import Path
from lenetlab.experiments.study.executors.dask import connect
from lenetlab.experiments.study.worker import Setup
from tests.experiments.study.studying import go, slow_stub

go(Path(sys.argv[2]), Path(sys.argv[3]), connect(sys.argv[1], Setup(), work=slow_stub))
"""


def deadly(task: Task, setup: Setup) -> Output:
    """The first trial ends its process."""
    if task.role == "trial" and task.number == 0:
        os._exit(1)
    return stub(task)


def watched(file: Path, folder: Path, executor: Dask, then: Callable[[int], None]) -> None:
    """One call of the study; `then` is called when more than ten runs are done."""

    def notify(status, line):
        if status.done > 10:
            then(status.done)

    with planned(file, folder) as plan:
        run_study(plan, executor, Publisher(plan, folder / "published.json"), notify)


def bits_there(folder: Path) -> list[Path]:
    return list(folder.glob("records/*/*.json"))


@contextmanager
def cluster(folder: Path, workers: int = 2):
    found = Cluster(folder, workers)
    try:
        yield found
    finally:
        found.close()


def test_the_same_bits_as_on_this_machine(file, tmp_path):
    names = Names(Runtime(threads=1))
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


@pytest.mark.long
def test_a_worker_with_another_source_is_named_and_refused(tmp_path):
    other = tmp_path / "other"
    shutil.copytree(ROOT / "lenetlab", other / "lenetlab")
    with (other / "lenetlab/errors.py").open("a") as file:
        file.write("# changed\n")
    with cluster(tmp_path, workers=0) as found:
        found.workers.append(found.begin_worker(other))
        with pytest.raises(UserError, match=r"worker at tcp://.* has source .* install the same"):
            connect(found.address, Setup())


@pytest.mark.long
def test_a_worker_with_two_threads_is_refused_when_it_joins(file, tmp_path):
    """Two runs in a process would share PyTorch's generator."""
    with cluster(tmp_path, workers=1) as found:
        executor = connect(found.address, Setup(), work=slow_stub)
        try:
            found.workers.append(found.begin_worker(threads=2))
            executor._client.wait_for_workers(2, timeout=60)
            with pytest.raises(UserError, match=r"worker at tcp://.* has threads 2, .*--nthreads"):
                go(file, tmp_path / "s", executor)
            with pytest.raises(UserError, match="has threads 2"):
                connect(found.address, Setup())
        finally:
            executor.close()


@pytest.mark.long
def test_workers_may_join_later(tmp_path):
    with cluster(tmp_path, workers=1) as found:
        executor = connect(found.address, Setup())
        try:
            assert (executor.workers, executor.slots) == (1, 2)
            found.workers.append(found.begin_worker())
            executor._client.wait_for_workers(2, timeout=60)
            executor._counted = float("-inf")
            assert (executor.workers, executor.slots) == (2, 4)
        finally:
            executor.close()


@pytest.mark.long
def test_a_run_that_kills_its_workers_is_recorded_with_the_reason(file, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "lenetlab.experiments.study.coordinator.MAX_DEATHS", 3
    )  # Dask's own patience is 4
    file.write_text(TINY.replace('["sgd", "adamw"]', '["sgd"]'))
    with cluster(tmp_path) as found:
        executor = connect(found.address, Setup(), work=deadly)
        try:
            plan = go(file, tmp_path / "s", executor)
        finally:
            executor.close()
    (failure,) = [
        (task.role, task.number, run.status, run.reason) for _, task, run in plan.failures()
    ]
    assert failure[:3] == ("trial", 0, "error")
    assert failure[3].startswith("4 workers died with it")
    assert len(bits(tmp_path / "s")) == 3 + 2


def test_nobody_at_the_address_is_one_sentence(monkeypatch):
    monkeypatch.setattr("lenetlab.experiments.study.executors.dask.TIMEOUT", 2)
    with pytest.raises(UserError, match="no scheduler with a worker answered"):
        connect("tcp://127.0.0.1:9", Setup())


def test_a_cluster_of_our_own_ends_where_no_worker_answers(monkeypatch):
    monkeypatch.setattr("lenetlab.experiments.study.executors.dask.TIMEOUT", 1e-6)
    with pytest.raises(UserError, match="no scheduler with a worker answered"):
        connect("dask", Setup(), workers=1)
    assert not [one for one in multiprocessing.active_children() if "Dask" in one.name]


@pytest.mark.long
def test_a_run_that_hangs_is_stopped_at_its_limit(file, tmp_path):
    file.write_text("limit = 1\n" + TINY)
    with cluster(tmp_path) as found:
        executor = connect(found.address, Setup(), work=hanging, grace=2)
        try:
            plan = go(file, tmp_path / "s", executor)
        finally:
            executor.close()
    failures = [(task.role, task.number, run.status) for _, task, run in plan.failures()]
    assert failures == [("trial", 0, "timeout")] * 2
    assert len(bits(tmp_path / "s")) == 2 * (3 + 2)


@pytest.mark.long
def test_a_worker_killed_in_the_middle_changes_nothing(file, tmp_path):
    file.write_text(LONGER)
    go(file, tmp_path / "calm")
    with cluster(tmp_path) as found:
        executor = connect(found.address, Setup(), work=slow_stub)
        executor._client.wait_for_workers(2, timeout=60)
        killed = []

        def kill(done):
            if not killed:
                killed.append(next(iter(executor._client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)

        try:
            watched(file, tmp_path / "s", executor, kill)
        finally:
            executor.close()
    assert killed
    assert bits(tmp_path / "s") == bits(tmp_path / "calm")


@pytest.mark.long
def test_the_scheduler_killed_and_begun_again(file, tmp_path):
    file.write_text(LONGER)
    go(file, tmp_path / "calm")
    with cluster(tmp_path) as found:
        executor = connect(found.address, Setup(), work=slow_stub)
        try:
            with pytest.raises(UserError, match="give the same command again"):
                watched(file, tmp_path / "s", executor, lambda done: found.scheduler.kill())
        finally:
            executor.close()
        assert 10 < len(bits(tmp_path / "s")) < len(bits(tmp_path / "calm"))
        found.scheduler.wait(60)
        port = int(found.address.rpartition(":")[2])
        found.scheduler, _ = found.begin_scheduler(port)
        found.workers.append(found.begin_worker())  # those of a dead scheduler end
        executor = connect(found.address, Setup(), work=slow_stub)
        try:
            go(file, tmp_path / "s", executor)
        finally:
            executor.close()
    assert bits(tmp_path / "s") == bits(tmp_path / "calm")


@pytest.mark.long
def test_the_coordinator_killed_and_begun_again(file, tmp_path):
    file.write_text(LONGER)
    go(file, tmp_path / "calm")
    program, folder = tmp_path / "program.py", tmp_path / "s"
    program.write_text(PROGRAM)
    with cluster(tmp_path) as found:
        command = [sys.executable, str(program), found.address, str(file), str(folder)]
        process = subprocess.Popen(command, env=ENVIRONMENT, **QUIET)
        wait_until(lambda: len(bits_there(folder)) > 10, "ten runs", process)
        process.kill()
        process.wait(60)
        assert len(bits(folder)) < len(bits(tmp_path / "calm"))
        assert subprocess.run(command, env=ENVIRONMENT, timeout=120, **QUIET).returncode == 0
    assert bits(folder) == bits(tmp_path / "calm")


def test_a_worker_without_data_is_named_and_unfit(tmp_path, monkeypatch):
    monkeypatch.setattr(dask, "get_worker", lambda: SimpleNamespace(address="tcp://there"))
    monkeypatch.setattr(dask, "here", lambda worker: {})
    task = Task(make_recipe("sgd", passes=0.01), 0, "final", 0)
    with pytest.raises(Unfit, match=r"the worker at tcp://there: --data .*gone is not a folder"):
        dask.on_worker(task, Setup(data=tmp_path / "gone"), work, 1.0, {})
