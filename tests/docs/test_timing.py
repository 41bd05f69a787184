"""What the benchmarks' clocks are read for."""

import sys
from itertools import count
from types import SimpleNamespace

from .blocks import ROOT

sys.path[:0] = [str(ROOT / "benchmarks")]
import recipes_cost
import timing

from lenetlab.experiments.recipe.recipe import make_recipe


class Walked:
    """A training whose steps are a quarter of a pass."""

    def __init__(self):
        self.oracle = SimpleNamespace(ledger=SimpleNamespace(passes=1.0))

    def step(self):
        self.oracle.ledger.passes += 0.25


def test_seconds_of_a_pass_are_of_whole_steps():
    ticks = map(float, count())
    assert timing.per_pass(Walked(), lambda: next(ticks), 3) == 3 / 0.75


def test_a_block_ends_with_the_budget_and_has_a_step_at_least():
    for end, steps in ((1.5, 2), (0.5, 1)):
        training, ticks = Walked(), map(float, count())
        assert timing.per_pass(training, lambda ticks=ticks: next(ticks), 100, end) == 4
        assert training.oracle.ledger.passes == 1 + steps / 4


def test_what_a_call_only_begins_is_waited_for():
    done = []
    timing.block(lambda: done.append("call"), 2, lambda: done.append("wait"))
    assert done == ["wait", "call", "call", "wait"]


def test_a_process_gives_its_lines_and_what_it_is_told():
    told = [sys.executable, "-c", "import os; print(os.environ['TOLD']); print(os.listdir())"]
    seconds, lines = timing.process_seconds(told, TOLD="so")
    assert seconds > 0
    assert lines == ["so", "[]"]


def test_a_recipe_that_does_the_references_work_costs_what_it_does():
    """A rate and a schedule cost nothing; decay, another batch and a constraint do."""
    assert recipes_cost.same_work(make_recipe("sgd", {"lr": 0.4}, passes=10, schedule="cosine"))
    for other in (
        make_recipe("sgd", {"weight_decay": 1e-4}, scenario="l2"),
        make_recipe("sgd", {}, batch_size=32),
        make_recipe("sgd", {}, scenario="sparse", constraint="magnitude"),
        make_recipe("ema+sgd", {}),
        make_recipe("heavy_ball", {}),
    ):
        assert not recipes_cost.same_work(other)


def test_a_cell_whose_reference_was_slowed_down_is_measured_again_and_the_calmer_one_stays():
    def cell(method, seconds):
        return {"method": method, "scenario": "plain", "rules": "strict", "variant": "",
                "reference_seconds": seconds}  # fmt: skip

    cells = [cell(str(x), x) for x in (1.0, 1.14, 1.16, 1.6)]
    assert recipes_cost.steady(cells) == cells[:2]
    assert recipes_cost.steady([]) == []
    again = [cell("1.16", 1.7), cell("1.6", 1.1)]
    assert recipes_cost.calmest([*cells, *again]) == [*cells[:3], again[1]]
