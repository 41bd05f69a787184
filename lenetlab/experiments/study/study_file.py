"""A study file (TOML) read and checked as a whole: all mistakes at once, each with its line."""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lenetlab.analysis.record import SEEDS
from lenetlab.disk import read_text
from lenetlab.errors import UserError, short, unknown
from lenetlab.experiments.recipe.recipe import LONGEST, Recipe, check_count, expand
from lenetlab.experiments.study.model import (
    Study,
    StudyCell,
    given_recipe,
    on_problems,
    trial_recipes,
)
from lenetlab.experiments.tuning.search_space import Dimension, parse_dimension
from lenetlab.experiments.tuning.trials import SAMPLERS, Tuning
from lenetlab.methods.lookup import canonical, family_of, norms_of
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.contest import CellKey
from lenetlab.records.goal import Goal
from lenetlab.records.rows import cell_path
from lenetlab.records.selection import CONFIRMING, LEADING, Stages
from lenetlab.settings import WHOLE

TOP = {
    "title", "scenarios", "methods", "passes", "seeds", "first_seed", "limit", "cell_limit",
    "tune", "leader", "luck", "settings", "vary", "scenario", "method", "problems", "transfer",
    "record",
}  # fmt: skip
LARGEST = 2**20  # bytes of a study file
LINE = 1000  # characters of a line in which a key is looked for
TUNE = {"trials", "passes", "sampler", "confirm", "confirm_seeds"}
LEADER, LUCK = {"best", "seeds"}, {"best", "searches"}
RECORD = {"goal", "above", "below"}
MOST_SEEDS = LEADING - CONFIRMING  # in a stage: no two stages have a seed in common
METHOD = {"scenarios", "settings", "space"}
# The file says these itself; as a setting they would say it twice.
FIXED = ("passes", "epochs", "split", "scenario", "seed", "method", "problem")


def read_study(path: Path) -> tuple[Study, list[list[Recipe]]]:
    """The study in a file, and the recipes of each cell: of its trials, or the one that is given.

    Raises one `UserError` that tells all mistakes.
    """
    text = _text(path)
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers and nesting without end among them
        raise UserError(f"{path} is no TOML: {error}") from None
    reader = _Reader(text, tree)
    study = reader.study(path.stem)
    recipes = [] if study is None else reader.recipes(study)
    if reader.errors or study is None:
        found = sorted(set(reader.errors))
        count = "1 mistake" if len(found) == 1 else f"{len(found)} mistakes"
        lines = "\n".join(f"  line {line}: {sentence}" for line, sentence in found)
        raise UserError(f"{path} has {count}; nothing was run\n{lines}")
    return study, recipes


def _text(path: Path) -> str:
    if not path.is_file():
        raise UserError(f"cannot read the study file {path} (there is no such file)")
    if (size := path.stat().st_size) > LARGEST:
        raise UserError(f"{path} has {size:,} bytes; a study file has at most {LARGEST:,}")
    return read_text(path)


class _Reader:
    def __init__(self, text: str, tree: dict[str, Any]) -> None:
        self._lines = text.splitlines()
        self._where = _positions(self._lines)
        self._tree = tree
        self.errors: list[tuple[int, str]] = []

    def study(self, name: str) -> Study | None:
        """The study as far as it can be read; None if its cells cannot be known."""
        tree = self._tree
        self._known(tree, TOP, ())
        title = self._get("title", str, name)
        methods = self._names("methods")
        scenarios = self._names("scenarios")
        passes = self._number(("passes",), 10.0, most=LONGEST)
        seeds = int(self._number(("seeds",), 10, whole=True))
        first_seed = (
            int(self._number(("first_seed",), 0, whole=True)) if "first_seed" in tree else 0
        )
        limit, cell_limit = (
            self._number((key,), 0.0) if key in tree else None for key in ("limit", "cell_limit")
        )
        tune = self._tune()
        problems = self._problems(tune)
        stages = self._stages(tune, passes, first_seed + seeds)
        goal = self._record(seeds, first_seed)
        vary = self._table("vary")
        for key, values in vary.items():
            if not isinstance(values, list) or not values:
                self._add(("vary", key), f"vary.{key} is no list; expected [value, …]")
        self._settings(("vary",), vary)
        self._check_tables()
        if not methods or not scenarios or self.errors:
            return None
        for kind, listed in (("method", methods), ("scenario", scenarios)):
            for key in self._table(kind):
                if key not in listed:
                    self._add((kind, key), f"[{kind}.{key}] is about none of the {kind}s listed")
        variants = math.prod(len(values) for values in vary.values())
        search = tune.tried + stages.confirm * stages.confirm_seeds if tune else 0
        each = seeds + search * (1 + bool(stages.lucky) * stages.searches)
        each += bool(stages.leaders) * stages.leader_seeds
        try:
            check_count(len(methods) * len(scenarios) * variants * each * max(len(problems), 1))
        except UserError as error:
            self._add(("seeds",), str(error))
            return None
        read = [
            self._cell(method, scenario, point, tune)
            for method in methods
            for scenario in self._scenarios(method, scenarios)
            for point in expand(vary)
        ]
        transfer = self._tree.get("transfer") is True
        cells = [found for cell in read if cell for found in on_problems(cell, problems, transfer)]
        found = tuple(cells)
        paths: dict[Path, CellKey] = {}
        for cell in found:
            file = cell_path(Path(), cell.place)
            if file in paths:
                self._add(("methods",), f"{cell.place.name} in {cell.place.where} is there "
                          "twice, or two names become one file name; rename one")  # fmt: skip
            paths[file] = cell.place
        if goal and tune is None and len(found) > 1:
            self._add(("record",), "[record] of several methods needs [tune]: who of them holds it "
                      "is chosen on held-out images")  # fmt: skip
        return Study(
            name, title, passes, seeds, found, tune, limit, stages, cell_limit, first_seed, goal
        )

    def recipes(self, study: Study) -> list[list[Recipe]]:
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
                where = self._line_of(place.method, place.scenario)
                self.errors.append((where, f"{place.name} in {place.where}: {error}"))
        if study.record:
            self._one_leaderboard(study, found)
        return found

    def _one_leaderboard(self, study: Study, recipes: Sequence[list[Recipe]]) -> None:
        """A record has one, or it would be tried several times."""
        titles = list(dict.fromkeys(
            replace(cell.place, terms=own[0].recorded().size).contest.title
            for cell, own in zip(study.cells, recipes, strict=True)
            if own
        ))  # fmt: skip
        if len(titles) > 1:
            self._add(("record",), "[record] is about one leaderboard; this study has "
                      f"{len(titles)}: {'; '.join(titles)}")  # fmt: skip

    def _cell(
        self, method: str, scenario: str, point: Mapping[str, Any], tune: Tuning | None
    ) -> StudyCell | None:
        own = self._table("method").get(method, {})
        settings = {
            **self._settings(("settings",), self._table("settings")),
            **self._settings(("scenario", scenario), self._table("scenario").get(scenario, {})),
            **self._settings(("method", method, "settings"), own.get("settings", {})),
            **point,
        }
        space: dict[str, Dimension] = {}
        for key, given in own.get("space", {}).items():
            try:
                space[key] = parse_dimension(key, given)
            except UserError as error:
                self._add(("method", method, "space", key), str(error))
        try:
            known_as = canonical(method)
            family, norms = family_of(known_as), norms_of(known_as)
        except UserError as error:
            self.errors.append((self._line_of(method, scenario), str(error)))
            return None
        variant = ", ".join(f"{_short(key, point)}={value}" for key, value in point.items())
        rules = str(settings.get("rules", "strict"))
        place = CellKey(known_as, family, scenario, rules, variant, norms=norms)
        return StudyCell(place, settings, tune and replace(tune, space=space))

    def _problems(self, tune: Tuning | None) -> dict[str, str]:
        """What the file calls the problems, by their names."""
        transfer = self._tree.get("transfer", False)
        if not isinstance(transfer, bool):
            self._add(("transfer",), f"transfer = {short(repr(transfer))}: expected true or false")
        found: dict[str, str] = {}
        for given in self._names("problems") if "problems" in self._tree else [DEFAULT]:
            try:
                name = find_problem(given).name
            except UserError as error:
                self._add(("problems",), str(error))
                continue
            if name in found:
                self._add(("problems",), f"{given} and {found[name]} are one problem")
            found[name] = given
        if transfer is True and (tune is None or len(found) < 2):
            self._add(("transfer",), "transfer = true carries recipes over that [tune] found on "
                      "the first problem; expected [tune], and two problems or more")  # fmt: skip
        return found

    def _settings(self, path: tuple[str, ...], given: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            self._add(path, f"{'.'.join(path)} is no table of settings")
            return {}
        for key in given:
            if key in FIXED:
                self._add((*path, key), f"{key} is no setting here; the study file has its place")
        return _flat({key: value for key, value in given.items() if key not in FIXED})

    def _scenarios(self, method: str, scenarios: Sequence[str]) -> Sequence[str]:
        own = self._table("method").get(method, {})
        self._known(own, METHOD, ("method", method))
        given = own.get("scenarios", scenarios)
        for name in given:
            if name not in scenarios:
                sentence = unknown("scenario of this study", str(name), scenarios)
                self._add(("method", method, "scenarios"), str(sentence))
        return [name for name in given if name in scenarios]

    def _check_tables(self) -> None:
        """[method.NAME] and [scenario.NAME] are tables, and so is what stands in them."""
        parts = (("scenarios", list, "list of names"), ("settings", dict, "table"),
                 ("space", dict, "table of ranges"))  # fmt: skip
        for kind in ("method", "scenario"):
            for name, own in self._table(kind).items():
                if not isinstance(own, dict):
                    self._add((kind, name), f"{kind}.{name} is no table; expected [{kind}.{name}]")
                elif kind == "method":
                    for key, shape, what in parts:
                        if not isinstance(own.get(key, shape()), shape):
                            path = (kind, name, key)
                            self._add(path, f"{'.'.join(path)} is no {what}")

    def _tune(self) -> Tuning | None:
        if "tune" not in self._tree:
            return None
        given = self._table("tune")
        self._known(given, TUNE, ("tune",))
        sampler = given.get("sampler", "sobol")
        if sampler not in SAMPLERS:
            self._add(("tune", "sampler"), str(unknown("sampler", str(sampler), SAMPLERS)))
            sampler = "sobol"
        return Tuning(
            trials=int(self._number(("tune", "trials"), 12, whole=True)),
            passes=self._number(("tune", "passes"), 5.0, most=LONGEST),
            sampler=sampler,
        )

    def _stages(self, tune: Tuning | None, passes: float, seeds: int) -> Stages:
        """What follows on the trials: nothing that is not asked for."""

        def count(table: str, key: str, usual: int) -> int:
            if table not in self._tree or (key == "confirm" and key not in self._table("tune")):
                return 0 if key in ("best", "confirm") else usual
            return int(self._number((table, key), usual, whole=True))

        usual = Stages()
        found = Stages(
            confirm=count("tune", "confirm", 3),
            confirm_seeds=count("tune", "confirm_seeds", usual.confirm_seeds),
            leaders=count("leader", "best", 5),
            leader_seeds=count("leader", "seeds", usual.leader_seeds),
            lucky=count("luck", "best", 8),
            searches=count("luck", "searches", usual.searches),
        )
        for table, known in (("leader", LEADER), ("luck", LUCK)):
            self._known(self._table(table), known, (table,))
            if table in self._tree and not found.confirm:
                self._add((table,), f"[{table}] is about the methods that are best when confirmed; "
                          "expected confirm = 3, or so, in [tune]")  # fmt: skip
        if tune and found.confirm and passes < tune.passes:
            self._add(("tune", "confirm"), f"trials have {tune.passes:g} passes, which cannot be "
                      f"confirmed by the {passes:g} of the final runs")  # fmt: skip
        if found.confirm and max(seeds, found.confirm_seeds, found.leader_seeds) > MOST_SEEDS:
            self._add(("tune", "confirm"), "a study that confirms has at most "
                      f"{MOST_SEEDS:,} seeds in each of its stages")  # fmt: skip
        return found

    def _record(self, seeds: int, first_seed: int) -> Goal | None:
        """The bound that the finals are to beat, with seeds that the search has not had."""
        if "record" not in self._tree:
            return None
        given = self._table("record")
        self._known(given, RECORD, ("record",))
        goal = given.get("goal")
        if not isinstance(goal, str) or not goal.strip():
            self._add(("record", "goal"), "record.goal is missing or no text; expected what it is "
                      'about, in words: goal = "…"')  # fmt: skip
        bounds = {
            key: self._number(("record", key), 1.0, most=most)
            for key, most in (("above", 100), ("below", WHOLE))
            if key in given
        }
        if len(bounds) != 1:
            self._add(("record",), "[record] has one bound; expected above = 90.24, percent of the "
                      "mean test accuracy, or below = 0.25, of the mean test loss")  # fmt: skip
        if seeds < SEEDS:
            self._add(("seeds",), f"seeds = {seeds}: a record needs {SEEDS}")
        if first_seed == 0:
            self._add(("record",), "a record is of seeds that no search has had, and trials have "
                      "seed 0; expected first_seed = 100, or so")  # fmt: skip
        return Goal(str(goal), **bounds) if len(bounds) == 1 else None

    def _table(self, key: str) -> dict[str, Any]:
        given = self._tree.get(key, {})
        if isinstance(given, dict):
            return given
        self._add((key,), f"{key} is no table; expected [{key}]")
        return {}

    def _names(self, key: str) -> list[str]:
        given = self._tree.get(key)
        if isinstance(given, list) and given and all(isinstance(name, str) for name in given):
            for name in {name for name in given if given.count(name) > 1}:
                self._add((key,), f"{name} is listed twice in {key}")
            return given
        self._add((key,), f'{key} is missing or no list of names; expected {key} = ["…", …]')
        return []

    def _get(self, key: str, kind: type, default: Any) -> Any:
        value = self._tree.get(key, default)
        if not isinstance(value, kind):
            self._add((key,), f"{key} = {short(repr(value))}: expected text in quotes")
            return default
        return value

    def _number(
        self, path: tuple[str, ...], default: float, whole: bool = False, most: float = WHOLE
    ) -> float:
        table = self._tree if len(path) == 1 else self._table(path[0])
        value = table.get(path[-1], default)
        good = type(value) is int or (not whole and type(value) is float)
        if good and 0 < value <= most:
            return value if whole else float(value)
        if path != ("limit",) or path[-1] in table:
            expected = "a whole number" if whole else "a number"
            bound = "" if most == WHOLE else f", at most {most:,}"
            sentence = short(repr(value))
            self._add(path, f"{'.'.join(path)} = {sentence}: expected {expected} above 0{bound}")
        return default

    def _known(self, table: Mapping[str, Any], known: set[str], path: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                self._add((*path, key), str(unknown("key", ".".join((*path, key)), known)))

    def _add(self, path: tuple[str, ...], sentence: str) -> None:
        while path and path not in self._where:
            path = path[:-1]
        self.errors.append((self._where.get(path, 1), sentence))

    def _line_of(self, method: str, scenario: str) -> int:
        """Where a cell is from: its method's table, or its name in the list of methods."""
        if (own := ("method", method)) in self._where:
            return self._where[own]
        begin = self._where.get(("methods",), 1)
        quoted = re.compile(rf"[\"']{re.escape(method)}[\"']")
        after = enumerate(self._lines[begin - 1 :], start=begin)
        return next((number for number, line in after if quoted.search(line)), begin)


def _flat(given: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings of parts, `constraint.keep = 0.1`, under dotted names."""
    flat: dict[str, Any] = {}
    for key, value in given.items():
        flat |= (
            _flat(value, f"{prefix}{key}.")
            if isinstance(value, dict) and value
            else {prefix + key: value}
        )
    return flat


def _positions(lines: Sequence[str]) -> dict[tuple[str, ...], int]:
    """The line of every table and key that begins a line (tomllib tells none)."""
    where: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, whole in enumerate(lines, start=1):
        line = whole[:LINE]
        if head := re.match(r"\s*\[([^\[\]]+)\]\s*(#.*)?$", line):
            table = _keys(head[1])
            where.setdefault(table, number)
        elif key := re.match(r"""\s*((?:[\w.\- ]|"[^"]*"|'[^']*')+?)\s*=""", line):
            where.setdefault(table + _keys(key[1]), number)
    return where


def _keys(dotted: str) -> tuple[str, ...]:
    found = re.findall(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w\-]+))\s*\.?""", dotted)
    return tuple(a or b or c for a, b, c in found)


def _short(key: str, point: Mapping[str, Any]) -> str:
    """`keep` for `constraint.keep`, unless another setting that varies is called so as well."""
    last = key.rpartition(".")[2]
    return last if sum(other.rpartition(".")[2] == last for other in point) == 1 else key
