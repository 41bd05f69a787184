"""The trajectory of a finished run that kept none: the run is trained once more, bit for bit.

A run keeps its final weights. What lay on its way is found by training it again from its recipe and
seed, on the numerics it was computed by; that it ends at the same bits is checked.
"""

from pathlib import Path

from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.run.on_disk import OnStep
from lenetlab.experiments.run.repeat import NotRepeatable, repeated_run
from lenetlab.experiments.run.training import Training
from lenetlab.inspection import trajectory
from lenetlab.inspection.trajectory import Recorder, Trajectory
from lenetlab.records.finished import ended
from lenetlab.records.run_folder import Run


def whole_trajectory(
    run: Run,
    data: Path | None,
    on_step: OnStep = lambda t, loss: None,
) -> Trajectory:
    """The run's trajectory: the one beside it, or that of training it again, which is then kept
    beside it. Raises: `NotRepeatable` where it cannot be trained again here, `UserError` where it
    has no weights or what lies beside it is broken, `Interrupted` after a signal."""
    trajectory.final(run)  # a run without weights is refused
    if (found := trajectory.read(run)) is not None:
        return found
    found = _train(run, data, on_step)
    trajectory.write(run.path / trajectory.FILE, found)
    return found


def _train(run: Run, data: Path | None, on_step: OnStep) -> Trajectory:
    name = run.recorded.method.name
    if name.startswith("__main__:"):
        raise NotRepeatable(
            f"{name} is from a notebook or a script, which no command can ask for; write its class "
            "to a file, FILE.py, and `lenetlab run FILE.py:CLASS --inspect` keeps the points"
        )
    if run.recorded.from_outside:
        raise NotRepeatable(
            f"{name} is from outside, and its code is not run from a record; "
            f"`{run.recorded.command(run.seed)} --no-resume --inspect` keeps the points"
        )
    recipe = recall(run.recipe)
    recorder = Recorder(run.seed, recipe.budget.amount)

    def step(t: Training, loss: float) -> None:
        recorder.step(t, loss)
        on_step(t, loss)

    with repeated_run(run, recipe, data, step) as again:
        if again.status != "done":
            how = ended(again.status, again.result.reason)
            raise NotRepeatable(f"trained again it ended as {how}")
        if not trajectory.same_weights(again, run):
            raise NotRepeatable("trained again it ended at other weights than it has recorded")
        found = recorder.trajectory(run)
    if found is None:
        raise NotRepeatable("trained again it took another number of steps than it has recorded")
    return found
