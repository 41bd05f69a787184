"""What a script trained, in words and as a recipe of ours; what a recipe cannot say is said."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe, make_recipe
from lenetlab.experiments.run.build import check_built
from lenetlab.experiments.starter.scripts.record import Loader, Record, Trained
from lenetlab.experiments.starter.scripts.schedule import schedule_of, shown
from lenetlab.methods.lookup import find
from lenetlab.problem.model import SIZE

IMAGES, TEST = 60_000, 10_000
TENSORS = {"ToTensor", "PILToTensor", "ToImage", "ToDtype", "ConvertImageDtype"}  # change no image
# Choices of PyTorch's that change a result by rounding alone.
ROUNDING = {"foreach", "fused", "capturable", "differentiable"}
PAIRS = {  # of PyTorch's, which have two names here
    "betas": ("beta1", "beta2"),
    "etas": ("shrink", "grow"),
    "step_sizes": ("smallest", "largest"),
}
METHODS = {
    "Adam": "adam", "AdamW": "adamw", "Adamax": "adamax", "NAdam": "nadam", "RAdam": "radam",
    "Adagrad": "adagrad", "Adadelta": "adadelta", "RMSprop": "rmsprop", "Rprop": "rprop",
}  # fmt: skip


@dataclass(frozen=True)
class Described:
    """One training of a script.

    words : what was built, part by part.
    recipe, seed : the recipe of ours that is nearest; None where there is none.
    others : what it does that this recipe does not.
    """

    words: list[str]
    recipe: Recipe | None
    seed: int
    others: list[str]


def describe(record: Record) -> list[Described]:
    """Every training of the script: an optimizer that made steps."""
    return [_describe(record, index) for index in range(len(record.trained))]


def test_batch(record: Record) -> int | None:
    """The batch size at which the script measures on the test set; None where that is unclear."""
    sizes = {it.batch_size for it in record.loaders if it.examples == TEST and it.epochs}
    return sizes.pop() if len(sizes) == 1 else None


def _describe(record: Record, index: int) -> Described:
    it = record.trained[index]
    loader = _training_loader(record)
    epochs = _epochs(it, loader)
    others = [*_others_of_net(it), *_others_of_data(record, it, loader)]
    method, settings, more = _method(it)
    others += more
    wrapper, clip, more = _clipping(record, it)
    others += more
    found = schedule_of(record, index, loader.batches if loader else 0)
    others += found.others
    words = list(_words(record, it, loader, epochs, found.words))
    seed = record.seeds[-1] if record.seeds else 0
    if not 0 <= seed < 2**63:
        others.append(f"its seed {seed} is none of a run, which has 0 to 2^63 - 1")
        seed = 0
    recipe = None
    if method is None or epochs is None:
        return Described(words, recipe, seed, others)
    spared, more = _groups(it)
    if spared:
        settings["weight_decay"] = max(group["weight_decay"] for group in it.groups)
    decayed = bool(settings.get("weight_decay"))
    try:
        nearest = make_recipe(
            f"{wrapper}+{method}" if wrapper else method,
            {**settings, **({"lr": found.rate} if "lr" in settings else {}), **clip,
             **{f"schedule.{key}": value for key, value in found.settings.items()}},
            epochs=epochs, batch_size=loader.batch_size if loader else None, schedule=found.name,
            scenario="l2" if decayed else "plain", decay="weights" if spared else "all",
        )  # fmt: skip
        check_built([nearest])
        recipe = nearest
    except UserError as error:
        others.append(f"no recipe can say it: {error}")
    return Described(words, recipe, seed, others + more)


def _training_loader(record: Record) -> Loader | None:
    """The loader that is gone through to train: the shuffled one, else that of most examples."""
    used = [it for it in record.loaders if it.epochs and it.batch_size]
    return max(used, key=lambda it: (it.shuffled, it.examples != TEST, it.examples), default=None)


def _epochs(it: Trained, loader: Loader | None) -> float | None:
    """Sweeps of the data that its steps come to."""
    if loader is None or not loader.batches:
        return None
    whole, rest = divmod(it.steps, loader.batches)
    if not rest:
        return float(whole)
    assert loader.batch_size is not None
    return whole + min(rest * loader.batch_size / loader.examples, 1.0)


def _words(
    record: Record, it: Trained, loader: Loader | None, epochs: float | None, schedule: str
) -> Iterator[str]:
    changed = {
        key: value for key, value in _own(it).items()
        if key != "dimensions" and key not in ROUNDING and key != "initial_lr"
        and (key == "lr" or value != it.defaults.get(key, value))
    }  # fmt: skip
    yield " ".join([it.name, *(f"{key}={shown(value)}" for key, value in changed.items())])
    yield schedule
    for by, bound, _, n in record.clips:
        yield f"gradients clipped by {by} at {bound:g}" + ("" if n else " (never)")
    if loader is not None:
        yield f"batch {loader.batch_size}"
    yield f"{it.steps:,} steps" + ("" if epochs is None else f", {epochs:.4g} epochs")
    yield f"seed {', '.join(map(str, record.seeds))}" if record.seeds else "no seed"
    if it.net is not None:
        kind = "the starter net" if it.net.starter else "not the starter net"
        yield f"{it.net.name} of {it.net.parameters:,} parameters ({kind})"
    if (size := test_batch(record)) is not None:
        yield f"measured at batch {size}"


def _others_of_net(it: Trained) -> Iterator[str]:
    if it.net is None:
        yield "no net was found behind its optimizer"
        return
    if not it.net.starter:
        yield (
            f"its net {it.net.name} ({it.net.parameters:,} parameters) computes something else "
            f"than the starter script ({SIZE:,}), whose results it cannot be compared with"
        )
    elif it.net.start == "own":
        yield "its first weights are drawn in a way of its own"
    if it.parameters < it.net.parameters:
        yield f"it trains {it.parameters:,} of {it.net.parameters:,} parameters"


def _others_of_data(record: Record, it: Trained, loader: Loader | None) -> Iterator[str]:
    if loader is None:
        yield "no DataLoader was seen, so batch size and epochs are not known"
        return
    if loader.examples != IMAGES:
        yield f"it trains on {loader.examples:,} images, not {IMAGES:,}"
    if not loader.shuffled:
        yield "its images are not shuffled"
    if loader.drop_last and loader.examples % (loader.batch_size or 1):
        yield "it leaves out the last batch of every epoch"
    if changes := [name for name in loader.transforms if name not in TENSORS]:
        yield f"its images are changed: {', '.join(changes)}"
    elif (
        it.net
        and it.net.lowest is not None
        and it.net.highest is not None
        and (it.net.lowest < 0 or not 0.5 < it.net.highest <= 1)
    ):
        yield f"its pixels go from {it.net.lowest:.3g} to {it.net.highest:.3g}, not from 0 to 1"
    steps = sum(other.steps for other in record.trained)
    asked = sum(n for _, _, n in record.losses)
    if not asked:
        yield "its loss is not PyTorch's cross-entropy"
    elif asked > 1.5 * steps:
        yield f"it asks for {asked / steps:.3g} losses a step"
    for name, its, _ in record.losses:
        strange = [
            f"{key}={its[key]}"
            for key, usual in (("reduction", "mean"), ("label_smoothing", 0.0), ("weighted", False))
            if its.get(key, usual) != usual
        ]
        if strange:
            yield f"its loss is {name} with {', '.join(strange)}"


def _own(it: Trained) -> dict[str, Any]:
    """The settings of the first parameter group, as they were before anything moved them."""
    return it.groups[0] | {key: it.settings[key] for key in it.moved if key in it.settings}


def _method(it: Trained) -> tuple[str | None, dict[str, Any], list[str]]:
    """Our method and its settings, and what they leave out."""
    group = {key: value for key, value in _own(it).items() if key in it.settings}
    if not it.origin.startswith("torch.optim"):
        return _outside(it, group)
    name = METHODS.get(it.name)
    if it.name == "SGD":
        name = "nesterov" if group["nesterov"] else "heavy_ball" if group["momentum"] else "sgd"
        group.pop("nesterov")
        if name == "sgd":
            group.pop("momentum")
    elif it.name == "Adam" and group["amsgrad"]:
        name = "amsgrad"
        group.pop("amsgrad")
    if name is None:
        return _outside(it, group)
    known = find(name).defaults
    settings: dict[str, Any] = {}
    others = []
    for key, value in group.items():
        if key in ROUNDING:
            continue
        own = PAIRS.get(key, ("beta2",) if (name, key) == ("rmsprop", "alpha") else (key,))
        values = value if len(own) > 1 else [value]
        if all(part in known for part in own):
            settings |= dict(zip(own, values, strict=True))
        elif value != it.defaults.get(key, value):
            others.append(f"{key}={shown(value)} of {it.name}")
    return name, settings, others


def _outside(it: Trained, group: Mapping[str, Any]) -> tuple[str | None, dict[str, Any], list[str]]:
    """An optimizer that is run from where it is."""
    if it.origin == "__main__":
        return None, {}, [
            f"its optimizer {it.name} is written in the script; in a file of its own it can be "
            f"run: lenetlab run FILE.py:{it.name}"
        ]  # fmt: skip
    if it.origin.partition(".")[0] not in packages_distributions():
        # it would have to be imported here, and it is somebody's
        return None, {}, [
            f"its optimizer {it.name} is of {it.origin}, which is no installed package; from a "
            f"file it can be run: lenetlab run FILE.py:{it.name}"
        ]  # fmt: skip
    changed = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in group.items()
        if key not in ROUNDING and value != it.defaults.get(key)
    }
    spec = f"{'torch.optim' if it.origin.startswith('torch.optim') else it.origin}:{it.name}"
    try:
        known = find(spec).defaults
    except UserError as error:
        return None, {}, [f"its optimizer cannot be run from here: {error}"]
    return spec, {key: value for key, value in changed.items() if key in known}, []


def _clipping(record: Record, it: Trained) -> tuple[str | None, dict[str, Any], list[str]]:
    """The wrapper that clips as the script does."""
    used = [clip for clip in record.clips if math.isfinite(clip[1])]  # ∞ only measures the norm
    if not used:
        return None, {}, []
    if len(used) > 1 or used[0][2] != 2.0 or used[0][3] < it.steps:
        return None, {}, ["it clips gradients in a way of its own"]
    name = f"clip_{used[0][0]}"
    return name, {f"{name}.bound": used[0][1]}, []


def _groups(it: Trained) -> tuple[bool, list[str]]:
    """Whether weight decay spares the biases, and what else differs between parameter groups."""
    first = it.groups[0]
    strange = {
        key for group in it.groups[1:] for key in group
        if key != "dimensions" and group[key] != first.get(key)
    }  # fmt: skip
    if strange == {"weight_decay"}:
        matrices = [group for group in it.groups if group["weight_decay"]]
        biases = [group for group in it.groups if not group["weight_decay"]]
        rows = {group["weight_decay"] for group in matrices}
        thin = all(group["dimensions"] == [1] for group in biases)
        thick = all(1 not in group["dimensions"] for group in matrices)
        if len(rows) == 1 and thin and thick:
            return True, []
    differing = ", ".join(sorted(strange))
    return False, [f"its parameter groups differ in {differing}"] if strange else []
