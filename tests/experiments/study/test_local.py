"""Worker processes of this machine, one by one: idle, raising, busy when all is closed."""

import os
import signal
from pathlib import Path

import pytest

from lenetlab.experiments.study.executors import Quit, TaskError, WorkerDied
from lenetlab.experiments.study.executors.local import Local, Work
from lenetlab.experiments.study.model import Task
from lenetlab.experiments.study.worker import Setup
from tests.experiments.study.studying import (
    TINY,
    hanging,
    planned,
    quitting,
    raising,
    slow_stub,
    stub,
)
from tests.experiments.study.test_faults import children
from tests.waiting import wait_for_end, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    with planned(file, tmp_path / "work") as plan:
        return plan.cells[0].trials


@pytest.fixture
def local(request):
    """An executor of one worker, which does what the test is parametrised with."""
    work: Work = request.param
    executor = Local(1, Setup(), work)
    yield executor
    executor.close()


@pytest.mark.parametrize("local", [slow_stub], indirect=True)
def test_a_worker_that_died_while_idle_costs_one_try(local, tasks):
    assert local.submit(tasks[0]).result(60).row == stub(tasks[0]).row
    (worker,) = children(os.getpid())
    os.kill(worker, signal.SIGKILL)
    wait_for_end(worker, "a worker")
    with pytest.raises(WorkerDied, match="exit code -9"):
        local.submit(tasks[1]).result(60)
    assert local.submit(tasks[1]).result(60).row == stub(tasks[1]).row


@pytest.mark.parametrize("local", [raising], indirect=True)
def test_what_a_method_raises_comes_in_words_and_the_worker_goes_on(local, tasks):
    for task in tasks[:2]:
        with pytest.raises(TaskError, match=r"^Odd: a mistake in the method$"):
            local.submit(task).result(60)
    assert len(children(os.getpid())) == 1


@pytest.mark.parametrize("local", [hanging], indirect=True)
def test_closing_ends_a_worker_in_the_middle_of_a_run(local, tasks):
    running, waiting = local.submit(tasks[0]), local.submit(tasks[1])
    (worker,) = wait_until(lambda: children(os.getpid()), "a worker")
    local.close()
    assert waiting.cancelled()
    assert isinstance(running.exception(5), WorkerDied)
    wait_for_end(worker, "a worker")


@pytest.mark.parametrize("local", [quitting], indirect=True)
def test_one_that_ends_its_process_is_not_given_to_another(local, tasks):
    with pytest.raises(Quit, match=r"^it ended its own process, with exit code 3$"):
        local.submit(tasks[0]).result(60)
    assert local.submit(tasks[1]).result(60).row == stub(tasks[1]).row
