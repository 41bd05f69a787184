"""Search spaces: what is searched together, and that every range makes sense for its method."""

from math import exp, log, sqrt
from pathlib import Path

import pytest

from lenetlab.component import log_uniform
from lenetlab.experiments.run.training import Training
from lenetlab.experiments.tuning.search_space import Pick, at, decay_of, growth, space_of
from lenetlab.experiments.tuning.trials import Tuning, points, trial_recipe, trials
from lenetlab.methods.registry import methods
from lenetlab.methods.wrappers import wrappers
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.data import Split
from tests.methods.drive import CPU, N

SQRT = [m.name for m in methods().values() if m.batch_scaling == "sqrt"]


def _drawn(method: str, tune: Tuning | None = None, **given: object) -> list[tuple[float, int]]:
    """Rates and batch sizes of the recipes at 16 points of a method's space."""
    space = {**space_of(method, "plain", given), **(tune.space if tune else {})}
    found = []
    for u in points("s", len(space), 16):
        recipe = trial_recipe(method, "plain", Tuning(), given, at(space, u))
        found.append((float(recipe.method.settings["lr"]), int(recipe.batch_size)))  # type: ignore[arg-type]
    return found


def _first_dimension(method: str, n: int, dimensions: int) -> list[float]:
    span = methods()[method].space["lr"]
    return [
        exp(log(span.low) + u[0] * (log(span.high) - log(span.low)))
        for u in points("s", dimensions, n)
    ]


@pytest.mark.parametrize(("method", "power"), [("sgd", 0.5), ("adagrad", 0.0), ("sps", 1.0)])
def test_a_drawn_rate_is_scaled_to_the_batch_size_drawn_with_it(method: str, power: float) -> None:
    space = space_of(method, "plain")
    assert next(iter(space)) == "lr"
    drawn = _drawn(method)
    assert {size for _, size in drawn} == {32, 64, 128, 256}
    for own, (lr, size) in zip(_first_dimension(method, 16, len(space)), drawn, strict=True):
        assert lr == pytest.approx(own * (size / 64) ** power, rel=0.011)  # rounded twice


def test_a_drawn_rate_is_scaled_to_a_given_batch_size() -> None:
    space = space_of("adam", "plain", {"batch_size": 256})
    assert "batch_size" not in space
    for own, (lr, size) in zip(
        _first_dimension("adam", 16, len(space)), _drawn("adam", batch_size=256), strict=True
    ):
        assert size == 256
        assert lr == pytest.approx(2 * own, rel=0.011)


@pytest.mark.parametrize(
    "given",
    [{"batch_size": 256}, {"plan.size": 256}, {"plan": "fixed:size=256"}],
    ids=lambda given: next(iter(given)),
)
@pytest.mark.parametrize(
    "course", [{"warmup": 0.3}, {"schedule.warmup": 0.3}, {"schedule": "linear:warmup=0.3"}],
    ids=lambda given: next(iter(given)),
)  # fmt: skip
def test_what_is_given_by_any_of_its_names_is_not_searched(
    given: dict[str, object], course: dict[str, object]
) -> None:
    recipes = trials("s", "adam", "plain", Tuning(6, 1.0), given | course)
    assert [recipe.batch_size for recipe in recipes] == [256] * 7
    assert [recipe.schedule.settings["warmup"] for recipe in recipes] == [0.3] * 7
    by_short_names = trials("s", "adam", "plain", Tuning(6, 1.0), {"batch_size": 256, **course})
    assert recipes == by_short_names


def test_a_given_rate_is_taken_as_it_is() -> None:
    drawn = _drawn("sgd", lr=0.123)
    assert {lr for lr, _ in drawn} == {0.123}
    assert len({size for _, size in drawn}) == 4


def test_a_range_of_the_studys_own_is_at_the_own_batch_size_too() -> None:
    tune = Tuning(space={"lr": log_uniform(0.2, 0.2000001)})
    for lr, size in _drawn("sgd", tune):
        assert lr == pytest.approx(0.2 * sqrt(size / 64), rel=0.011)


def test_inside_a_wrapper_a_rate_is_searched_at_its_share() -> None:
    for entry in wrappers().values():
        inner, alone = (space_of(m, "plain")["lr"] for m in (f"{entry.name}+sgd", "sgd"))
        assert inner.low == pytest.approx(entry.rate * alone.low)  # type: ignore[union-attr]
        assert inner.high == pytest.approx(entry.rate * alone.high)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", list(methods()))
def test_a_search_contains_the_default(name: str) -> None:
    entry = methods()[name]
    for key, span in entry.space.items():
        if key != "weight_decay":
            assert span.low <= entry.defaults[key] <= span.high, key  # type: ignore[operator]


@pytest.mark.parametrize("name", [*methods(), *(f"{name}+sgd" for name in wrappers())])
def test_what_is_drawn_is_allowed_out_to_the_corners(name: str) -> None:
    """Three digits of 0.9997 are 1, which is no decay rate."""
    space = space_of(name, "l2")
    for u in (0.0, 0.999999, 0.97):
        drawn = at(space, [u] * len(space))
        for key, dim in space.items():
            assert isinstance(dim, Pick) or dim.low <= drawn[key] <= dim.high  # type: ignore[operator]
        trial_recipe(name, "l2", Tuning(), {}, drawn)


@pytest.mark.parametrize(
    ("own", "searched"),
    [(64, (32, 64, 128, 256)), (2048, (1024, 2048, 4096)), (10_000, (5_000, 10_000))],
)
def test_a_method_is_searched_at_its_own_batch_size_however_large(
    tmp_path: Path, own: int, searched: tuple[int, ...]
) -> None:
    guest = tmp_path / f"large_{own}.py"
    guest.write_text(f"import torch\n\n\nclass Large(torch.optim.SGD):\n    batch_size = {own}\n")
    assert space_of(f"{guest}:Large", "plain")["batch_size"] == Pick(searched)


@pytest.mark.parametrize("name", SQRT)
def test_what_scales_has_a_rate_and_a_batch_size_that_are_searched(name: str) -> None:
    space = space_of(name, "plain")
    assert "lr" in space
    assert isinstance(space["batch_size"], Pick)
    assert growth(methods()[name], 4 * methods()[name].batch_size) == 2


def test_the_rate_stays_only_where_an_average_is_judged() -> None:
    def stays(method: str) -> bool:
        schedule = space_of(method, "plain").get("schedule")
        return isinstance(schedule, Pick) and "constant" in schedule.values

    averages = {name for name, entry in methods().items() if entry.averages}
    assert averages == {"asgd", "schedule_free_sgd", "schedule_free_adamw"}
    assert {name for name in methods() if stays(name)} == averages
    assert [name for name in wrappers() if stays(f"{name}+sgd")] == [
        name for name, entry in wrappers().items() if entry.kind == "average"
    ]


@pytest.mark.parametrize("name", list(methods()))
def test_what_is_drawn_can_be_begun(name: str, train: Split) -> None:
    """What has no rate has no course of it: such trials were refused when they began."""
    entry, space = methods()[name], space_of(name, "plain")
    assert ("schedule" in space) == ("lr" in entry.defaults)
    assert ("warmup" in space) == ("lr" in entry.defaults and entry.batch_size < 60_000)
    recipe = trial_recipe(name, "plain", Tuning(), {}, at(space, [0.9] * len(space)))
    Training(recipe, 0, N, TorchEngine(train.take(0, N), CPU), CPU)


def test_a_methods_own_range_of_decay_is_searched_where_there_is_decay() -> None:
    entry = methods()["adafactor"]
    assert "weight_decay" not in space_of("adafactor", "plain")
    assert space_of("adafactor", "l2")["weight_decay"] == entry.space["weight_decay"]
    assert decay_of(entry) == entry.space["weight_decay"]
