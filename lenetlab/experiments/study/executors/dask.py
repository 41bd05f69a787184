"""The workers of a Dask cluster: `tcp://host:port` of its scheduler, or `dask` to try one here.

Dask moves tasks and watches workers, and gives the task of a worker that died to another one; the
store is written by the coordinator alone. A run that hangs is given up at its limit: its worker
reports that and ends, and Dask's nanny starts a new one.

A worker has one thread: runs that shared a process would share PyTorch's global generator, and one
that hangs could not be ended without the others.
"""

import hashlib
import logging
import os
import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker, LocalCluster, get_worker
from distributed.client import FutureCancelledError

from lenetlab.errors import UserError
from lenetlab.experiments.run.environment import processors
from lenetlab.experiments.study.executors import GRACE, OverLimit, Work, WorkerDied
from lenetlab.experiments.study.model import Task
from lenetlab.experiments.study.worker import (
    NumericsMismatch,
    Output,
    Setup,
    Unfit,
    runtime_for,
    work,
)

TIMEOUT = 30.0  # seconds to find the scheduler and its first worker
FAREWELL = 3.0  # seconds in which a worker reports a run that hangs, before it ends
RECOUNT = 2.0  # seconds between two counts of the workers


class Dask:
    """The cluster behind `client`, which is closed with it, as is a `cluster` of our own.

    Raises `NumericsMismatch` for a worker that would compute other bits. Workers may come and go.
    """

    def __init__(
        self,
        client: Client,
        setup: Setup,
        cluster: LocalCluster | None = None,
        work: Work = work,
        grace: float = GRACE,
    ) -> None:
        self._client, self._cluster = client, cluster
        self._setup, self._work, self._grace = setup, work, grace
        self._count, self._counted = 0, float("-inf")
        self._ours = package() | {"threads": "1"}
        for address, theirs in client.run(here, on_error="return").items():
            _check(address, theirs, self._ours)

    @property
    def workers(self) -> int:
        """How many the cluster has, as of two seconds ago at most; 1 while it has none, so that a
        task waits for the first to come."""
        if time.monotonic() - self._counted >= RECOUNT:
            try:
                self._count = len(self._client.nthreads())
            except OSError as error:
                raise UserError(
                    f"Dask's scheduler does not answer ({error}); start it and its workers, and "
                    "give the same command again"
                ) from None
            self._counted = time.monotonic()
        return max(1, self._count)

    @property
    def slots(self) -> int:
        """Two a worker: the next task is there before it is needed."""
        return 2 * self.workers

    def submit(self, task: Task) -> "Future[Output]":
        """Have a task computed."""
        inner = self._client.submit(
            on_worker, task, self._setup, self._work, self._grace, self._ours, pure=False
        )
        outer: Future[Output] = Future()
        inner.add_done_callback(lambda done: _pass_on(done, outer))
        return outer

    def close(self) -> None:
        """Leave the cluster; end the one that was started here."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def connect(
    scheduler: str,
    setup: Setup,
    workers: int | None = None,
    work: Work = work,
    grace: float = GRACE,
) -> Dask:
    """The executor over the scheduler at an address; over a cluster of processes on this machine
    for `dask`. Raises `UserError` if nobody answers, or workers have another lenetlab."""
    with ExitStack() as opened:
        cluster = None
        if scheduler == "dask":
            cluster = LocalCluster(
                n_workers=workers or processors(), threads_per_worker=1, processes=True,
                dashboard_address=None, silence_logs=logging.ERROR,
            )  # fmt: skip
            opened.callback(cluster.close)
        try:
            client = Client(cluster or scheduler, timeout=TIMEOUT)
            opened.callback(client.close)
            client.wait_for_workers(1, timeout=TIMEOUT)
        except (OSError, TimeoutError, ValueError) as error:
            raise UserError(
                f"--scheduler {scheduler}: no scheduler with a worker answered within "
                f"{TIMEOUT:g} s ({error}); start them with `dask scheduler` and "
                "`dask worker ADDRESS --nthreads 1`"
            ) from None
        connected = Dask(client, setup, cluster, work, grace)
        opened.pop_all()  # `Dask` closes them from here on
        return connected


def _pass_on(inner: Any, outer: "Future[Output]") -> None:
    try:
        outer.set_result(inner.result())
    except KilledWorker as error:
        outer.set_exception(WorkerDied(str(error), error.allowed_failures + 1))
    except FutureCancelledError:
        outer.cancel()
        outer.set_running_or_notify_cancel()
    except Exception as error:
        outer.set_exception(error)


def on_worker(task: Task, setup: Setup, work: Work, grace: float, ours: dict[str, str]) -> Output:
    """Compute `task` on a worker, which may have joined since the others were checked."""
    worker = get_worker()
    _check(worker.address, here(worker), ours)
    try:
        runtime_for(task, setup)
        return _within(task, setup, work, grace) if task.limit is not None else work(task, setup)
    except Unfit as error:
        raise type(error)(f"the worker at {worker.address}: {error}") from None


def _within(task: Task, setup: Setup, work: Work, grace: float) -> Output:
    """The output of a task, or `OverLimit` and the end of this process."""
    seconds = (task.limit or 0.0) + grace
    found: Future[Output] = Future()
    threading.Thread(target=_settle, args=[found, work, task, setup], daemon=True).start()
    try:
        return found.result(seconds)
    except TimeoutError:
        if found.done():  # of the method, not of the clock
            raise
        # a thread cannot be stopped; the process can, once it has reported
        threading.Timer(FAREWELL, os._exit, args=[1]).start()
        raise OverLimit(f"its worker was ended after {seconds:g} s") from None


def _settle(found: "Future[Output]", work: Work, task: Task, setup: Setup) -> None:
    try:
        found.set_result(work(task, setup))
    except Exception as error:
        found.set_exception(error)


def _check(address: str, theirs: dict[str, str] | BaseException, ours: dict[str, str]) -> None:
    """Raises `NumericsMismatch` for a worker that is not as this machine."""
    if isinstance(theirs, BaseException):
        raise NumericsMismatch(
            f"the worker at {address} cannot import lenetlab ({theirs}); install there what is here"
        )
    for key, value in ours.items():
        if theirs[key] != value:
            todo = "start workers with --nthreads 1" if key == "threads" else "install the same"
            raise NumericsMismatch(
                f"the worker at {address} has {key} {theirs[key]}, expected {value}: its runs "
                f"would not be the same; {todo}, or leave it out"
            )


def here(dask_worker: Any) -> dict[str, str]:
    """What decides whether a worker's runs are the same as everywhere."""
    return package() | {"threads": str(dask_worker.state.nthreads)}


@cache
def package() -> dict[str, str]:
    """Version of the package, and a hash of its sources, by which a changed checkout is noticed."""
    import lenetlab

    root = Path(lenetlab.__file__).parent
    total = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".py", ".cpp", ".h")):
        total.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return {"lenetlab": version("lenetlab"), "source": total.hexdigest()[:16]}
