"""One run, computed while the terminal shows how it gets on."""

from pathlib import Path
from typing import Any

from lenetlab.cli.terminal.progress_bar import Meter
from lenetlab.experiments.api import Job, carry_out
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.tensorboard import listening
from lenetlab.experiments.run.training import Training
from lenetlab.records.run_folder import Run


def execute_one(
    job: Job,
    runtime: Runtime,
    shown: Meter,
    tensorboard: Path | None = None,
    limit: float | None = None,
) -> Run:
    """Compute a run and show how it gets on, with an event file in `tensorboard` as well."""
    if tensorboard is None:
        return carry_out(job, runtime, None, shown.step, shown.evaluated, limit)

    with listening(tensorboard, job.recipe, job.seed, runtime) as listener:

        def on_step(t: Training, loss: float) -> None:
            shown.step(t, loss)
            listener.step(t, loss)

        def on_eval(t: Training, evaluations: list[dict[str, Any]]) -> None:
            shown.evaluated(t, evaluations)
            listener.evaluated(t, evaluations)

        found = carry_out(job, runtime, None, on_step, on_eval, limit)
        listener.record(found)
    return found
