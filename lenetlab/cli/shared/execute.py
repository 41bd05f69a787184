"""One run, computed while the terminal shows its progress."""

import sys
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any

from lenetlab.cli.terminal.progress_bar import Meter
from lenetlab.experiments.jobs import Job, carry_out
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.run.tensorboard import listening
from lenetlab.experiments.run.training import Training
from lenetlab.inspection import trajectory
from lenetlab.records.run_folder import Run


def execute_one(
    job: Job,
    runtime: Runtime,
    shown: Meter,
    tensorboard: Path | None = None,
    limit: float | None = None,
    inspect: bool = False,
) -> Run:
    """Compute a run and show its progress, with an event file in `tensorboard` as well; with
    `inspect` its trajectory is kept beside it, unless it was resumed."""
    with ExitStack() as stack:
        steps, evaluations = [shown.step], [shown.evaluated]
        listener = recorder = None
        if tensorboard is not None:
            to_files = listening(tensorboard, job.recipe, job.seed, runtime)
            listener = stack.enter_context(to_files)
            steps.append(listener.step)
            evaluations.append(listener.evaluated)
        if inspect:
            recorder = trajectory.Recorder(job.seed, job.recipe.budget.amount)
            steps.append(recorder.step)

        def on_step(t: Training, loss: float) -> None:
            for step in steps:
                step(t, loss)

        def on_eval(t: Training, found: list[dict[str, Any]]) -> None:
            for evaluated in evaluations:
                evaluated(t, found)

        # What somebody's optimizer prints is no result of ours, and --json is one value alone.
        stack.enter_context(redirect_stdout(sys.stderr))
        found = carry_out(job, runtime, None, on_step, on_eval, limit)
        if listener is not None:
            listener.record(found)
        if recorder is not None and found.status == "done":
            trajectory.keep(found, recorder)
    return found
