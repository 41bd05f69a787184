"""Runs that a command has named or trained: measured inside, and what is printed and written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lenetlab.cli.terminal.console import print_err, print_json, print_out
from lenetlab.cli.terminal.inspect import show, telling
from lenetlab.cli.terminal.progress_bar import meter
from lenetlab.disk import make_folder, replace_json
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Budget
from lenetlab.experiments.run.repeat import NotRepeatable
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.inspection import measure, plane, trajectory
from lenetlab.inspection.probe import Probe, probe
from lenetlab.inspection.retrain import whole_trajectory
from lenetlab.inspection.trajectory import Trajectory
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import title_of
from lenetlab.records.contest import located
from lenetlab.records.run_folder import Run
from lenetlab.report.inspection import figures, tables
from lenetlab.report.inspection.page import Page, save_figure, write_page
from lenetlab.report.page.theatre import Theatre

PAGE, PLANE_PAGE = "inspect.html", "plane.html"


@dataclass(frozen=True)
class Asked:
    """What is wanted: eigenvalues and examples by number, the folder of the page, the figure,
    the data's folder, and what is printed."""

    eigenvalues: int = measure.EIGENVALUES
    examples: int = measure.EXAMPLES
    to: Path | None = None
    figure: Path | None = None
    data: Path | None = None
    printed: Literal["tables", "json", "nothing"] = "tables"

    @property
    def quiet(self) -> bool:
        """Whether nothing is said on the way."""
        return self.printed != "tables"


def inspect_each(runs: Sequence[Run], asked: Asked) -> None:
    """Measure every run, write its inspect.json, and a page of all of them."""
    names = short_names(runs)
    if asked.data is not None:
        _one_problem(runs, f"--data {asked.data} holds the files of one problem")
    found: dict[str, Any] = {}
    ways = [_trajectory(run, name, asked) for run, name in zip(runs, names, strict=True)]
    runtime = Runtime(asked.data, device="cpu")
    for run, name, way in zip(runs, names, ways, strict=True):
        with telling(name, asked.quiet) as told:
            looked = _probe(run, runtime, asked)
            found[name] = measure.measure(run, way, looked, asked.eigenvalues, told)
        replace_json(run.path / measure.FILE, found[name])
    files = [run.path / measure.FILE for run in runs]
    words = [tables.ends(found)]
    for name, one in found.items():
        words += [tables.along(name, one), tables.layers(name, one)]
    page = Page(f"Inside {', '.join(names)}", _recipes(runs, names),
                figures.inspected_figures(found), words)  # fmt: skip
    value = {"runs": [found[name] for name in names]}
    _written(page, _folder(runs, asked) / PAGE, asked, value, files)


def inspect_plane(runs: Sequence[Run], asked: Asked) -> None:
    """Lay a plane through the runs, write plane.json and a page."""
    names = short_names(runs)
    _one_problem(runs, "one plane shows the loss of one problem")
    ways = [_trajectory(run, name, asked) for run, name in zip(runs, names, strict=True)]
    with telling("plane", asked.quiet) as told:
        looked = _probe(runs[0], Runtime(asked.data, device="cpu"), asked)
        found = plane.in_one_plane(runs, ways, looked, on_progress=told)
    folder = _folder(runs, asked)
    replace_json(folder / plane.FILE, found)
    page = Page(
        f"{', '.join(names)} in one plane", _recipes(runs, names),
        figures.plane_figures(found, names), [tables.in_plane(found, names)],
        Theatre(found, names, figures.colours(names)),
    )  # fmt: skip
    _written(page, folder / PLANE_PAGE, asked, found, [folder / plane.FILE])


def short_names(runs: Sequence[Run]) -> list[str]:
    """Each run's method if that tells them apart; else what else does, the folder at last."""
    choices = (
        lambda run: run.recorded.name,
        lambda run: run.label,
        lambda run: f"{run.label}, seed {run.seed}",
        lambda run: f"{run.label}, {run.identity['id']}",
    )
    for choice in choices:
        names = [located(choice(run), run.recorded.problem) for run in runs]
        if len(set(names)) == len(names):
            return names
    twice = next(name for name, n in Counter(names).items() if n > 1)
    raise UserError(f"the run {twice} is named twice; name every run once")


def _one_problem(runs: Sequence[Run], why: str) -> None:
    """Raises: `UserError` where the runs were trained on different images."""
    found = {title_of(run.recorded.problem): None for run in runs}
    if len(found) > 1:
        raise UserError(f"{why}, and these runs are on {' and '.join(found)}; name those of one")


def _trajectory(run: Run, name: str, asked: Asked) -> Trajectory:
    """All of its points, or its ends where they cannot be had."""
    if (kept := trajectory.read(run)) is not None:
        return kept
    unit, amount = run.recorded.budget
    with meter(1, asked.quiet, evaluations=False) as shown:
        shown.begin(f"{name}, trained again for its points", Budget(amount, unit))
        try:
            return whole_trajectory(run, asked.data, shown.step)
        except NotRepeatable as reason:
            remark = f"{name} is shown at its start and its end alone: {reason}"
    print_err(remark)
    return trajectory.ends(run)


def _folder(runs: Sequence[Run], asked: Asked) -> Path:
    """Where the page goes, made if it is not there."""
    return make_folder(asked.to or runs[0].path)


def _probe(run: Run, runtime: Runtime, asked: Asked) -> Probe:
    """Over the run's training images, by the best engine for this processor, whatever it had."""
    train, engine, _, _ = runtime.load(run.recorded.split, find_problem(run.recorded.problem))
    model = TorchEngine(train, runtime.torch_device)
    return probe(engine, train.labels, asked.examples, measure.SAMPLED, model)


def _recipes(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    lead = [f"{located(run.recorded.words(), run.recorded.problem)}, seed {run.seed}."
            for run in runs]  # fmt: skip
    return [
        f"{name} — {said}" if len(runs) > 1 and not said.startswith(f"{name}:") else said
        for name, said in zip(names, lead, strict=True)
    ]


def _written(page: Page, path: Path, asked: Asked, value: Any, files: Sequence[Path]) -> None:
    """Write the page, and the figure if it is wanted; print the tables and where all is, or as JSON
    the `value` that `files` hold."""
    write_page(page, path)
    if asked.figure is not None:
        save_figure(page.figures, asked.figure)
    if asked.printed == "json":
        print_json(value)
    if asked.quiet:
        return
    for one in page.tables:
        show(one)
    for what, file in [*(("numbers", file) for file in files), ("page", path)]:
        print_out(f"{what}: {file}")
    if asked.figure is not None:
        print_out(f"figure: {asked.figure}")
