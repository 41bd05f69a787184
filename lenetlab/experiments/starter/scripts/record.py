"""What was seen of a script while it ran, as plain values that pass from its process to ours."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Net:
    """The module that an optimizer trains.

    starter : whether it computes what the starter script's net computes.
    start : `starter` if its first weights are the starter script's at `seed`, `default` if they
        are drawn as PyTorch draws them, else `own`.
    lowest, highest : of the pixels it was given.
    """

    name: str
    parameters: int
    starter: bool = False
    start: str = "own"
    lowest: float | None = None
    highest: float | None = None


@dataclass
class Trained:
    """An optimizer that made steps.

    origin : the module of its class. defaults : of its class.
    groups : settings of each parameter group before the first step, without the parameters;
        `dimensions` of its parameters beside them.
    rates : of the first group, (step, rate) where it changed, from step 0 on.
    moved : other settings of the first group that changed while it ran.
    """

    name: str
    origin: str
    settings: dict[str, Any]
    defaults: dict[str, Any]
    groups: list[dict[str, Any]]
    parameters: int
    steps: int = 0
    rates: list[tuple[int, float]] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    net: Net | None = None


@dataclass
class Scheduler:
    """A scheduler of the optimizer number `of`, how often it was stepped, and those inside it.

    settings, defaults : what it was built with, and what it would be by itself.
    """

    name: str
    settings: dict[str, Any]
    defaults: dict[str, Any]
    of: int | None
    stepped: int
    inside: list[int] = field(default_factory=list)


@dataclass
class Loader:
    """A `DataLoader`: `epochs` were begun; `transforms` by the names of their classes."""

    batch_size: int | None
    examples: int
    batches: int
    shuffled: bool
    drop_last: bool
    transforms: list[str]
    epochs: int = 0


@dataclass
class Record:
    """All that was seen.

    seeds : given to PyTorch's generator, in order.
    clips : gradient clipping: `norm` or `value`, bound, kind of norm, and how often.
    losses : loss functions that were differentiated: name, its settings, and how often.
    error : what ended the script: type, text, and the line in it.
    """

    trained: list[Trained] = field(default_factory=list)
    schedulers: list[Scheduler] = field(default_factory=list)
    loaders: list[Loader] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    clips: list[tuple[str, float, float, int]] = field(default_factory=list)
    losses: list[tuple[str, dict[str, Any], int]] = field(default_factory=list)
    error: tuple[str, str, int | None] | None = None


def record_of(tree: dict[str, Any]) -> Record:
    """A record back from `dataclasses.asdict`."""
    trained = [
        Trained(**{**it, "net": it["net"] and Net(**it["net"])}) for it in tree.pop("trained")
    ]
    schedulers = [Scheduler(**it) for it in tree.pop("schedulers")]
    loaders = [Loader(**it) for it in tree.pop("loaders")]
    return Record(trained, schedulers, loaders, **tree)
