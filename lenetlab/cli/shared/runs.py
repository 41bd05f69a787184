"""Runs that a command has planned: computed one after the other, and what is printed of them."""

from pathlib import Path

from rich.text import Text

from lenetlab.analysis.tables import tabulate
from lenetlab.cli.shared.execute import execute_one
from lenetlab.cli.shared.limited import execute_limited
from lenetlab.cli.terminal.console import (
    out,
    print_failures,
    print_json,
    print_out,
    results_table,
)
from lenetlab.cli.terminal.progress_bar import meter
from lenetlab.experiments.jobs import Job
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.phrases import count
from lenetlab.records.finished import ended
from lenetlab.records.run_folder import Run
from lenetlab.report.formats import three


def execute_all(
    todo: list[Job],
    runtime: Runtime,
    quiet: bool,
    tensorboard: Path | None = None,
    limit: float | None = None,
    inspect: bool = False,
) -> list[tuple[Job, Run]]:
    """Compute the runs one after the other, with a progress bar; TensorBoard's event files go to
    one folder a run in `tensorboard`. With a limit in seconds, in another process. With `inspect`
    their trajectories are kept beside them."""
    if limit is not None:
        return execute_limited(todo, runtime, quiet, tensorboard, limit, inspect)
    results = []
    with meter(len(todo), quiet) as shown:
        for job in todo:
            label = f"{job.label}, seed {job.seed}" if len(todo) > 1 else job.label
            shown.begin(label, job.recipe.budget, job.recipe.split == "inner")
            found = execute_one(job, runtime, shown, tensorboard, inspect=inspect)
            results.append((job, found))
    return results


def print_one(job: Job, found: Run, json: bool) -> None:
    """What a run came to."""
    summary = found.summary()
    if json:
        print_json(summary)
        return
    if found.status != "done":
        print_out(ended(found.status, summary["reason"]), style="red")
    else:
        problem = job.recipe.problem
        on = "" if problem.default else f" on {problem.name}"
        facts = f"{on}, {job.recipe.budget}, seed {job.seed}"
        print_out(Text.assemble((job.label, "bold"), facts))
        images = found.measured_on
        out.print(f"  {f'{images} accuracy':<18} {summary['accuracy']:.2f} %")
        out.print(f"  {f'{images} loss':<18} {summary['loss']:.4f}, mean cross-entropy")
        fit = summary["train_loss"]
        out.print(f"  {'training accuracy':<18} {summary['train_accuracy']:.2f} %, loss "
                  f"{'no number' if fit is None else format(fit, '.4f')}: "
                  f"{'' if problem.default else 'at most '}"
                  "the first 10,000 training images")  # fmt: skip
        out.print(f"  starter's average  {summary['starter_average_loss']:.6f}")
        if job.recipe.max_nonzeros is not None:
            out.print(f"  nonzeros           {summary['nonzeros']:,} in fc1 and fc2, "
                      f"at most {job.recipe.max_nonzeros:,}")  # fmt: skip
        out.print(f"  effective passes   {three(summary['passes'])} in {summary['steps']:,} "
                  "steps")  # fmt: skip
        budget, cost = job.recipe.budget, found.result.discarded_passes
        if budget.unit == "passes" and summary["passes"] < 0.99 * budget.amount:
            out.print(f"  not spent          {budget.amount - summary['passes']:.2g} passes, "
                      f"because the next step would have cost {cost:.2g}")  # fmt: skip
        out.print(f"  training           {summary['train_seconds']:.1f} s, "
                  f"engine {summary['engine']} on {summary['device']}, "
                  f"{count(summary['threads'], 'thread')}")  # fmt: skip
    print_out(f"  recorded in        {found.path}")


def print_many(results: list[tuple[Job, Run]], figure: Path, json: bool) -> None:
    """The table of several runs, and their figure."""
    from lenetlab.report.run_plots import four_panels, save

    rows = tabulate((job.label, found) for job, found in results)
    path = save(four_panels(rows), figure)
    if json:
        print_json(
            {
                "runs": [found.summary() for _, found in results],
                "table": [row.as_json() for row in rows],
                "figure": str(path),
            }
        )
        return
    out.print(results_table(rows))
    print_failures(rows)
    print_out(f"figure: {path}")
