"""A study file (TOML) read and checked as a whole: all mistakes at once, each with its line."""

import math
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from lenetlab.disk import read_text
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import LONGEST, Recipe, check_count
from lenetlab.experiments.study.file.cells import cells, check_tables, varied
from lenetlab.experiments.study.file.given import Given
from lenetlab.experiments.study.file.goal import check_leaderboards, goal
from lenetlab.experiments.study.file.search import stages, tuning
from lenetlab.experiments.study.model import (
    Study,
    StudyCell,
    given_recipe,
    on_problems,
    trial_recipes,
)
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.phrases import count
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.contest import CellKey
from lenetlab.records.rows import cell_path
from lenetlab.records.selection import Stages

TOP = {
    "title", "scenarios", "methods", "passes", "seeds", "first_seed", "limit", "cell_limit",
    "tune", "leader", "luck", "settings", "vary", "scenario", "method", "problems", "transfer",
    "record",
}  # fmt: skip
TUNE = {"trials", "passes", "sampler", "confirm", "confirm_seeds"}
LEADER, LUCK = {"best", "seeds"}, {"best", "searches"}
RECORD = {"goal", "above", "below"}
METHOD = {"scenarios", "settings", "space"}
LARGEST = 2**20  # bytes of a study file


def read_study(path: Path) -> tuple[Study, list[list[Recipe]]]:
    """The study in a file, and the recipes of each cell: of its trials, or the one that is given.

    Raises one `UserError` that tells all mistakes.
    """
    text = _text(path)
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers and nesting without end among them
        raise UserError(f"{path} is no TOML: {error}") from None
    given = Given(text, tree)
    study = _study(given, path.stem)
    recipes = [] if study is None else _recipes(given, study)
    if given.mistakes or study is None:
        found = sorted(set(given.mistakes))
        lines = "\n".join(f"  line {line}: {sentence}" for line, sentence in found)
        raise UserError(f"{path} has {count(len(found), 'mistake')}; nothing was run\n{lines}")
    return study, recipes


def _text(path: Path) -> str:
    if not path.is_file():
        what = "it is no regular file" if path.exists() else "there is no such file"
        raise UserError(f"cannot read the study file {path} ({what})")
    if (size := path.stat().st_size) > LARGEST:
        raise UserError(f"{path} has {size:,} bytes; a study file has at most {LARGEST:,}")
    return read_text(path).removeprefix("\ufeff")  # as editors of Windows begin a text


def _study(given: Given, name: str) -> Study | None:
    """The study as far as it can be read; None if its cells cannot be known."""
    given.known(given.tree, TOP, ())
    for table, keys in (("tune", TUNE), ("leader", LEADER), ("luck", LUCK), ("record", RECORD)):
        given.known(given.table(table), keys, (table,))
    title = given.text("title", name)
    methods, scenarios = given.names("methods"), given.names("scenarios")
    passes = given.number(("passes",), 10.0, most=LONGEST)
    seeds = given.count(("seeds",), 10)
    first_seed = given.count(("first_seed",), 0) if "first_seed" in given.tree else 0
    if first_seed > 2**63 - seeds:
        given.add(("first_seed",), f"first_seed = {first_seed}: a seed is below 2^63")
    limit, cell_limit = (
        given.number((key,), 0.0) if key in given.tree else None for key in ("limit", "cell_limit")
    )
    tune = tuning(given)
    problems = _problems(given, tune)
    after = stages(given, tune, passes, first_seed + seeds)
    record = goal(given, seeds, first_seed)
    vary = varied(given)
    check_tables(given)
    if not methods or not scenarios or given.mistakes:
        return None
    for kind, listed in (("method", methods), ("scenario", scenarios)):
        for key in given.table(kind):
            if key not in listed:
                given.add((kind, key), f"[{kind}.{key}] is about none of the {kind}s listed")
    for method in methods:
        given.known(given.of_method(method), METHOD, ("method", method))
    variants = math.prod(len(values) for values in vary.values())
    of_cell = _runs_of_a_cell(seeds, tune, after)
    try:
        check_count(len(methods) * len(scenarios) * variants * of_cell * max(len(problems), 1))
    except UserError as error:
        given.add(("seeds",), str(error))
        return None
    transfer = given.tree.get("transfer") is True
    found = tuple(
        cell
        for one in cells(given, methods, scenarios, vary, tune)
        for cell in on_problems(one, problems, transfer)
    )
    _check_names(given, found)
    if record and tune is None and len(found) > 1:
        given.add(("record",), "[record] of several methods needs [tune]: who of them holds it "
                  "is chosen on held-out images")  # fmt: skip
    return Study(
        name, title, passes, seeds, found, tune, limit, after, cell_limit, first_seed, record
    )


def _runs_of_a_cell(seeds: int, tune: Tuning | None, after: Stages) -> int:
    """At most."""
    search = tune.tried + after.confirmations if tune else 0
    again = search * bool(after.lucky) * after.searches
    return seeds + search + again + bool(after.leaders) * after.leader_seeds


def _problems(given: Given, tune: Tuning | None) -> dict[str, str]:
    """What the file calls the problems, by their names."""
    transfer = given.flag("transfer")
    found: dict[str, str] = {}
    for called in given.names("problems") if "problems" in given.tree else [DEFAULT]:
        try:
            name = find_problem(called).name
        except UserError as error:
            given.add(("problems",), str(error))
            continue
        if name in found:
            given.add(("problems",), f"{called} and {found[name]} are one problem")
        found[name] = called
    if transfer and (tune is None or len(found) < 2):
        given.add(("transfer",), "transfer = true carries recipes over that [tune] found on "
                  "the first problem; expected [tune], and two problems or more")  # fmt: skip
    return found


def _check_names(given: Given, found: Iterable[StudyCell]) -> None:
    """No two cells have one name, nor names that become one file's."""
    paths = set[Path]()
    for cell in found:
        file = cell_path(Path(), cell.place)
        if file in paths:
            given.add(("methods",), f"{cell.place.name} in {cell.place.where} is there "
                      "twice, or two names become one file name; rename one")  # fmt: skip
        paths.add(file)


def _recipes(given: Given, study: Study) -> list[list[Recipe]]:
    """Every recipe of every cell, built once so that each mistake is found. A cell that one is
    carried over to has the first of where it is tuned."""
    found: list[list[Recipe]] = []
    tuned: dict[CellKey, list[Recipe]] = {}
    for cell in study.cells:
        place = cell.place
        try:
            if cell.source is not None:
                problem = find_problem(cell.settings.get("problem", DEFAULT))
                found.append([replace(it, problem=problem) for it in tuned[cell.source][:1]])
                continue
            found.append(trial_recipes(study.name, cell) or [given_recipe(cell)])
            tuned[place] = found[-1]
        except (UserError, ValueError, TypeError) as error:
            found.append([])
            tuned[place] = []
            given.add_of_cell(place.method, f"{place.name} in {place.where}: {error}")
    if study.record:
        check_leaderboards(given, study, found)
    return found
