"""Event files for TensorBoard: the points of a run's curve, as it is trained or from its record.

    train/loss, train/rate, train/batch_size    the trace, by step
    held_out/… or test/accuracy, loss           the evaluations, by step
    hyperparameters                             the recipe, beside the final figures

Listening cannot change a run: nothing here is drawn from a generator or given back to the training.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenetlab.errors import UserError
from lenetlab.experiments.run.curve import Curve
from lenetlab.experiments.run.identity import folder_name
from lenetlab.records.finished import Result
from lenetlab.records.recipe import RecordedRecipe

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from lenetlab.experiments.recipe.recipe import Recipe
    from lenetlab.experiments.run.runtime import Runtime
    from lenetlab.experiments.run.training import Training
    from lenetlab.records.cells import RunRow
    from lenetlab.records.run_folder import Run


def check_tensorboard() -> None:
    """Raise `UserError` if TensorBoard is not installed, before anything is trained."""
    from importlib.util import find_spec

    if find_spec("tensorboard") is None:
        raise UserError(
            "--tensorboard needs the package tensorboard; install it with `pip install "
            "'lenetlab[tensorboard]'`, or leave the option out"
        )


class Listener:
    """Writes one run into `folder` while it is trained, from `on_step` and `on_eval`.

    The points are those of the run's trace: the mean loss since the point before, 200 over the
    budget. A run that is resumed goes on in a new file, which tells TensorBoard to drop what the
    old one has beyond the checkpoint, so that no step is there twice; its first point is the mean
    since the checkpoint, where the record has the mean since the point before it.
    """

    def __init__(self, folder: Path, amount: float, held_out: bool) -> None:
        self._folder, self._prefix = folder, _prefix(held_out)
        self._curve = Curve(amount, ())
        self._written = 0  # points of the trace
        self._writer: SummaryWriter | None = None

    def step(self, t: "Training", loss: float) -> None:
        """A step was taken."""
        where = t.where()
        if self._writer is None:
            self._writer = _writer(self._folder, where["steps"])
        self._curve.add_step(t.position, where, loss, rate=t.rate, batch_size=t.oracle.batch_size)
        if len(self._curve.trace) > self._written:
            self._written = len(self._curve.trace)
            _points(self._writer, self._curve.trace[-1:])

    def evaluated(self, t: "Training", evaluations: list[dict[str, Any]]) -> None:
        """A measurement was taken."""
        if self._writer is not None:
            _evaluations(self._writer, self._prefix, evaluations[-1:])
            self._writer.flush()

    def record(self, run: "Run") -> None:
        """The run is recorded: its recipe and figures are written. One that was recorded before,
        without a listener, is written from its record."""
        if self._writer is not None:
            _hyperparameters(self._writer, run.recorded, run.seed, run.result)
        elif not any(self._folder.glob("events.out.tfevents.*")):
            write_run(self._folder, run)

    def close(self) -> None:
        """The run has ended or was interrupted."""
        if self._writer is not None:
            self._writer.close()


@contextmanager
def listening(to: Path, recipe: "Recipe", seed: int, runtime: "Runtime") -> Iterator[Listener]:
    """A listener for one run, in a folder of `to` that has the run's method and id."""
    from lenetlab.experiments.run.identity import identify
    from lenetlab.experiments.run.repeat import numerics_here

    train, _, _, _ = runtime.load(recipe.split, recipe.problem)
    id = identify(recipe, seed, train.checksum, numerics_here(recipe, runtime))["id"]
    folder = to / folder_name(recipe.name, id)
    listener = Listener(folder, recipe.budget.amount, recipe.split == "inner")
    try:
        yield listener
    finally:
        listener.close()


def write_run(folder: Path, run: "Run") -> None:
    """Write a recorded run."""
    with _writer(folder, 0) as writer:
        _points(writer, run.trace)
        _evaluations(writer, _prefix(run.held_out), run.evaluations)
        _hyperparameters(writer, run.recorded, run.seed, run.result)


def write_row(to: Path, row: "RunRow") -> None:
    """Write a run of a study into its folder in `to`, unless it is there: its evaluations and its
    recipe; a row has no trace."""
    folder = to / folder_name(row.recorded.name, row.id)
    if any(folder.glob("events.out.tfevents.*")):
        return
    with _writer(folder, 0) as writer:
        _evaluations(writer, _prefix(row.recorded.held_out), row.evaluations)
        _hyperparameters(writer, row.recorded, row.seed, row)


def _writer(folder: Path, begin: int) -> "SummaryWriter":
    """A new event file; older ones in the same folder count up to the step before `begin`."""
    from torch.utils.tensorboard import SummaryWriter

    try:
        return SummaryWriter(str(folder), purge_step=begin)
    except OSError as error:
        raise UserError(
            f"cannot write {folder} ({error.strerror}); choose another --tensorboard"
        ) from None


def _points(writer: "SummaryWriter", trace: Iterable[Mapping[str, Any]]) -> None:
    for point in trace:
        for name in ("loss", "rate", "batch_size"):
            if point[name] is not None:
                writer.add_scalar(f"train/{name}", point[name], point["steps"])


def _evaluations(
    writer: "SummaryWriter", prefix: str, evaluations: Iterable[Mapping[str, Any]]
) -> None:
    for evaluation in evaluations:
        for name in ("accuracy", "loss"):
            writer.add_scalar(f"{prefix}/{name}", evaluation[name], evaluation["steps"])


def _prefix(held_out: bool) -> str:
    return "held_out" if held_out else "test"


def _hyperparameters(
    writer: "SummaryWriter", recipe: RecordedRecipe, seed: int, result: Result
) -> None:
    from torch.utils.tensorboard.summary import hparams

    found = {"final/accuracy": result.accuracy, "final/loss": result.loss}
    figures = {name: value for name, value in found.items() if value is not None}
    # SummaryWriter.add_hparams does this in a file of its own
    file_writer: Any = writer.file_writer
    for summary in hparams({**recipe.flat(), "seed": seed}, figures):
        file_writer.add_summary(summary)
    for name, value in figures.items():
        writer.add_scalar(name, value, 0)
