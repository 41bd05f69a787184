"""Results from wherever they are: a study, a folder of results, a folder of single runs, or the
study that is published with the package."""

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError
from lenetlab.phrases import count, in_units
from lenetlab.problem.problems import DEFAULT
from lenetlab.problem.scenarios import SCENARIOS
from lenetlab.records.cells import FINAL, TRIAL, Cell, Results
from lenetlab.records.contest import CellKey
from lenetlab.records.rows import STUDY, read_results, row_of, to_show
from lenetlab.records.run_folder import RESULT, RUN, Run, finished_runs

STUDIES, RESULTS = "studies", "results"  # <out>/studies/<name>/results
INNER = 5 / 6  # of the training images are trained on where the others are held out


def open_results(target: Path, out: Path = Path("runs")) -> Results:
    """The results of `target`: a study file (its working folder is in `out`), a working folder, a
    folder of results, a folder of runs by `lenetlab run`, or the name of a published study."""
    folder = results_folder(target, out)
    if not (folder / STUDY).exists():
        return from_runs(folder)
    results = read_results(folder)
    return replace(results, again=_again(target, folder.resolve(), results.name))


def _again(target: Path, folder: Path, name: str) -> str:
    """The command that computes a study again. What `tune` and `challenge` leave has no study
    file; it is recognised by its folder, which has another name than the study in it."""
    if target.is_file():
        return shlex.join(["lenetlab", "study", str(target)])
    if name not in (folder.name, folder.parent.name):
        return ""
    checkout = (folder.parent.parent / STUDIES / f"{name}.toml").is_file()
    return f"lenetlab study {f'{STUDIES}/' if checkout else ''}{name}.toml"


def published(name: str) -> Path:
    """The folder of a study that is published with the package: inside it in an installed wheel,
    in results/ of a checkout. It need not exist."""
    package = Path(__file__).parents[1]
    inside = package / RESULTS / name
    return inside if inside.is_dir() else package.parent / RESULTS / name


def results_folder(target: Path, out: Path = Path("runs")) -> Path:
    """The folder that the results of `target` are in."""
    if len(target.parts) == 1 and not target.exists() and published(target.name).is_dir():
        return published(target.name)
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
    if begun := sum(1 for _ in target.glob(f"*/{RUN}")):
        raise UserError(
            f"{target} has {count(begun, 'run')}, none of which is finished; the command that "
            "began one goes on with it"
        )
    raise UserError(
        f"{target} has no results; expected {STUDY} as a study leaves it, or folders of runs by "
        "`lenetlab run`"
    )


# Parts of a recipe as `parts` has them, and what the numerics call their versions.
VERSIONS = {
    "constraint": "numerics constraint_version", "augmentation": "numerics augmentation_version",
    "schedule": "numerics schedule_version", "batch": "numerics plan_version",
}  # fmt: skip


def from_runs(folder: Path) -> Results:
    """The whole runs in the folders inside `folder`, a cell for each recipe.

    Runs on the test set are finals, runs on held-out images (`--split inner`) trials of the same
    cell. Recipes are ranked together where problem, scenario, rules and budget are the same, and
    on a frontier the weights that are left. Cells of a method that differ in settings have what
    differs as their variant. Families are not recorded with a run, and are empty.
    """
    return gathered(finished_runs(folder), folder.resolve().name, f"Runs in {folder}")


def gathered(found: Sequence[Run], name: str, title: str) -> Results:
    """Runs from anywhere, as those of a folder are (`from_runs`)."""
    groups: dict[str, list[Run]] = {}
    for run in found:
        groups.setdefault(_key(run), []).append(run)
    alike: dict[CellKey, list[Run]] = {}
    for runs in groups.values():
        alike.setdefault(_place(runs), []).append(runs[0])
    common = {place: _common(firsts) for place, firsts in alike.items()}
    ordered = sorted(groups.values(), key=_order)
    return to_show(
        Results(
            name=name,
            title=title,
            trials=0,
            tuning_passes=0.0,
            seeds=0,
            passes=0.0,
            cells=tuple(_cell(runs, common[_place(runs)]) for runs in ordered),
            planned=False,
        )
    )


def _key(run: Run) -> str:
    """The same for runs that differ in seed or split alone."""
    recipe = asdict(replace(run.recorded, split="official"))
    return json.dumps([recipe, run.identity["numerics"]], sort_keys=True)


def _place(runs: Sequence[Run], variant: str = "") -> CellKey:
    recipe = runs[0].recorded
    return CellKey(
        method=recipe.name,
        family="",
        scenario=recipe.scenario,
        rules=recipe.rules,
        variant=variant,
        terms=_terms(runs),
        problem=recipe.problem,
    )


def _terms(runs: Sequence[Run]) -> str:
    """The budget, and on a frontier how many weights are left."""
    unit, amount = budget(runs)
    said = in_units(amount, unit)
    if unit == "epochs" and runs[0].recorded.problem != DEFAULT:
        said += _each(runs)
    size = runs[0].recorded.size
    return f"{size}, {said}" if size else said


def budget(runs: Sequence[Run]) -> tuple[str, float]:
    """Of runs of one recipe. Epochs are passes where the ledger says so: of a method that asks for
    more than a gradient a step, an epoch costs more than of others and is ranked apart."""
    unit, amount = runs[0].recorded.budget
    if unit == "epochs" and all(_asks_once(run) for run in runs):
        unit = "passes"
    return unit, float(amount)


def _each(runs: Sequence[Run]) -> str:
    """Of another problem, what an epoch cost: nothing else tells how many images it has, and with
    it whether a method asks for more than a gradient a step."""
    found = [run.result.passes / run.result.epochs / (INNER if run.held_out else 1.0)
             for run in runs if run.result.passes and run.result.epochs]  # fmt: skip
    return f" of {found[0]:.3g} passes" if found else ""


def _asks_once(run: Run) -> bool:
    passes, epochs = run.result.passes, run.result.epochs
    share = INNER if run.held_out else 1.0
    return passes is None or epochs is None or math.isclose(passes, share * epochs, rel_tol=1e-9)


def _order(runs: Sequence[Run]) -> tuple[object, ...]:
    """Leaderboards beside each other that differ least, scenarios as the table has them, the
    largest budget first."""
    recipe = runs[0].recorded
    scenario, rules = recipe.scenario, recipe.rules
    unit, amount = budget(runs)
    kept = recipe.max_nonzeros or 0
    other = recipe.problem != DEFAULT, recipe.problem
    listed = list(SCENARIOS)
    place = listed.index(scenario) if scenario in listed else len(listed)
    return *other, place, scenario, rules != "strict", rules, -kept, unit, -amount


def _common(runs: Sequence[Run]) -> set[tuple[str, str]]:
    """What tells none of `runs` apart: what all of them have, and the versions of parts that are
    told apart by their names already."""
    said = [_said(run) for run in runs]
    found = set.intersection(*(set(one.items()) for one in said))
    for part, key in VERSIONS.items():
        pairs = {(one.get(part), one.get(key)) for one in said}
        if len(pairs) == len({name for name, _ in pairs}):
            found |= {(key, version) for _, version in pairs if version is not None}
    return found


def _said(run: Run) -> dict[str, str]:
    """Parts of the recipe, then of the numerics."""
    numerics: Mapping[str, Any] = run.identity["numerics"]
    return run.recorded.parts() | {f"numerics {k}": f"{k} {v}" for k, v in numerics.items()}


def _cell(runs: Sequence[Run], common: set[tuple[str, str]]) -> Cell:
    variant = ", ".join(text for key, text in _said(runs[0]).items() if (key, text) not in common)
    ordered = sorted(runs, key=lambda run: run.seed)
    return Cell(
        _place(runs, variant),
        tuple(row_of(run, TRIAL, run.seed) for run in ordered if run.held_out),
        tuple(row_of(run, FINAL, run.seed) for run in ordered if not run.held_out),
    )
