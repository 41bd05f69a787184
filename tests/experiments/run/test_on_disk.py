"""A run from beginning to end: its record, its budget, its interruptions, its failures."""

import json
import os
import random
import signal
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

from lenetlab.disk import replace_json
from lenetlab.errors import Interrupted, UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.in_memory import FIGURES
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.study.run_ids import Names
from lenetlab.experiments.study.worker import work_on
from lenetlab.problem.evaluation import evaluate
from lenetlab.problem.model import flatten
from lenetlab.records import run_folder
from lenetlab.records.rows import row_of
from tests.experiments.study.studying import Inline, go
from tests.waiting import join

EXACT = (run_folder.RUN, run_folder.CURVE, run_folder.LOSSES, run_folder.WEIGHTS, run_folder.RESULT)


def bits(run: run_folder.Run) -> dict[str, bytes]:
    """All that must be reproduced bit for bit."""
    return {name: (run.path / name).read_bytes() for name in EXACT}


def fresh(runtime, name: str = "fresh", **changes):
    """The same bench with another results folder."""
    settings = {"out": runtime.out.parent / name, "device": "cpu", "_loaded": runtime._loaded}
    return type(runtime)(**(settings | changes))


RECIPE = make_recipe("adamw", epochs=2, batch_size=100, schedule="cosine")  # 30 steps


def stop_at(step: int, number: int = signal.SIGTERM):
    def on_step(t, loss):
        if t.steps == step:
            os.kill(os.getpid(), number)

    return on_step


def test_the_record_says_what_happened(runtime):
    run = execute(RECIPE, 3, runtime)
    _, _, test, engine = runtime.load("official")
    assert run.status == "done"
    assert sorted(os.listdir(run.path)) == sorted([*EXACT, run_folder.MACHINE, ".lock"])
    assert run.result.steps == len(run.losses) == 30
    assert run.losses.dtype == np.float32
    assert run.result.ledger_counts["gradients"] == 30 * 100
    assert run.result.passes == 3000 / 60_000
    assert run.result.epochs == 2
    assert [evaluation["at"] for evaluation in run.evaluations] == [1, 2]
    w = flatten(load_file(run.path / run_folder.WEIGHTS))
    again = evaluate(engine.logits(w), test.labels)
    assert {key: getattr(run.result, key) for key in FIGURES} | {"images": len(test)} == vars(again)
    assert run.summary()["seed"] == 3
    assert 0 < run.machine["train_seconds"] < 60
    assert run.machine["evaluation_seconds"] == sorted(run.machine["evaluation_seconds"])
    assert run.trace[-1]["epochs"] == 2
    assert np.mean([p["loss"] for p in run.trace]) == pytest.approx(run.losses.mean(), rel=1e-5)


@pytest.mark.parametrize("split", ["official", "inner"])
def test_at_its_end_a_run_is_measured_on_training_images_too(runtime, split):
    """As they are, even where they were augmented; and only that is another measurement."""
    recipe = make_recipe(
        "ema+adamw", epochs=1, batch_size=100, rules="open", augment="brightness", split=split
    )
    run = execute(recipe, 0, runtime)
    train, engine, _, _ = runtime.load(split)
    w = flatten(load_file(run.path / run_folder.WEIGHTS))
    expected = evaluate(engine.logits(w), train.labels)  # there are fewer than 10,000
    assert run.result.train_accuracy == run.summary()["train_accuracy"] == expected.accuracy
    assert run.result.train_loss == run.summary()["train_loss"] == expected.loss
    row = row_of(run, "final", 0)
    assert (row.train_accuracy, row.train_loss) == (expected.accuracy, expected.loss)
    assert row.train_loss != row.loss
    assert len(run.evaluations) == 1


def test_a_repeated_run_has_the_same_bits_and_a_finished_one_is_found(runtime):
    run = execute(RECIPE, 0, runtime)
    stamp = (run.path / run_folder.RESULT).stat().st_mtime_ns
    assert execute(RECIPE, 0, runtime).path == run.path
    assert (run.path / run_folder.RESULT).stat().st_mtime_ns == stamp
    assert bits(execute(RECIPE, 0, fresh(runtime))) == bits(run)
    execute(RECIPE, 0, fresh(runtime, "runs", resume=False))
    assert (run.path / run_folder.RESULT).stat().st_mtime_ns != stamp


def test_looking_never_changes_a_run(runtime):
    often = execute(RECIPE, 0, runtime, [k / 15 for k in range(1, 31)])
    once = execute(RECIPE, 0, fresh(runtime), [])
    assert len(often.evaluations) == 30
    assert len(once.evaluations) == 1
    for name in (run_folder.RUN, run_folder.LOSSES, run_folder.WEIGHTS, run_folder.RESULT):
        assert (often.path / name).read_bytes() == (once.path / name).read_bytes()
    assert often.evaluations[-1]["loss"] == once.evaluations[-1]["loss"]


def test_a_finished_run_that_was_not_measured_where_asked_is_computed_again(runtime):
    assert len(execute(RECIPE, 0, runtime, []).evaluations) == 1
    assert len(execute(RECIPE, 0, runtime, [0.5, 1]).evaluations) == 3
    assert len(execute(RECIPE, 0, runtime, [1]).evaluations) == 3  # found


@pytest.mark.parametrize(("method", "number"), [
    ("adamw", signal.SIGINT), ("adamw", signal.SIGTERM),
    ("asgd", signal.SIGINT), ("rprop", signal.SIGINT), ("lbfgs", signal.SIGINT),
])  # fmt: skip
def test_interrupted_at_a_step_inside_an_epoch_it_ends_with_the_same_bits(runtime, method, number):
    settings = {"t0": 4} if method == "asgd" else {}
    passes = {"rprop": 0.2, "lbfgs": 0.5}.get(method, 0.05)
    recipe = make_recipe(method, settings, passes=passes, schedule="cosine", warmup=0.2)
    whole = execute(recipe, 0, fresh(runtime))
    handler = signal.getsignal(number)
    with pytest.raises(Interrupted, match=r"interrupted at step 2; .* continues the run") as stop:
        execute(recipe, 0, runtime, on_step=stop_at(2, number))
    assert stop.value.number == number
    assert signal.getsignal(number) is handler
    assert not (stop.value.path / run_folder.RESULT).exists()
    with pytest.raises(Interrupted, match="interrupted at step 5"):
        execute(recipe, 0, runtime, on_step=stop_at(5, number))
    found = execute(recipe, 0, runtime)
    assert bits(found) == bits(whole)
    assert not (found.path / run_folder.CHECKPOINT).exists()


def test_saving_often_changes_nothing(runtime):
    often = execute(RECIPE, 0, fresh(runtime, save_every=0.0))
    assert bits(often) == bits(execute(RECIPE, 0, runtime))


NOISY = """
import torch
class Noisy(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
    def step(self, closure):
        loss = super().step(closure)
        with torch.no_grad():
            for p in self.param_groups[0]["params"]:
                p.add_(torch.randn_like(p), alpha=1e-3)
        return loss
"""


def test_an_optimizer_that_draws_from_the_global_generator_is_reproduced(runtime, tmp_path):
    path = tmp_path / "noisy.py"
    path.write_text(NOISY)
    recipe = make_recipe(f"{path}:Noisy", epochs=1)
    torch.manual_seed(1)
    whole = execute(recipe, 0, fresh(runtime))
    torch.manual_seed(2)
    before = torch.get_rng_state()
    with pytest.raises(Interrupted):
        execute(recipe, 0, runtime, on_step=stop_at(7))
    assert bits(execute(recipe, 0, runtime)) == bits(whole)
    assert torch.get_rng_state().equal(before)  # the caller's randomness is the caller's


def test_a_budget_in_passes_is_never_exceeded(runtime):
    """1,500 examples of 60,000 are 0.025 passes: of 0.06 only two full batches fit."""
    run = execute(make_recipe("full_batch", passes=0.06), 0, runtime)
    assert run.status == "done"
    assert run.result.steps == 2
    assert run.result.passes == pytest.approx(0.05)
    assert run.result.discarded_passes == pytest.approx(0.025)
    assert len(run.losses) == 2
    exact = execute(make_recipe("full_batch", passes=0.05), 0, runtime)
    assert exact.result.discarded_passes == 0
    assert (exact.path / run_folder.WEIGHTS).read_bytes() == (
        run.path / run_folder.WEIGHTS
    ).read_bytes()  # the answer from before the step beyond the budget


def test_a_budget_smaller_than_a_step_is_no_result(runtime):
    run = execute(make_recipe("full_batch", passes=0.01), 0, runtime)
    assert run.status == "error"
    assert "no step fits into 0.01 passes: the first costs 0.025" in run.result.reason
    assert run.result.steps == 0
    assert run.result.passes == 0
    assert {getattr(run.result, key) for key in FIGURES} == {None}


def test_a_diverged_run_has_a_step_and_a_reason_and_no_figures(runtime):
    run = execute(make_recipe("sgd", {"lr": 1e38}, epochs=1), 0, runtime)
    assert run.status == "diverged"
    assert run.result.reason.startswith(("loss is nan at step", "loss is inf at step"))
    assert {getattr(run.result, key) for key in FIGURES} == {None}
    assert run.result.nonzeros is None
    assert not (run.path / run_folder.WEIGHTS).exists()
    assert np.isfinite(run.losses).all()
    assert execute(make_recipe("sgd", {"lr": 1e38}, epochs=1), 0, runtime).path == run.path


def test_weights_that_are_no_numbers_after_the_last_step_are_a_divergence(runtime):
    run = execute(make_recipe("sgd", {"lr": 1e38}, epochs=0.04, batch_size=60), 0, runtime)
    assert run.status == "diverged"
    assert run.result.reason in (
        "measured loss is nan after step 1",
        "measured loss is inf after step 1",
    )


NEVER = """
import torch
class Never(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.count = 0
    def step(self, closure):
        self.count += 1
        return super().step(closure) if self.count < 4 else None
"""


def test_a_step_that_asks_nothing_ends_the_run_as_an_error(runtime, tmp_path):
    path = tmp_path / "never.py"
    path.write_text(NEVER)
    recipe = make_recipe(f"{path}:Never", epochs=1)
    run = execute(recipe, 0, runtime)
    assert run.status == "error"
    assert run.result.reason.startswith("step 4 asked the oracle nothing: its step() never")
    assert run.result.steps == 3
    assert "StepError" in run.machine["traceback"]
    path.write_text(NEVER.replace("< 4", "< 400"))  # mended: another source, another run
    assert execute(make_recipe(f"{path}:Never", epochs=1), 0, runtime).status == "done"


POLYAK = """
import torch
class Polyak(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.count = 0
    def step(self, closure):
        self.count += 1
        loss = super().step(closure)
        self.param_groups[0]["lr"] = float("inf") if self.count == 3 else 0.1
        return loss
"""


def test_a_rate_that_is_no_number_is_none_in_the_trace(runtime, tmp_path):
    """The weights are numbers all the same, so that the run is one."""
    path = tmp_path / "polyak.py"
    path.write_text(POLYAK)
    recipe = make_recipe(f"{path}:Polyak", schedule="constant", epochs=1)
    run = execute(recipe, 0, runtime)
    assert run.status in ("done", "diverged")
    assert None in [point["rate"] for point in run_folder.read_run(run.path).trace]


FULL = {"batch_size": 1500, "schedule": "linear", "warmup": 0.5}


@pytest.fixture
def remembered(monkeypatch):
    """All 1,500 images are a batch large enough to have its answer kept."""
    monkeypatch.setattr("lenetlab.oracle.oracle.REMEMBERED", 1500)


def test_a_full_batch_may_warm_up_from_zero(runtime, remembered):
    """The second step asks about the same batch at the same weights, which is free."""
    run = execute(make_recipe("sgd", passes=4 * 1500 / 60_000, **FULL), 0, runtime)
    assert run.status == "done"
    assert run.result.ledger_counts["gradients"] == 4 * 1500
    assert run.result.steps == 5
    assert run.losses[0] == run.losses[1]
    assert len(set(run.losses.tolist())) == 4


def test_a_study_with_a_warm_up_keeps_its_full_batch_cell(runtime, remembered, tmp_path):
    file = tmp_path / "warm.toml"
    file.write_text(
        'title = "Warm"\nscenarios = ["plain"]\nmethods = ["full_batch"]\npasses = 0.1\n'
        "seeds = 1\n[settings]\nwarmup = 0.5\nbatch_size = 1500\n"
    )
    plan = go(file, tmp_path / "work", Inline(lambda task: work_on(task, runtime)), Names(runtime))
    (row,) = plan.rows(plan.cells[0]).finals
    assert (row.status, row.reason) == ("done", None)


def test_steps_that_cost_nothing_and_lead_nowhere_end_the_run(runtime, remembered):
    run = execute(make_recipe("sgd", {"lr": 0.0}, batch_size=1500, passes=1), 0, runtime)
    assert run.status == "error"
    assert run.result.reason.startswith("step 11 is the 10th in a row that asks the oracle")


ANCHORED = """
import torch
class Anchored(torch.optim.SGD):
    asks = "more"
    def __init__(self, params, lr=0.01):
        super().__init__(params, lr)
        self.anchor = None
    def step(self, closure):
        self.anchor = oracle.w.clone() if self.anchor is None else self.anchor
        with torch.no_grad():
            oracle.value(oracle.full, at=self.anchor)
        return super().step(closure)
"""


def test_a_resumed_run_remembers_as_much_though_its_images_change(runtime, remembered, tmp_path):
    """A question about all images is free until the sweep changes them, before and after a stop."""
    path = tmp_path / "anchored.py"
    path.write_text(ANCHORED.replace("def step(self, closure):", "def step(self, closure):\n"
                                     "        oracle = closure._oracle"))  # fmt: skip
    recipe = make_recipe(f"{path}:Anchored", epochs=3, batch_size=100, rules="open", augment="flip")
    whole = execute(recipe, 0, fresh(runtime))
    for step in (15, 20):  # at the end of a sweep, and within one
        with pytest.raises(Interrupted, match=f"at step {step}"):
            execute(recipe, 0, runtime, on_step=stop_at(step))
    assert bits(execute(recipe, 0, runtime)) == bits(whole)
    assert whole.result.ledger_counts["forwards"] == 3 * 1500


def test_a_checkpoint_that_does_not_fit_is_said(runtime):
    with pytest.raises(Interrupted):
        execute(RECIPE, 0, runtime, [1], on_step=stop_at(5))
    with pytest.warns(UserWarning, match="was to be measured at other positions; the run begins"):
        execute(RECIPE, 0, runtime, [0.5])


SLOW = """
import time, torch
class Slow(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
    def step(self, closure):
        time.sleep(0.05)
        return super().step(closure)
"""


def test_a_run_over_its_limit_is_recorded_and_goes_on_with_the_same_bits(runtime, tmp_path):
    path = tmp_path / "slow.py"
    path.write_text(SLOW)
    recipe = make_recipe(f"{path}:Slow", epochs=1)
    stopped = execute(recipe, 0, runtime, limit=0.3)
    assert stopped.status == "timeout"
    assert stopped.result.reason.startswith("stopped at its limit of 0.3 s, at step ")
    assert 1 <= stopped.result.steps < 24
    assert stopped.summary()["accuracy"] is None
    gone_on = execute(recipe, 0, runtime)
    assert gone_on.status == "done"
    assert gone_on.path == stopped.path
    assert not (gone_on.path / run_folder.CHECKPOINT).exists()
    assert bits(gone_on) == bits(execute(recipe, 0, fresh(runtime)))


ASKS_ALL = """
from torch.optim import SGD
class All(SGD):
    def step(self, closure):
        loss = closure.gradient(closure.full, out=closure.g)[0]
        super().step()
        return loss if closure.ledger.passes < LIMIT else loss * float("nan")
"""


def test_an_epoch_budget_that_would_never_end_is_an_error(runtime, tmp_path):
    path = tmp_path / "all.py"
    path.write_text(ASKS_ALL.replace("LIMIT", "1e9"))
    run = execute(make_recipe(f"{path}:All", epochs=1), 0, runtime)
    assert run.status == "error"
    assert "give one in passes" in run.result.reason
    assert execute(make_recipe(f"{path}:All", passes=0.1), 0, runtime).result.steps == 4


DRAWS_ONCE = """
from torch.optim import SGD
class Once(SGD):
    drawn = None
    def step(self, closure):
        if self.drawn is None:
            self.drawn = closure.batch
        loss = closure.gradient(self.drawn, out=closure.g)[0]
        super().step()
        return loss
"""


def test_nor_does_one_end_that_a_first_batch_alone_is_drawn_from(runtime, tmp_path):
    path = tmp_path / "once.py"
    path.write_text(DRAWS_ONCE)
    run = execute(make_recipe(f"{path}:Once", epochs=1), 0, runtime)
    assert run.status == "error"
    assert "100 steps in a row drew no example" in run.result.reason
    assert execute(make_recipe(f"{path}:Once", passes=0.12), 0, runtime).status == "done"


def test_a_step_that_diverges_beyond_the_budget_does_not_count(runtime, tmp_path):
    """1,500 images are 0.025 passes a step; the third would end beyond 0.06."""
    path = tmp_path / "all.py"
    path.write_text(ASKS_ALL.replace("LIMIT", "0.07"))
    run = execute(make_recipe(f"{path}:All", passes=0.06), 0, runtime)
    assert (run.status, run.result.steps, run.result.passes) == ("done", 2, 0.05)
    assert execute(make_recipe(f"{path}:All", passes=0.08), 0, runtime).status == "diverged"


def test_a_state_that_cannot_be_kept_is_said_and_does_not_stop_the_run(runtime, tmp_path):
    path = tmp_path / "hook.py"
    path.write_text(NEVER.replace("self.count = 0", "self.count, self.f = 0, lambda: 0")
                    .replace("< 4", "< 400"))  # fmt: skip
    quick = fresh(runtime, save_every=0.0)
    with pytest.warns(UserWarning, match="cannot be resumed: state.*f is a function"):
        assert execute(make_recipe(f"{path}:Never", epochs=0.1), 0, quick).status == "done"


KEEPS = """
import random
from collections import defaultdict
import numpy
import torch
class Keeps(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
        own = self.param_groups[0]["params"]
        {keeps}
    def step(self, closure):
        loss = super().step(closure)
        {steps}
        return loss
"""


@pytest.mark.parametrize(("keeps", "steps"), [
    ("own[0].seen = 0", "own = self.param_groups[0]['params']; own[0].seen += 1; "
     "own[0].data += 1e-3 * own[0].seen"),
    ("self.seen = 0", "self.seen += 1; self.param_groups[0]['params'][0].data += 1e-3 * self.seen"),
])  # fmt: skip
@pytest.mark.parametrize("slots", ["", "__slots__ = ('seen',)"])
def test_what_is_kept_on_a_parameter_or_in_a_slot_is_kept(runtime, tmp_path, keeps, steps, slots):
    path = tmp_path / "keeps.py"
    text = KEEPS.format(keeps=keeps, steps=steps)
    path.write_text(text.replace("SGD):", f"SGD):\n    {slots}"))
    recipe = make_recipe(f"{path}:Keeps", epochs=0.3)
    whole = execute(recipe, 3, fresh(runtime))
    with pytest.raises(Interrupted, match="at step 4"):
        execute(recipe, 3, runtime, on_step=stop_at(4, signal.SIGINT))
    assert bits(execute(recipe, 3, runtime)) == bits(whole)


@pytest.mark.parametrize("changes", [
    "some = self.param_groups[0]['params']; some.append(some.pop(0))",
    "self.param_groups[0]['params'] = self.param_groups[0]['params'][:9]",
    "self.param_groups.append({**self.param_groups[0], 'params': []})",
])  # fmt: skip
def test_a_run_whose_groups_change_says_that_it_cannot_be_resumed(runtime, tmp_path, changes):
    path = tmp_path / "keeps.py"
    path.write_text(KEEPS.format(keeps="pass", steps=changes))
    recipe = make_recipe(f"{path}:Keeps", epochs=0.3)
    with (
        pytest.warns(UserWarning, match="cannot be resumed: its groups have other parameters"),
        pytest.raises(Interrupted, match="the same command begins it anew"),
    ):
        execute(recipe, 3, runtime, on_step=stop_at(4, signal.SIGINT))


def test_a_guest_that_leaves_the_folder_or_sets_the_process_changes_nothing(
    runtime, tmp_path, monkeypatch
):
    """Its run is where it was to be, and what follows has what it would have had alone."""
    path = tmp_path / "keeps.py"
    path.write_text(KEEPS.format(keeps="import os; os.chdir('/'); os.umask(0o777)", steps=(
        "os.chdir('/'); torch.set_float32_matmul_precision('medium'); "
        "torch.backends.mkldnn.enabled = False"
    )).replace("import random", "import os, random"))  # fmt: skip
    monkeypatch.chdir(tmp_path)
    here = replace(fresh(runtime, save_every=0.0), out=Path("here"))
    recipe = make_recipe(f"{path}:Keeps", epochs=0.2)
    alone = execute(RECIPE, 5, here).identity
    run = execute(recipe, 3, here)
    assert run.path.parent == Path("here")
    assert (tmp_path / run.path / "weights.safetensors").stat().st_mode & 0o700
    assert Path.cwd() == tmp_path
    assert torch.backends.mkldnn.enabled
    assert execute(RECIPE, 5, replace(here, resume=False)).identity == alone


def test_a_folder_that_is_gone_stops_no_run(runtime, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert execute(RECIPE, 6, fresh(runtime)).status == "done"


@pytest.mark.parametrize(("keeps", "said"), [
    ("self.views = [p.data.view(-1) for p in own]", r"views\[0\] and .*\.w share memory"),
    ("self.pairs = [(p, 1) for p in own]", r"pairs\[0\]\[0\] and .*\.w share memory"),
    ("self.flat = torch.zeros(9); self.part = self.flat[2:5]", "flat and .*part share memory"),
    ("self.counts = defaultdict(int)", "counts is a defaultdict"),
    ("self.few = torch.eye(9).to_sparse()", "few is a sparse tensor"),
])  # fmt: skip
def test_what_a_file_would_part_is_not_resumed(runtime, tmp_path, keeps, said):
    """It would come back as a copy that no step of the run moves any more."""
    path = tmp_path / "keeps.py"
    path.write_text(KEEPS.format(keeps=keeps, steps="pass"))
    with pytest.warns(UserWarning, match=f"cannot be resumed: .*{said}"):
        execute(make_recipe(f"{path}:Keeps", epochs=0.1), 0, fresh(runtime, save_every=0.0))


def test_every_global_generator_is_seeded_kept_and_given_back(runtime, tmp_path):
    path = tmp_path / "keeps.py"
    path.write_text(KEEPS.format(
        keeps="pass", steps="own = self.param_groups[0]['params'][0]\n        own.data += 1e-4 * ("
        "random.random() + numpy.random.rand() + torch.rand(()))",
    ))  # fmt: skip
    recipe = make_recipe(f"{path}:Keeps", epochs=0.3)
    before = random.getstate(), np.random.get_state()[1].tolist()
    whole = execute(recipe, 3, fresh(runtime))
    assert bits(execute(recipe, 3, fresh(runtime))) == bits(whole)
    with pytest.raises(Interrupted, match="at step 4"):
        execute(recipe, 3, runtime, on_step=stop_at(4, signal.SIGINT))
    assert bits(execute(recipe, 3, runtime)) == bits(whole)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_two_processes_never_compute_the_same_run(runtime):
    run = execute(RECIPE, 0, runtime)
    with (
        FileLock(run.path / ".lock"),
        pytest.raises(UserError, match="another process is computing the run"),
    ):
        execute(RECIPE, 0, runtime)


def test_a_run_in_a_thread_needs_no_signals(runtime):
    found = []
    thread = threading.Thread(target=lambda: found.append(execute(RECIPE, 0, runtime)))
    thread.start()
    join(thread)
    assert found[0].status == "done"


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_seeds_out_of_range_are_refused(runtime, seed):
    with pytest.raises(UserError, match=f"seed {seed} is out of range"):
        execute(RECIPE, seed, runtime)


@pytest.mark.parametrize("content", ["{}", "[]", '{"format": 99}'])
def test_a_record_of_another_version_is_refused_and_kept(runtime, content):
    run = execute(RECIPE, 0, runtime)
    (run.path / run_folder.RUN).write_text(content)
    with pytest.raises(UserError, match=r"holds a run of format .* reads and writes format 3"):
        execute(RECIPE, 0, runtime)
    assert (run.path / run_folder.RUN).read_text() == content


def test_the_result_is_written_last_and_every_file_whole(runtime, monkeypatch):
    """A process that dies while it records leaves a run that is computed again."""
    written: list[str] = []
    replace = os.replace

    def dying(temporary, path):
        written.append(Path(path).name)
        if written.count(run_folder.RESULT):
            raise KeyboardInterrupt
        replace(temporary, path)

    monkeypatch.setattr(os, "replace", dying)
    with pytest.raises(KeyboardInterrupt):
        execute(RECIPE, 0, runtime)
    monkeypatch.undo()
    assert written[0] == run_folder.RUN
    assert written[-1] == run_folder.RESULT
    assert set(written) == {*EXACT, run_folder.MACHINE}
    (path,) = runtime.out.iterdir()
    assert not [name for name in os.listdir(path) if name.endswith(str(os.getpid()))]
    with pytest.raises(UserError, match=r"result.json is missing"):
        run_folder.read_run(path)
    assert execute(RECIPE, 0, runtime).status == "done"


def test_json_never_holds_what_is_no_number(tmp_path):
    replace_json(tmp_path / "x.json", {"loss": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace_json(tmp_path / "x.json", {"loss": float("nan")})
    assert json.loads((tmp_path / "x.json").read_text()) == {"loss": 1}
