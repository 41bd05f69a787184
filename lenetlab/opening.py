"""Results from wherever they are: a study, a folder of results, a folder of single runs."""

import json
from collections import Counter
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
    folder = results_folder(target, out)
    return read_results(folder) if (folder / STUDY).exists() else from_runs(folder)


def results_folder(target: Path, out: Path = Path("runs")) -> Path:
    """The folder that the results of `target` are in."""
    if target.is_file():
        folder = out / STUDIES / target.stem / RESULTS
        if not (folder / STUDY).exists():
            raise UserError(
                f"there are no results of {target} in {folder}; give `lenetlab study {target}` "
                "first, or the folder that has them"
            )
        return folder
    if not target.is_dir():
        raise UserError(
            f"{target} does not exist; expected a study file, a folder of results, or a folder of "
            "runs by `lenetlab run`"
        )
    for folder in (target, target / RESULTS):
        if (folder / STUDY).exists():
            return folder
    if any(target.glob(f"*/{RESULT}")):
        return target
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
    named = [_place(runs[0], {}) for runs in groups.values()]
    cells = []
    for place, runs in zip(named, groups.values(), strict=True):
        alike = [other[0] for at, other in zip(named, groups.values(), strict=True) if at == place]
        cells.append(_cell(_place(runs[0], _differing(runs[0], alike)), runs))
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


def _place(run: Run, variant: Mapping[str, str]) -> Place:
    recipe = run.recipe
    return Place(
        method=method_of(recipe),
        family="",
        scenario=recipe.get("scenario", "plain"),
        rules=recipe.get("rules", "strict"),
        variant=", ".join(variant.values()),
    )


def _differing(run: Run, alike: Sequence[Run]) -> dict[str, str]:
    """What tells the cell of `run` from the others of its method: parts of the recipe, then of the
    numerics, that are not the same in all of them."""
    all_said = [_said(other) for other in alike]
    counts = Counter(part for said in all_said for part in said.items())
    return {key: text for key, text in _said(run).items() if counts[key, text] < len(alike)}


def _said(run: Run) -> dict[str, str]:
    numerics: Mapping[str, Any] = run.identity["numerics"]
    return parts(run.recipe) | {f"numerics {k}": f"{k} {v}" for k, v in numerics.items()}


def _cell(place: Place, runs: Sequence[Run]) -> Cell:
    ordered = sorted(runs, key=lambda run: run.seed)
    return Cell(
        place,
        tuple(row_of(run, TRIAL, run.seed) for run in ordered if run.held_out),
        tuple(row_of(run, FINAL, run.seed) for run in ordered if not run.held_out),
    )
