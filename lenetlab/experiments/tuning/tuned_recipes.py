"""Tuned recipes: what a search found best for a method in a scenario, used where it is asked for.

    lenetlab/tuned.json   of the study that is kept with the package: what that study left in its
                          own <out>/tuned.json; of methods that it has not reached yet, from the
                          one before it, `course-1`, whose recipes were not confirmed
    <out>/tuned.json      of the user's own `lenetlab tune` and `lenetlab study`; goes before the
                          package's

Both are {method: {scenario: entry}}; a scenario on another problem than Fashion-MNIST is called
`plain on mnist`, and one in which images may be changed `plain, open`. A recipe takes the place of
a kept one only if it did better on the held-out images and was searched no less.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from lenetlab.analysis.cost import total
from lenetlab.disk import locked, make_folder, read_json, replace_json
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.one_name import over
from lenetlab.methods.lookup import find, split
from lenetlab.phrases import count, in_units
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.contest import located
from lenetlab.records.recipe import PARTS
from lenetlab.records.shapes import misfit, shape_of

FILE = "tuned.json"
PACKAGE = Path(__file__).parents[2] / FILE
SEARCH = "tune"  # the name of a search that belongs to no study; seeds its trials


@dataclass(frozen=True)
class Tuned:
    """A recipe and where it is from.

    settings : arguments of `make_recipe`, all but scenario, rules, problem, split and
        budget.
    study : in which it was found. trials, passes : how many were tried, at which price each.
    held_out, loss : of its trial, on held-out training images.
    budget, confirmed : the effective passes for which it was run again with `seeds` fresh seeds,
        and the mean held-out accuracy there; None where that was not done.
    confirmations : how many such runs the search had, of other recipes too.
    pass_seconds : CPU seconds of an effective pass, over trials and finals, where it was computed.
    code : the digest of the sources that were tuned, of a method that is somebody's.
    """

    settings: Mapping[str, Any]
    study: str
    trials: int
    passes: float
    held_out: float
    loss: float
    pass_seconds: float | None = None
    budget: float | None = None
    confirmed: float | None = None
    seeds: int = 0
    confirmations: int = 0
    code: str = ""

    @property
    def effort(self) -> float:
        """Effective passes of the whole search."""
        return self.trials * self.passes + self.confirmations * (self.budget or 0.0)

    @property
    def length(self) -> float:
        """The effective passes for which it was chosen."""
        return self.passes if self.budget is None else self.budget

    @property
    def figure(self) -> tuple[bool, float]:
        """What it is ordered by: a confirmed recipe goes before one that came out best once."""
        if self.confirmed is None:
            return False, self.held_out
        return True, self.confirmed

    @property
    def search(self) -> str:
        """How it was found."""
        by = "lenetlab tune" if self.study == SEARCH else f"the study {self.study}"
        return f"{count(self.trials, 'trial')} of {in_units(self.passes)} by {by}"

    def __str__(self) -> str:
        said = f"best of {self.search}, {self.held_out:.2f} % on held-out images"
        if self.confirmed is None or self.budget is None:
            return said
        return (
            f"{said}; confirmed by {count(self.seeds, 'fresh seed')} of "
            f"{in_units(self.budget)}, {self.confirmed:.2f} % in the mean"
        )


def kept_as(scenario: str, problem: str = DEFAULT, rules: str = "strict") -> str:
    """What the files call a scenario: `plain`, `plain on mnist`, `plain, open`."""
    return located(scenario, problem) + ("" if rules == "strict" else f", {rules}")


def find_tuned(method: str, scenario: str, out: Path | None = None) -> Tuned | None:
    """The recipe kept for a method (with its wrappers) in a scenario, as `kept_as` calls it; the
    user's own, in `out`, before the package's. None if there is none, or it is of other code than
    the method's is now."""
    for path in ([] if out is None else [out / FILE]) + [PACKAGE]:
        entry = _read(path).get(method, {}).get(scenario)
        if entry is not None:
            try:
                found = Tuned(**entry)
                wrong = misfit(asdict(found), shape_of(Tuned), "it")
            except TypeError as error:
                wrong = str(error)
            if wrong:
                raise UserError(
                    f"{path}: the entry of {method} in {scenario} is none ({wrong}); delete it and "
                    "tune again"
                )
            if not found.code or found.code == find(split(method)[1]).source:
                return found
    return None


def fill(given: Mapping[str, Any], recipe: Tuned) -> dict[str, Any]:
    """The settings of `recipe` with those given in their place, by whatever name. A plan, schedule
    or constraint that is given comes with its own settings, not with the old one's; batch size and
    warm-up are settings beside it, and stay."""
    replaced = tuple(f"{part}." for part in PARTS if part in given)
    own = {k: v for k, v in recipe.settings.items() if not (replaced and k.startswith(replaced))}
    return over(own, given)


def save_tuned(path: Path, found: Mapping[tuple[str, str], Tuned]) -> None:
    """Write entries into `path`, by method and scenario; the others in it stay."""
    if not found:
        return
    entries = _read(path)
    for (method, scenario), recipe in found.items():
        entry = asdict(recipe)
        if not recipe.code:
            del entry["code"]
        entries.setdefault(method, {})[scenario] = entry
    ordered = {m: dict(sorted(entries[m].items())) for m in sorted(entries)}
    make_folder(path.parent)
    replace_json(path, ordered)


def kept_of(results: Results) -> dict[tuple[str, str], Tuned]:
    """The recipe chosen in every tuned cell of a study that has nothing given beforehand (a variant
    is somebody's question, not a default)."""
    found = {}
    for cell in results.cells:
        recipe = winner(results, cell)
        place = cell.place
        if recipe is not None and not place.variant:
            found[place.method, kept_as(place.scenario, place.problem, place.rules)] = recipe
    return found


@dataclass(frozen=True)
class Settled:
    """What becomes of a recipe that was found, beside the one that was kept `before`, if any."""

    found: Tuned
    before: Tuned | None

    @property
    def kept(self) -> bool:
        """Whether it is the one that is kept: the first, or better and searched no less. Both
        figures are of the same images, the last 10,000 for training."""
        found, before = self.found, self.before
        if before is None:
            return True
        better = found.figure > before.figure or found.settings == before.settings
        return better and found.effort >= before.effort

    def __str__(self) -> str:
        before = self.before
        if before is None or (self.kept and self.found.settings == before.settings):
            return f"kept, {self.found}"
        sentence = f"{self.found}; before, {before}"
        if self.kept:
            return f"kept in the place of another, better and searched no less: {sentence}"
        worse = self.found.figure <= before.figure
        less = self.found.effort < before.effort
        why = " and ".join(["no better"] * worse + ["searched less"] * less)
        return f"not kept, {why}: {sentence}"


def settle(out: Path, found: Mapping[tuple[str, str], Tuned]) -> dict[tuple[str, str], Settled]:
    """Keep those of `found`, by method and scenario, that take the place of what is kept, here or
    in the folder `out`; what became of each."""
    with locked(make_folder(out) / FILE):
        settled = {key: Settled(recipe, find_tuned(*key, out)) for key, recipe in found.items()}
        save_tuned(out / FILE, {key: one.found for key, one in settled.items() if one.kept})
    return settled


def winner(results: Results, cell: Cell) -> Tuned | None:
    """The recipe that was chosen in a cell; None where there is none."""
    best = cell.best
    if best is None or best.accuracy is None or best.loss is None:
        return None
    found = Tuned(
        best.recorded.settings(),
        results.name,
        len(cell.trials),
        results.tuning_passes,
        best.accuracy,
        round(best.loss, 6),
        _pass_seconds(cell),
        code=_code(best, split(cell.place.method)[1]),
    )
    if not cell.confirmations:
        return found
    again = [row.accuracy for row in cell.held_out if row.accuracy is not None]
    return replace(
        found,
        budget=results.passes,
        confirmed=round(fmean(again), 4),
        seeds=len(again),
        confirmations=len(cell.confirmations),
    )


def _code(row: RunRow, method: str) -> str:
    """The digest that a row's numerics have of the sources of its method; empty for a resident."""
    of_package = row.numerics.get("plug_ins", {}).get(method, {})
    return str(row.numerics.get("source_sha256") or of_package.get("source_sha256", ""))


def _pass_seconds(cell: Cell) -> float | None:
    done = [row for row in cell.rows if row.done]
    passes, seconds = total(row.passes for row in done), total(row.cpu_seconds for row in done)
    return round(seconds / passes, 4) if passes and seconds is not None else None


def usual_pass_seconds() -> dict[str, float]:
    """What an effective pass of a method took in the study kept with the package, by method: the
    mean over its scenarios."""
    found = {
        method: [s for entry in scenarios.values() if (s := entry.get("pass_seconds")) is not None]
        for method, scenarios in _read(PACKAGE).items()
    }
    return {method: fmean(seconds) for method, seconds in found.items() if seconds}


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    entries = read_json(path, "delete it and tune again")
    if not isinstance(entries, dict) or not all(isinstance(v, dict) for v in entries.values()):
        raise UserError(f"{path} holds no tuned recipes; delete it and tune again")
    return entries
