"""A recipe: everything that decides a training except the seed. Frozen, validated, hashed.

The canonical form leaves out every field and setting that is at its default, so that a field
added later changes no old hash.
"""

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenetlab.errors import UserError, short, unknown
from lenetlab.experiments.recipe.batch_plans import choose_plan
from lenetlab.experiments.recipe.initialisations import choose_initialisation, find_initialisation
from lenetlab.experiments.recipe.one_name import one_name
from lenetlab.experiments.recipe.schedules import choose_schedule
from lenetlab.methods.constraint import check_constraint, find_constraint, make_constraint
from lenetlab.methods.decay import DECAYED, USUAL_DECAY
from lenetlab.methods.lookup import find
from lenetlab.methods.lookup import split as split_names
from lenetlab.methods.wrappers import check_nesting, find_wrapper, inside
from lenetlab.phrases import in_units
from lenetlab.problem.augmentation import choose_augmentation
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import DEFAULT, FASHION_MNIST, Problem
from lenetlab.problem.scenarios import (
    check_keep,
    check_scenario,
    find_scenario,
    refuse_other_loss,
)
from lenetlab.records.recipe import CONSTANT, FIXED, PARTS, STARTER, UNITS, RecordedRecipe
from lenetlab.settings import WHOLE, Choice, Settings, Value, parse_choice, resolve

NONE = Choice("none")
SPLITS = ("official", "inner")
LONGEST = 1_000_000  # passes or epochs: half a year of the starter script
MOST_RUNS = 250_000  # in one plan; the runs of one are held in memory, 10 kB each


@dataclass(frozen=True)
class Budget:
    """How long to train.

    `passes` : effective passes charged, the fair measure between methods.
    `epochs` : sweeps of the data order, for methods that ask once a step.
    """

    amount: float = 10.0
    unit: str = "epochs"

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise unknown("budget", self.unit, UNITS)
        if not (math.isfinite(self.amount) and self.amount > 0):
            raise UserError(f"{self.unit}={self.amount:g} is out of range; expected a number > 0")
        if self.amount > LONGEST:
            raise UserError(
                f"{self.unit}={self.amount:g} is out of range; expected at most {LONGEST:,}"
            )

    def __str__(self) -> str:
        return in_units(self.amount, self.unit)


@dataclass(frozen=True)
class Recipe:
    """A method, the parts composed with it, the rules it is trained under, and a budget.

    wrappers : at most an average, an update and an estimator, the outer first.
    constraint : keeps the net in scenario sparse or on the frontier.
    decay : what weight decay is for, `all` as in the starter script, or `weights` alone.
    augmentation : of the training images, under the rules `open`.
    initialisation : where the weights begin; `starter` as the script draws them.
    split : `official` trains on all 60,000 images and measures on the test set, `inner` trains
        on the first 50,000 and measures on the last 10,000 training images (of another problem on
        as large a part, five sixths and one).
    problem : the images.
    """

    method: Choice
    plan: Choice
    schedule: Choice
    budget: Budget = Budget()
    scenario: str = "plain"
    rules: str = "strict"
    split: str = "official"
    wrappers: tuple[Choice, ...] = ()
    constraint: Choice = NONE
    initialisation: Choice = STARTER
    augmentation: tuple[Choice, ...] = ()
    decay: str = "all"
    problem: Problem = FASHION_MNIST

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise unknown("split", self.split, SPLITS)
        entry = find(self.method.name)
        check_nesting([choice.name for choice in self.wrappers], entry)
        usual = USUAL_DECAY[entry.decay]
        find_initialisation(self.initialisation.name)
        if self.decay not in DECAYED:
            raise unknown("decay", self.decay, DECAYED)
        constrained = self.constraint.name != "none"
        check_scenario(
            self.scenario, self.rules, self.weight_decay, constrained, bool(self.augmentation),
            usual,
        )  # fmt: skip
        if self.decay != "all" and self.weight_decay == 0:
            raise UserError(
                f"decay={self.decay} says what decays, and nothing does; add --scenario l2 --set "
                f"weight_decay={usual:g}, or leave --decay out"
            )
        if self.max_nonzeros is not None:
            check_constraint(self.constraint.name, entry)
            for choice in self.wrappers:
                check_constraint(self.constraint.name, find_wrapper(choice.name))
            make_constraint(self.constraint)  # refuses settings that do not go together
            check_keep(self.scenario, self.max_nonzeros)

    @property
    def weight_decay(self) -> float:
        """λ, whoever applies it: the method itself, or the oracle for a method that cannot."""
        return float(self.method.settings.get("weight_decay") or 0.0)  # type: ignore[arg-type]

    @property
    def max_nonzeros(self) -> int | None:
        """How many weights of fc1 and fc2 may be nonzero; None where nothing is constrained."""
        keep = self.constraint.settings.get("keep")
        return None if keep is None else int(keep)  # type: ignore[arg-type]

    @property
    def batch_size(self) -> int:
        """The size of the first batch."""
        return int(self.plan.settings["size"])  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """The method with its wrappers around it, as in `ema+sgd`."""
        return "+".join(choice.name for choice in (*self.wrappers, self.method))

    def recorded(self) -> RecordedRecipe:
        """As readers of its record have it."""
        return RecordedRecipe.read(self.canonical())

    def canonical(self) -> dict[str, Any]:
        """The recipe as plain values, without what is at its default."""
        fields: dict[str, Any] = {"method": [self.method.name, self.method.changed()]}
        if self.wrappers:
            fields["wrappers"] = [[choice.name, choice.changed()] for choice in self.wrappers]
        for name, usual in (("plan", FIXED), ("schedule", CONSTANT)):
            part: Choice = getattr(self, name)
            if part.name != usual.name or part.changed():
                fields[name] = [part.name, part.changed()]
        if self.budget != Budget():
            fields["budget"] = [self.budget.unit, self.budget.amount]
        for name in ("scenario", "rules", "split", "decay"):
            if getattr(self, name) != getattr(Recipe, name):
                fields[name] = getattr(self, name)
        if self.constraint.name != "none":
            fields["constraint"] = [self.constraint.name, self.constraint.changed()]
        if self.initialisation != STARTER:
            fields["initialisation"] = [self.initialisation.name, self.initialisation.changed()]
        if self.augmentation:
            fields["augmentation"] = [[part.name, part.changed()] for part in self.augmentation]
        if not self.problem.default:
            fields["problem"] = self.problem.name
        return fields

    def label(self) -> str:
        """Wrappers, method, constraint and what was changed of them, for a person."""
        text = "+".join(str(choice) for choice in (*self.wrappers, self.method))
        return text if self.constraint.name == "none" else f"{text} under {self.constraint}"


def make_recipe(
    method: str,
    settings: Settings | None = None,
    *,
    epochs: float | None = None,
    passes: float | None = None,
    batch_size: int | None = None,
    plan: str = "fixed",
    schedule: str = "constant",
    warmup: float | None = None,
    scenario: str = "plain",
    rules: str = "strict",
    split: str = "official",
    constraint: str = "none",
    decay: str = "all",
    initialisation: str = "starter",
    augment: str = "none",
    problem: str | Path = DEFAULT,
) -> Recipe:
    """A validated recipe from what a user writes; every mistake is a `UserError`.

    method : a name, `file.py:Class` or `module:Class`, inside wrappers, the outer first:
        `"ema+svrg+sgd"`.
    settings : the method's hyperparameters, else its defaults (inside a wrapper with a rate of its
        own, the registered rate times that); a key `part.name` sets `name` of the part `plan`,
        `schedule`, `constraint` or of a wrapper, as in `{"sam.rho": 0.1}`.
    epochs, passes : the budget, one of them: sweeps of the data order, or effective passes (60,000
        example gradients each). Ten epochs if neither is given.
    batch_size : examples, 1 to 60,000; the method's own if None.
    plan : `fixed`, `geometric` or `norm_test`: how the batch grows. Like the other parts it may
        carry settings: `"geometric:factor=2,every=1"`.
    schedule : of the rate: `constant`, `step`, `multi-step`, `1/t`, `linear`, `polynomial`,
        `cosine`, `restarts`, `one-cycle` or `plateau`.
    warmup : share of the budget, 0 to 1, over which the rate first rises (from 0, or from the share
        `schedule.warmup_from` of itself).
    scenario : `plain`, `l2`, `sparse`, `sparse+l2`, `frontier` or `frontier+l2`.
    rules, augment : `strict`; or `open`, and changes of the training images:
        `"flip+shift:pixels=2"`.
    split : `official`, or `inner` for choosing settings: trained on the first 50,000 training
        images, measured on the last 10,000.
    constraint : what keeps the net sparse: `"magnitude"`, `"iht:keep=0.05"`.
    decay : what weight decay is for: `all`, or `weights`, biases left out.
    initialisation : where the weights begin: `starter`, `orthogonal`, `lsuv` or `scaled`, as in
        `"scaled:fc=0.5"`.
    problem : the images: `fashion-mnist`, `mnist`, `kmnist`, `emnist-digits`, or the path of a
        folder with four IDX files.
    """
    for name in settings or {}:
        if not isinstance(name, str):
            raise UserError(f"{short(repr(name))} is no name of a setting; expected a word")
        refuse_other_loss(name)
    for name, word in {
        "plan": plan, "schedule": schedule, "scenario": scenario, "rules": rules, "split": split,
        "constraint": constraint, "decay": decay, "initialisation": initialisation,
        "augment": augment,
        "problem": str(problem) if isinstance(problem, Path) else problem,
    }.items():  # fmt: skip
        if not isinstance(word, str):  # study files and `--set` may give anything
            raise UserError(f"{name}={short(str(word))} is not allowed; expected a word")
    one_name(
        {"plan": plan, "batch_size": batch_size, "schedule": schedule, "warmup": warmup}
        | {"constraint": constraint, "initialisation": initialisation, **(settings or {})}
    )
    names, method = split_names(method)
    around = [find_wrapper(name) for name in names]
    own, parts = _sort(settings or {}, [*PARTS, *names])
    entry = find(method)
    weight_decay = None
    if entry.decay == "none" and "weight_decay" in own and find_scenario(scenario).decays:
        weight_decay = own.pop("weight_decay")
    chosen = inside(names, entry).settings(own)
    if weight_decay is not None:
        chosen = _with_l2(chosen, weight_decay)

    plan_name, plan_settings = parse_choice(plan)
    plan_settings |= parts["plan"]
    if batch_size is not None:
        plan_settings["size"] = batch_size
    plan_settings.setdefault("size", entry.batch_size)
    schedule_name, schedule_settings = parse_choice(schedule)
    schedule_settings |= parts["schedule"]
    if warmup is not None:
        schedule_settings["warmup"] = warmup
    return Recipe(
        method=chosen,
        plan=choose_plan(plan_name, plan_settings),
        schedule=choose_schedule(schedule_name, schedule_settings),
        budget=_budget(epochs, passes),
        scenario=scenario,
        rules=rules,
        split=split,
        wrappers=tuple(entry.settings(parts[entry.name]) for entry in around),
        constraint=_constraint(constraint, parts["constraint"]),
        initialisation=choose_initialisation(initialisation, parts["initialisation"]),
        decay=decay,
        augmentation=choose_augmentation(augment),
        problem=find_problem(problem),
    )


# What `make_recipe` takes beside the method and its hyperparameters.
OPTIONS = tuple(inspect.signature(make_recipe).parameters)[2:]


def recipe_from(method: str, given: Mapping[str, Any]) -> Recipe:
    """`make_recipe` of hyperparameters and options in one mapping, as commands, study files and
    searches have them."""
    options = {name: value for name, value in given.items() if name in OPTIONS}
    settings = {name: value for name, value in given.items() if name not in options}
    return make_recipe(method, settings, **options)


def settable(method: str) -> list[str]:
    """The names of a method's hyperparameters, in or out of wrappers, and `part.` for every part of
    a recipe whose settings can be given."""
    names, base = split_names(method)
    parts = [f"{part}." for part in (*PARTS, *names)]
    return [*dict.fromkeys([*find(base).defaults, "weight_decay"]), *parts]


def _sort(
    settings: Settings, known: Sequence[str]
) -> tuple[dict[str, Value], Mapping[str, dict[str, Value]]]:
    """Hyperparameters of the method, and settings of the parts by part."""
    own: dict[str, Value] = {}
    parts: dict[str, dict[str, Value]] = {part: {} for part in known}
    for key, value in settings.items():
        part, dot, name = key.partition(".")
        if not dot:
            own[key] = value
        elif part in parts:
            parts[part][name] = value
        else:
            raise unknown("part of a recipe", part, parts)
    return own, parts


def _with_l2(chosen: Choice, weight_decay: Value) -> Choice:
    """The method's settings and the λ that the oracle will add to the objective for it."""
    extra = resolve("objective", "l2", {"weight_decay": 0.0}, {"weight_decay": weight_decay})
    return Choice(
        chosen.name,
        {**chosen.settings, **extra.settings},
        {**chosen.defaults, **extra.defaults},
    )


def _constraint(spec: str, settings: Settings) -> Choice:
    name, given = parse_choice(spec)
    given |= settings
    if name != "none":
        return find_constraint(name).settings(given)
    if given:
        raise UserError(
            f"constraint.{next(iter(given))} is set but there is no constraint; add --constraint "
            "NAME, as in --constraint magnitude"
        )
    return NONE


def _budget(epochs: float | None, passes: float | None) -> Budget:
    if epochs is not None and passes is not None:
        raise UserError("a budget is given in epochs or in passes, not both; leave one out")
    for unit, amount in (("passes", passes), ("epochs", epochs)):
        if amount is not None:
            if isinstance(amount, bool) or not isinstance(amount, int | float):
                raise UserError(f"{unit}={short(str(amount))} is not a number; expected one > 0")
            return Budget(float(amount if isinstance(amount, float) else min(amount, WHOLE)), unit)
    return Budget()


def check_count(runs: int) -> None:
    """Refuse a plan that no machine will ever compute, before it is built."""
    if runs > MOST_RUNS:
        count = f"{runs:,}" if runs < WHOLE else "more than 10^18"
        raise UserError(f"this comes to {count} runs; expected at most {MOST_RUNS:,} in one plan")


def expand(vary: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the varied values, the last name varying fastest."""
    check_count(math.prod(len(values) for values in vary.values()))
    grid: list[dict[str, Any]] = [{}]
    for name, values in vary.items():
        grid = [{**point, name: value} for point in grid for value in values]
    return grid
