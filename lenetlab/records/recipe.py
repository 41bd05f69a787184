"""A recipe as it was recorded: read here and by nobody else, in every form that readers need.

What is recorded is the canonical form of `Recipe`, plain values without what is at its default. A
field that a recipe gains is read here, and said here in words, as a command and as arguments.
Needs no torch.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from lenetlab.errors import UserError, short
from lenetlab.problem.problems import DEFAULT
from lenetlab.problem.scenarios import BOUND, recorded_scenario
from lenetlab.settings import Choice, Settings, show

SIZE = 64  # of a batch that a recipe does not mention
UNITS = {"epochs": "epochs", "passes": "effective passes"}  # of a budget, and their long names
PARTS = ("plan", "schedule", "constraint", "initialisation")  # whose settings are `part.name`
Pairs = list[tuple[str, str]]
Plain = bool | str | float | int
FIXED, CONSTANT, STARTER = Choice("fixed"), Choice("constant"), Choice("starter")


@dataclass(frozen=True)
class RecordedRecipe:
    """A recipe without its defaults: every part has the settings that differ from them.

    method : without the wrappers around it; `name` has both.
    budget : its unit and amount.
    constraint : None where all weights are free.
    unknown : names of fields that this version does not know.
    """

    method: Choice
    wrappers: tuple[Choice, ...] = ()
    plan: Choice = FIXED
    schedule: Choice = CONSTANT
    budget: tuple[str, float] = ("epochs", 10)
    scenario: str = "plain"
    rules: str = "strict"
    split: str = "official"
    decay: str = "all"
    constraint: Choice | None = None
    initialisation: Choice = STARTER
    augmentation: tuple[Choice, ...] = ()
    problem: str = DEFAULT
    unknown: tuple[str, ...] = ()

    @classmethod
    def read(cls, canonical: Any) -> "RecordedRecipe":
        """The recipe of a record; `UserError` for what is none."""
        if not isinstance(canonical, Mapping) or "method" not in canonical:
            raise UserError(f"{short(str(canonical))} is no recipe: it has no method")
        found: dict[str, Any] = {}
        for name, value in canonical.items():
            if name in READERS:
                try:
                    found[name] = READERS[name](value)
                except (TypeError, ValueError):
                    raise UserError(
                        f"the recipe's {name} cannot be read, it is {short(str(value))}"
                    ) from None
        _check_counts(found)
        return cls(**found, unknown=tuple(name for name in canonical if name not in READERS))

    @property
    def name(self) -> str:
        """The method with its wrappers around it, as in `ema+sgd`."""
        return "+".join(choice.name for choice in (*self.wrappers, self.method))

    @property
    def from_outside(self) -> bool:
        """Whether the method is somebody's file or module, whose code a record does not bring."""
        return ":" in str(self.method.name)

    @property
    def rate(self) -> float | None:
        """The learning rate; None where it is the registered one, or there is none."""
        return self.method.settings.get("lr")  # type: ignore[return-value]

    @property
    def batch_size(self) -> int:
        """The size of the first batch."""
        return self.plan.settings.get("size", SIZE)  # type: ignore[return-value]

    @property
    def max_nonzeros(self) -> int | None:
        """How many weights of fc1 and fc2 may be nonzero; None without a constraint."""
        if self.constraint is None:
            return None
        return int(self.constraint.settings.get("keep", BOUND))  # type: ignore[arg-type]

    @property
    def size(self) -> str:
        """`765 weights`, where nets are ranked among those of their size alone; else empty."""
        by_size = recorded_scenario(self.scenario).by_size and self.max_nonzeros is not None
        return f"{self.max_nonzeros:,} weights" if by_size else ""

    @property
    def held_out(self) -> bool:
        """Whether it is measured on held-out training images, not on the test set."""
        return self.split == "inner"

    def parts(self) -> dict[str, str]:
        """What it says beside its method, scenario and rules, each part as a person would say it.
        Batch size and budget are always there, the rest where it is not at its default."""
        said = {key: f"{key}={show(value)}" for key, value in self._settings().items()}
        said["batch"] = f"batch {self.batch_size}" + self._growth(str)
        if self.schedule != CONSTANT:
            said["schedule"] = str(self.schedule)
        if self.constraint is not None:
            said["constraint"] = f"under {self.constraint}"
        if self.decay != "all":
            said["decay"] = f"decay of {self.decay} alone"
        if self.initialisation != STARTER:
            said["initialisation"] = f"from {self.initialisation}"
        if self.augmentation:
            said["augmentation"] = self._augment()
        said["budget"] = f"{show(self.budget[1])} {self.budget[0]}"
        return said

    def words(self) -> str:
        """All of it in a line, as in `muon: lr=0.08, batch 512, linear:warmup=0.1, 10 passes`."""
        return f"{self.name}: {', '.join(self.parts().values())}"

    def pairs(self) -> Pairs:
        """As a table of two columns, with room for words."""
        pairs = [] if self.problem == DEFAULT else [("problem", self.problem)]
        pairs.append(("method", _roomy(self.method)))
        pairs += [("around it", _roomy(wrapper)) for wrapper in self.wrappers]
        pairs.append(("batch size", f"{show(self.batch_size)}{self._growth(_roomy)}"))
        if self.schedule != CONSTANT:
            pairs.append(("schedule", _roomy(self.schedule)))
        pairs.append(("budget", f"{self.budget[1]:g} {UNITS[self.budget[0]]}"))
        if self.constraint is not None:
            pairs.append(("constraint", _roomy(self.constraint)))
        if self.decay != "all":
            pairs.append(("decays", self.decay))
        if self.initialisation != STARTER:
            pairs.append(("first weights", _roomy(self.initialisation)))
        if self.augmentation:
            pairs.append(("images", " + ".join(map(_roomy, self.augmentation))))
        return pairs

    def command(
        self, seed: int = 0, seeds: int = 1, numerics: Mapping[str, Any] | None = None
    ) -> str:
        """`lenetlab run …` for a shell: its runs with `seeds` seeds from `seed` up.

        On a machine with the same `numerics` it computes the same bits.
        """
        return shlex.join(["lenetlab", "run", *self._options(seed, seeds, numerics or {})])

    def arguments(self) -> dict[str, Any]:
        """What makes it again: `make_recipe(name, arguments…)`."""
        unit, amount = self.budget
        found = {**self.settings(), unit: amount}
        for name in ("scenario", "rules", "split", "problem"):
            if (word := getattr(self, name)) != _DEFAULTS[name]:
                found[name] = word
        return found

    def settings(self) -> dict[str, Any]:
        """The part of its arguments that a search chooses or is given: all but scenario, rules,
        split, problem and budget."""
        found: dict[str, Any] = self._settings()
        found["batch_size"] = self.batch_size
        found |= _given("plan", _without(self.plan, "size"))
        found |= _given("schedule", _without(self.schedule, "warmup"))
        if "warmup" in self.schedule.settings:
            found["warmup"] = self.schedule.settings["warmup"]
        if self.constraint is not None:
            found |= _given("constraint", self.constraint)
        if self.decay != "all":
            found["decay"] = self.decay
        if self.initialisation != STARTER:
            found |= _given("initialisation", self.initialisation)
        if self.augmentation:
            found["augment"] = self._augment()
        return {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}

    def flat(self) -> dict[str, Plain]:
        """One level of names and plain values, without what is at its default."""
        found: dict[str, Plain] = {}
        for name, value in ((f.name, getattr(self, f.name)) for f in fields(self)):
            if name == "method":
                found |= {"method": value.name, **_plain("", value)}
            elif value == _DEFAULTS[name] or name == "unknown":
                continue
            elif name == "budget":
                found[value[0]] = value[1]
            elif isinstance(value, str):
                found[name] = value
            elif isinstance(value, Choice):
                found |= {name: value.name, **_plain(f"{name}.", value)}
            else:
                found[name] = "+".join(choice.name for choice in value)
                for choice in value:
                    found |= _plain(f"{choice.name}.", choice)
        return found

    def _settings(self) -> dict[str, Any]:
        """Those of the method, and of its wrappers by `wrapper.name`."""
        found = dict(self.method.settings)
        for wrapper in self.wrappers:
            found |= {f"{wrapper.name}.{key}": value for key, value in wrapper.settings.items()}
        return found

    def _growth(self, said: Callable[[Choice], str]) -> str:
        """How the batch grows, behind its size."""
        return "" if self.plan.name == FIXED.name else f", {said(_without(self.plan, 'size'))}"

    def _augment(self) -> str:
        return "+".join(map(str, self.augmentation))

    def _options(self, seed: int, seeds: int, numerics: Mapping[str, Any]) -> Iterator[str]:
        yield self.name
        yield from _set(self._settings())
        yield from _part("plan", self.plan, FIXED, "size", "batch-size", SIZE)
        yield from _part("schedule", self.schedule, CONSTANT, "warmup", "warmup", None)
        yield from (f"--{self.budget[0]}", show(self.budget[1]))
        for name in ("scenario", "rules", "split", "decay", "problem"):
            if (word := getattr(self, name)) != _DEFAULTS[name]:
                yield from (f"--{name}", word)
        if self.constraint is not None:
            yield from ("--constraint", self.constraint.name)
            yield from _set(_prefixed("constraint", self.constraint.settings))
        if self.initialisation != STARTER:
            yield from ("--initialisation", self.initialisation.name)
            yield from _set(_prefixed("initialisation", self.initialisation.settings))
        if self.augmentation:
            yield from ("--augment", self._augment())
        if numerics.get("engine", "native") != "native":
            yield from ("--engine", numerics["engine"])
            if "threads" in numerics:
                yield from ("--threads", str(numerics["threads"]))
        if numerics.get("device", "cpu") != "cpu":
            yield from ("--device", numerics["device"])
        yield from ("--seed", str(seed))
        if seeds > 1:
            yield from ("--seeds", str(seeds))


_DEFAULTS = {field.name: field.default for field in fields(RecordedRecipe)}


def _choice(value: Any) -> Choice:
    name, settings = value
    if not isinstance(name, str) or not isinstance(settings, Mapping):
        raise TypeError
    return Choice(name, settings)


def _choices(value: Any) -> tuple[Choice, ...]:
    return tuple(map(_choice, value))


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _budget(value: Any) -> tuple[str, float]:
    unit, amount = value
    if unit not in UNITS or isinstance(amount, bool) or not isinstance(amount, int | float):
        raise ValueError
    return unit, amount


READERS: Mapping[str, Callable[[Any], object]] = {
    "method": _choice, "wrappers": _choices, "plan": _choice, "schedule": _choice,
    "budget": _budget, "scenario": _word, "rules": _word, "split": _word, "decay": _word,
    "constraint": _choice, "initialisation": _choice, "augmentation": _choices, "problem": _word,
}  # fmt: skip


def _check_counts(found: Mapping[str, Any]) -> None:
    """The two settings that are read here as numbers are numbers."""
    for part, name in (("plan", "size"), ("constraint", "keep")):
        value = found[part].settings.get(name, 1) if part in found else 1
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"the recipe's {part}.{name} is no number, it is {short(str(value))}")


def _without(choice: Choice, setting: str) -> Choice:
    rest = {key: value for key, value in choice.settings.items() if key != setting}
    return Choice(choice.name, rest)


def _prefixed(part: str, settings: Settings) -> dict[str, Any]:
    return {f"{part}.{key}": value for key, value in settings.items()}


def _given(part: str, choice: Choice) -> dict[str, Any]:
    return {part: choice.name, **_prefixed(part, choice.settings)}


def _roomy(choice: Choice) -> str:
    given = ", ".join(f"{key} = {show(value)}" for key, value in choice.settings.items())
    return f"{choice.name} ({given})" if given else choice.name


def _part(
    part: str, choice: Choice, usual: Choice, own: str, option: str, default: Any
) -> Iterator[str]:
    """Plan or schedule on a command line; its setting `own` has an `option` of its own."""
    if choice.name != usual.name:
        yield from (f"--{part}", choice.name)
    value = choice.settings.get(own, default)
    if value is not None:
        yield from (f"--{option}", show(value))
    yield from _set(_prefixed(part, _without(choice, own).settings))


def _set(settings: Settings) -> Iterator[str]:
    for name, value in settings.items():
        yield from ("--set", f"{name}={show(value)}")


def _plain(prefix: str, choice: Choice) -> dict[str, Plain]:
    return {
        f"{prefix}{key}": value if isinstance(value, bool | str | float | int) else str(value)
        for key, value in choice.settings.items()
    }
