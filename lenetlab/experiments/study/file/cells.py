"""The cells of a study file: a method, a scenario and a point of what varies, with its settings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from lenetlab.errors import UserError, unknown
from lenetlab.experiments.recipe.one_name import over
from lenetlab.experiments.recipe.recipe import expand
from lenetlab.experiments.study.file.given import FIXED, Given
from lenetlab.experiments.study.model import StudyCell
from lenetlab.experiments.tuning.search_space import Dimension, is_count, parse_dimension
from lenetlab.experiments.tuning.trials import Tuning
from lenetlab.methods.lookup import canonical, family_of, norms_of
from lenetlab.records.contest import CellKey
from lenetlab.settings import show

PARTS = (("scenarios", list, "list of names"), ("settings", dict, "table"),
         ("space", dict, "table of ranges"))  # fmt: skip


def check_tables(given: Given) -> None:
    """[method.NAME] and [scenario.NAME] are tables, and so is what stands in them."""
    for kind in ("method", "scenario"):
        for name, own in given.table(kind).items():
            if not isinstance(own, dict):
                given.add((kind, name), f"{kind}.{name} is no table; expected [{kind}.{name}]")
            elif kind == "method":
                for key, shape, what in PARTS:
                    if not isinstance(own.get(key, shape()), shape):
                        path = (kind, name, key)
                        given.add(path, f"{'.'.join(path)} is no {what}")


def varied(given: Given) -> dict[str, Any]:
    """[vary]: a list of values for every setting that varies."""
    found = given.table("vary")
    for key, values in found.items():
        if not isinstance(values, list) or not values:
            given.add(("vary", key), f"vary.{key} is no list; expected [value, …]")
    given.settings(("vary",), found)
    return found


def cells(
    given: Given,
    methods: Sequence[str],
    scenarios: Sequence[str],
    vary: Mapping[str, Any],
    tune: Tuning | None,
) -> Iterator[StudyCell]:
    """Every cell that there can be, on the first problem."""
    for method in methods:
        for scenario in _scenarios(given, method, scenarios):
            for point in expand(vary):
                if (cell := _cell(given, method, scenario, point, tune)) is not None:
                    yield cell


def _scenarios(given: Given, method: str, scenarios: Sequence[str]) -> Sequence[str]:
    asked = given.of_method(method).get("scenarios", scenarios)
    if not asked and scenarios:
        given.add(("method", method, "scenarios"), f"{method} has no scenario; leave it out")
    for name in asked:
        if name not in scenarios:
            sentence = unknown("scenario of this study", str(name), scenarios)
            given.add(("method", method, "scenarios"), str(sentence))
    return [name for name in asked if name in scenarios]


def _cell(
    given: Given, method: str, scenario: str, point: Mapping[str, Any], tune: Tuning | None
) -> StudyCell | None:
    own = given.of_method(method)
    tables = (
        given.settings(("settings",), given.table("settings")),
        given.settings(("scenario", scenario), given.table("scenario").get(scenario, {})),
        given.settings(("method", method, "settings"), own.get("settings", {})),
        point,
    )
    try:
        settings = reduce(over, tables)
        known_as = canonical(method)
        family, norms = family_of(known_as), norms_of(known_as)
    except UserError as error:
        given.add_of_cell(method, str(error))
        return None
    space: dict[str, Dimension] = {}
    for key, range_ in own.get("space", {}).items():
        if key in FIXED | {"rules"}:  # a leaderboard has one of each
            given.add(
                ("method", method, "space", key), f"{key} is nothing that a search may choose"
            )
            continue
        try:
            space[key] = parse_dimension(key, range_, is_count(known_as, key))
        except UserError as error:
            given.add(("method", method, "space", key), str(error))
    variant = ", ".join(f"{_short(key, point)}={show(value)}" for key, value in point.items())
    rules = str(settings.get("rules", "strict"))
    place = CellKey(known_as, family, scenario, rules, variant, norms=norms)
    return StudyCell(place, settings, tune and replace(tune, space=space))


def _short(key: str, point: Mapping[str, Any]) -> str:
    """`keep` for `constraint.keep`, unless another setting that varies is called so as well."""
    last = key.rpartition(".")[2]
    return last if sum(other.rpartition(".")[2] == last for other in point) == 1 else key
