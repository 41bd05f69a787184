"""Results from wherever they are: a study, a folder of results, a folder of single runs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError
from lenetlab.recipes import method_of, parts
from lenetlab.records import RESULT, Run, finished_runs
from lenetlab.results import FINAL, STUDY, TRIAL, Cell, Place, Results, read_results, row_of

STUDIES, RESULTS = "studies", "results"  # <out>/studies/<name>/results


def open_results(target: Path, out: Path = Path("runs")) -> Results:
    """The results of `target`: a study file (its working folder is in `out`), a working folder, a
    folder of results, or a folder of runs by `lenetlab run`."""
    if target.is_file():
        folder = out / STUDIES / target.stem / RESULTS
        if not (folder / STUDY).exists():
            raise UserError(
                f"there are no results of {target} in {folder}; give `lenetlab study {target}` "
                "first, or the folder that has them"
            )
        return read_results(folder)
    if not target.is_dir():
        raise UserError(
            f"{target} does not exist; expected a study file, a folder of results, or a folder of "
            "runs by `lenetlab run`"
        )
    for folder in (target, target / RESULTS):
        if (folder / STUDY).exists():
            return read_results(folder)
    if any(target.glob(f"*/{RESULT}")):
        return from_runs(target)
    raise UserError(
        f"{target} has no results; expected {STUDY} as a study leaves it, or folders of runs by "
        "`lenetlab run`"
    )


def from_runs(folder: Path) -> Results:
    """The whole runs in the folders inside `folder`, a cell for each recipe.

    Runs on the test set are finals, runs on held-out images (`--split inner`) trials of the same
    cell. Cells of a method that differ in settings have what differs as their variant. Families
    are not recorded with a run, and are empty.
    """
    groups: dict[str, list[Run]] = {}
    for run in finished_runs(folder):
        groups.setdefault(_key(run), []).append(run)
    alike: dict[Place, list[Run]] = {}
    for runs in groups.values():
        alike.setdefault(_place(runs[0]), []).append(runs[0])
    common = {place: _common(firsts) for place, firsts in alike.items()}
    cells = [_cell(runs, common[_place(runs[0])]) for runs in groups.values()]
    budgets = {tuple(run.recipe.get("budget", ("epochs", 10))) for runs in groups.values()
               for run in runs}  # fmt: skip
    unit, amount = budgets.pop() if len(budgets) == 1 else ("", 0)
    return Results(
        name=folder.name,
        title=f"Runs in {folder}",
        trials=0,
        tuning_passes=0.0,
        seeds=max((len(cell.finals) for cell in cells), default=0),
        passes=float(amount) if unit == "passes" else 0.0,
        cells=tuple(sorted(cells, key=lambda cell: (cell.place.scenario, cell.place.rules))),
    )


def _key(run: Run) -> str:
    """The same for runs that differ in seed or split alone."""
    recipe = {name: value for name, value in run.recipe.items() if name != "split"}
    return json.dumps([recipe, run.identity["numerics"]], sort_keys=True)


def _place(run: Run, variant: str = "") -> Place:
    recipe = run.recipe
    return Place(
        method=method_of(recipe),
        family="",
        scenario=recipe.get("scenario", "plain"),
        rules=recipe.get("rules", "strict"),
        variant=variant,
    )


def _common(runs: Sequence[Run]) -> set[tuple[str, str]]:
    """What all of `runs` have, which therefore tells none of them apart."""
    return set.intersection(*(set(_said(run).items()) for run in runs))


def _said(run: Run) -> dict[str, str]:
    """Parts of the recipe, then of the numerics."""
    numerics: Mapping[str, Any] = run.identity["numerics"]
    return parts(run.recipe) | {f"numerics {k}": f"{k} {v}" for k, v in numerics.items()}


def _cell(runs: Sequence[Run], common: set[tuple[str, str]]) -> Cell:
    variant = ", ".join(text for key, text in _said(runs[0]).items() if (key, text) not in common)
    ordered = sorted(runs, key=lambda run: run.seed)
    return Cell(
        _place(runs[0], variant),
        tuple(row_of(run, TRIAL, run.seed) for run in ordered if run.held_out),
        tuple(row_of(run, FINAL, run.seed) for run in ordered if not run.held_out),
    )
