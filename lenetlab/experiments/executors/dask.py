"""The workers of a Dask cluster: `tcp://host:port` of its scheduler, or `dask` to try one here.

Dask moves tasks and watches workers, and gives the task of a worker that died to another one; the
store is written by the coordinator alone. A run that hangs is given up at its limit: the word of it
goes home, then its worker ends, and Dask's nanny starts a new one.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker, LocalCluster
from distributed.client import FutureCancelledError

from lenetlab.errors import UserError
from lenetlab.experiments.executors import Lost, OverLimit
from lenetlab.experiments.study import Task
from lenetlab.experiments.work import Output, Setup, Unfit, work

TIMEOUT = 30.0  # seconds to find the scheduler and its first worker
GRACE = 15.0  # seconds beyond a task's limit in which it may end by itself
FAREWELL = 3.0  # seconds in which the word of a hanging run leaves its worker

Work = Callable[[Task, Setup], Output]


class Dask:
    """The cluster behind `client`, which is closed with it, as is a `cluster` of our own."""

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
        self.workers = sum(client.nthreads().values())
        self.slots = 2 * self.workers  # the next task is at the worker before it is needed
        self._ours = package()
        for name, theirs in client.run(package).items():
            _compare(f"the worker at {name}", theirs, self._ours)

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


def connect(scheduler: str, setup: Setup, workers: int | None = None, work: Work = work) -> Dask:
    """The executor over the scheduler at an address; over a cluster of processes on this machine
    for `dask`. Raises `UserError` if nobody answers, or workers have another lenetlab."""
    cluster = None
    if scheduler == "dask":
        cluster = LocalCluster(
            n_workers=workers or os.cpu_count(), threads_per_worker=1, processes=True,
            dashboard_address=None, silence_logs=logging.ERROR,
        )  # fmt: skip
    try:
        client = Client(cluster or scheduler, timeout=TIMEOUT)
        client.wait_for_workers(1, timeout=TIMEOUT)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(
            f"--scheduler {scheduler}: no scheduler with a worker answered within {TIMEOUT:g} s "
            f"({error}); start them with `dask scheduler` and `dask worker ADDRESS`"
        ) from None
    return Dask(client, setup, cluster, work)


def _pass_on(inner: Any, outer: "Future[Output]") -> None:
    try:
        outer.set_result(inner.result())
    except KilledWorker as error:
        outer.set_exception(Lost(str(error)))
    except FutureCancelledError:
        outer.cancel()
        outer.set_running_or_notify_cancel()
    except Exception as error:
        outer.set_exception(error)


def on_worker(task: Task, setup: Setup, work: Work, grace: float, ours: dict[str, str]) -> Output:
    """Compute `task` on a worker, which may have joined since the others were checked."""
    _compare("a worker that joined", package(), ours)
    if task.limit is None:
        return work(task, setup)
    found: Future[Output] = Future()
    threading.Thread(target=_settle, args=[found, work, task, setup], daemon=True).start()
    try:
        return found.result(task.limit + grace)
    except TimeoutError:
        # a thread cannot be stopped; the process can, once the word of it is on its way
        threading.Timer(FAREWELL, os._exit, args=[1]).start()
        raise OverLimit(f"its worker was ended after {task.limit + grace:g} s") from None


def _settle(found: "Future[Output]", work: Work, task: Task, setup: Setup) -> None:
    try:
        found.set_result(work(task, setup))
    except Exception as error:
        found.set_exception(error)


def _compare(who: str, theirs: dict[str, str], ours: dict[str, str]) -> None:
    """Raises `Unfit` for a worker with another package."""
    for key, value in ours.items():
        if theirs[key] != value:
            raise Unfit(
                f"{who} has {key} {theirs[key]}, this machine {value}; runs would not be the same: "
                "install the same there, or leave it out"
            )


@cache
def package() -> dict[str, str]:
    """Version of the package, and a hash of its sources, by which a changed checkout is told."""
    import lenetlab

    root = Path(lenetlab.__file__).parent
    total = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".py", ".cpp", ".h")):
        total.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return {"lenetlab": version("lenetlab"), "source": total.hexdigest()[:16]}
