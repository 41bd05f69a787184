"""The coordinator: keeps an executor busy with what a study lacks, and records what comes back.

It alone writes. Whatever dies at whatever moment, the store holds whole runs, and the same call
goes on from them.
"""

import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait

from lenetlab.errors import UserError
from lenetlab.experiments.study.executors import Executor, OverLimit, TaskError, WorkerDied
from lenetlab.experiments.study.model import Task
from lenetlab.experiments.study.pending import StudyPlan
from lenetlab.experiments.study.publish import Publisher
from lenetlab.experiments.study.stages import CellPlan
from lenetlab.experiments.study.status import Status
from lenetlab.experiments.study.worker import Output, Unfit
from lenetlab.records.cells import RunRow

MAX_DEATHS = 20  # workers that may die with one task before it is recorded as an error
HEARTBEAT = 0.5  # seconds between signs of life
COMPACT = 300.0  # seconds between updates of the index

Notify = Callable[[Status, str | None], None]
OnRow = Callable[[RunRow], None]


def run_study(
    plan: StudyPlan,
    executor: Executor,
    publisher: Publisher,
    notify: Notify,
    on_row: OnRow = lambda row: None,
) -> None:
    """Compute what is missing until nothing is. `notify` is told the state twice a second, and a
    line for every cell that is complete; `on_row` is called with every run when it is recorded.

    Raises `UserError` where the store cannot be written or a worker would compute other bits.
    Ctrl-C passes through; what was recorded is published before.
    """
    coordinator = _Coordinator(plan, executor, publisher, notify, on_row)
    publisher.planned()
    try:
        coordinator.run()
    except KeyboardInterrupt:
        publisher.all()
        raise
    publisher.all()
    plan.store.compact()


class _Coordinator:
    def __init__(
        self,
        plan: StudyPlan,
        executor: Executor,
        publisher: Publisher,
        notify: Notify,
        on_row: OnRow,
    ) -> None:
        self._on_row = on_row
        self._plan, self._executor = plan, executor
        self._publisher, self._notify = publisher, notify
        self._status = Status(plan, executor.workers)
        self._ready: deque[Task] = deque()
        self._flight: dict[Future[Output], Task] = {}
        self._waiting: dict[str, list[CellPlan]] = {}  # cells by the run they wait for
        self._open: Counter[int] = Counter()  # runs a cell waits for, by id(cell)
        self._deaths: Counter[str] = Counter()
        self._beat = self._compacted = time.monotonic()

    def run(self) -> None:
        for cell in self._plan.every:
            self._advance(cell)
        self._open_stages()
        self._tell(None)
        while self._ready or self._flight:
            while self._ready and len(self._flight) < self._executor.slots:
                self._submit(self._ready.popleft())
            ended, _ = wait(self._flight, timeout=HEARTBEAT, return_when=FIRST_COMPLETED)
            for future in ended:
                self._end(self._flight.pop(future), future)
            self._tick()
        self._tell(None)

    def _advance(self, cell: CellPlan, ahead: bool = False) -> None:
        """Queue what a cell can compute now, behind the others or `ahead` of them."""
        todo = self._plan.missing(cell)
        self._open[id(cell)] = len(todo)
        for task in todo:
            self._waiting.setdefault(task.id, []).append(cell)
        if ahead:
            self._ready.extendleft(reversed(todo))
        else:
            self._ready.extend(todo)

    def _open_stages(self) -> None:
        """Begin what the leading cells get, where those have just become known."""
        found = self._plan.opened()
        for cell in found:
            if cell.further:
                self._status.opened(cell)
            if self._open[id(cell)] == 0:  # else it advances when what it waits for has ended
                self._advance(cell)
        if any(cell.further for cell in found):
            self._publisher.planned()

    def _submit(self, task: Task) -> None:
        if task.id not in self._waiting or task.id in self._status.flying:
            return  # two cells have this run in common
        self._status.begin(task)
        self._flight[self._executor.submit(task)] = task

    def _end(self, task: Task, future: "Future[Output]") -> None:
        self._status.end(task)
        try:
            output = future.result()
        except WorkerDied as error:
            self._deaths[task.id] += error.deaths
            if self._deaths[task.id] < MAX_DEATHS:
                self._ready.appendleft(task)
                return
            said = f"{self._deaths[task.id]} workers died with it, last: {error}"
            output = Output(failed(task, "error", said))
        except OverLimit as error:
            output = Output(failed(task, "timeout", str(error)))
        except Unfit as error:
            raise UserError(str(error)) from None
        except CancelledError:
            raise UserError(
                "what computes is gone (the executor was closed, or Dask's scheduler died); give "
                "the same command again"
            ) from None
        except TaskError as error:  # by the method; it must not end the study
            output = Output(failed(task, "error", str(error)))
        except Exception as error:
            output = Output(failed(task, "error", f"{type(error).__name__}: {error}"))
        self._plan.store.put(output.row, output.weights)
        self._on_row(output.row)
        self._plan.tried(task.id)
        self._status.record(task, self._plan.store.get(task.id))
        for cell in self._waiting.pop(task.id):
            self._open[id(cell)] -= 1
            if self._open[id(cell)] == 0:
                self._advance(cell, ahead=True)  # so that one cell after the other is complete
                self._open_stages()
                if self._open[id(cell)] == 0:
                    self._publisher.cell(cell)
                    self._tell(self._status.line(cell))

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self._beat >= HEARTBEAT:
            self._beat = now
            self._status.workers = self._executor.workers
            self._tell(None)
        if now - self._compacted >= COMPACT:
            self._compacted = now
            self._plan.store.compact()

    def _tell(self, line: str | None) -> None:
        self._notify(self._status, line)


def failed(task: Task, status: str, reason: str) -> RunRow:
    """The row of a run that left nothing: what it cost is not known."""
    return RunRow(
        status=status, reason=reason, role=task.role, number=task.number, id=task.id,
        label=task.recipe.label(), recipe=task.recipe.canonical(), seed=task.seed,
    )  # fmt: skip
