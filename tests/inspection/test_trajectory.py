"""Points along a run: the run has the same bits with and without, and again has the same points."""

import json
import os
import signal

import pytest
import torch

from lenetlab.errors import Interrupted, UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run import repeat
from lenetlab.experiments.run.on_disk import execute
from lenetlab.inspection import trajectory
from lenetlab.inspection.plane import common_plane
from lenetlab.inspection.retrain import whole_trajectory
from lenetlab.inspection.trajectory import POINTS, Recorder, ends, final, initial
from lenetlab.records import run_folder

# A method that is judged elsewhere than where it trains, a budget that its last step overshoots,
# and a constraint that zeroes weights on the way.
RECIPES = {
    "sgd": make_recipe("sgd", epochs=2),
    "schedule_free": make_recipe("schedule_free_adamw", epochs=1),
    "svrg": make_recipe("svrg+sgd", {"lr": 0.01}, passes=0.11, batch_size=64),
    "sparse": make_recipe("adamw", epochs=2, scenario="sparse", constraint="magnitude"),
}


def recorded(recipe, runtime, seed=3):
    recorder = Recorder(seed, recipe.budget.amount)
    run = execute(recipe, seed, runtime, [], recorder.step)
    assert run.status == "done", run.result.reason
    return run, recorder


def other_out(runtime, out):
    return type(runtime)(out=out, device="cpu", _loaded=runtime._loaded)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recorded_run_has_the_bits_of_one_that_is_not(name, runtime, tmp_path):
    run, recorder = recorded(RECIPES[name], runtime)
    alone = execute(RECIPES[name], 3, other_out(runtime, tmp_path / "alone"), [])
    for file in (run_folder.WEIGHTS, run_folder.RESULT, run_folder.LOSSES, run_folder.CURVE):
        assert (run.path / file).read_bytes() == (alone.path / file).read_bytes(), file
    found = recorder.trajectory(run)
    assert torch.equal(found.points[0], initial(3))
    assert torch.equal(found.points[-1], final(run))
    assert found.where[-1]["steps"] == run.result.steps
    assert found.where[-1]["passes"] == run.result.passes
    steps = [where["steps"] for where in found.where]
    assert steps == sorted(set(steps))
    assert len(found) == len(found.angles) == len(found.where)
    assert found.angles[0].isnan().all()
    assert (found.angles[1:, 0] > 0).all()


def test_points_begin_where_the_recipe_does(runtime):
    recipe = make_recipe("sgd", epochs=0.1, initialisation="scaled:fc=2,bias=0,conv=2")
    run, recorder = recorded(recipe, runtime)
    start = 2 * initial(3)
    start[-236:] = 0.0  # the biases
    found = recorder.trajectory(run)
    assert torch.equal(found.points[0], start)
    plain, recorder = recorded(make_recipe("sgd", epochs=0.1), runtime)
    angles = recorder.trajectory(plain).angles
    assert not torch.equal(found.angles[1], angles[1])
    with pytest.raises(UserError, match="began at scaled:bias=0,conv=2,fc=2, and those"):
        ends(run)
    assert torch.equal(ends(plain).points[0], initial(3))


def test_points_are_the_weights_at_their_steps(runtime):
    recipe = RECIPES["schedule_free"]
    kept, recorder = {}, Recorder(0, recipe.budget.amount)

    def both(t, loss):
        recorder.step(t, loss)
        kept[t.steps] = t.eval_weights().clone(), t.weights.w.clone()

    found = recorder.trajectory(execute(recipe, 0, runtime, [], both))
    assert len(found) >= POINTS // 2  # the first are closer together than steps are
    for point, where, turned in zip(
        found.points[1:], found.where[1:], found.angles[1:], strict=True
    ):
        judged, trained = kept[where["steps"]]
        assert torch.equal(point, judged)
        if where["steps"] > 1:
            before = kept[where["steps"] - 1][1]
            cosine = torch.cosine_similarity(
                before[: 120 * 256].double(), trained[: 120 * 256].double(), dim=0
            )
            assert float(turned[0].cos()) == pytest.approx(float(cosine), abs=1e-12)


def test_a_run_trained_again_has_the_same_points_and_keeps_them(runtime, monkeypatch):
    run, recorder = recorded(RECIPES["sgd"], runtime)
    monkeypatch.setattr(repeat, "runtime_like", lambda said, data, out: other_out(runtime, out))
    found, expected = whole_trajectory(run, None), recorder.trajectory(run)
    assert torch.equal(found.points, expected.points)
    assert torch.equal(found.angles[1:], expected.angles[1:])
    assert found.where == expected.where
    monkeypatch.setattr(repeat, "execute", None)  # is not called any more
    kept = whole_trajectory(run, None)
    assert torch.equal(kept.points, found.points)
    assert kept.where == found.where


def test_other_weights_are_noticed(runtime, monkeypatch):
    run, recorder = recorded(RECIPES["sgd"], runtime)
    other, _ = recorded(RECIPES["sgd"], runtime, seed=4)
    weights = (other.path / run_folder.WEIGHTS).read_bytes()
    trajectory.write(run.path / trajectory.FILE, recorder.trajectory(run))
    (run.path / run_folder.WEIGHTS).write_bytes(weights)
    with pytest.raises(UserError, match="does not end at the run's weights"):
        whole_trajectory(run, None)
    (run.path / trajectory.FILE).unlink()
    monkeypatch.setattr(repeat, "runtime_like", lambda said, data, out: other_out(runtime, out))
    with pytest.raises(UserError, match="other weights"):
        whole_trajectory(run, None)
    with pytest.raises(RuntimeError, match="do not end"):
        recorder.trajectory(run)


def test_other_numerics_are_refused(runtime, monkeypatch):
    run, _ = recorded(RECIPES["sgd"], runtime)
    run.identity["numerics"]["torch"] = "0.1"
    monkeypatch.setattr(repeat, "runtime_like", lambda said, data, out: other_out(runtime, out))
    with pytest.raises(UserError, match=r"torch 0\.1 there"):
        whole_trajectory(run, None)
    found = ends(run)
    assert torch.equal(found.points[1], final(run))


def test_a_signal_leaves_nothing_to_go_on_from(runtime, monkeypatch):
    """The folder that it was trained in is gone."""
    run, _ = recorded(RECIPES["sgd"], runtime)
    monkeypatch.setattr(repeat, "runtime_like", lambda said, data, out: other_out(runtime, out))

    def stop(t, loss):
        if t.steps == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match="begins it anew") as stopped:
        whole_trajectory(run, None, stop)
    assert stopped.value.path is None
    assert not (run.path / trajectory.FILE).exists()


def test_a_resumed_run_is_not_whole(runtime):
    recipe = RECIPES["sgd"]
    first = Recorder(0, recipe.budget.amount)

    def stop(t, loss):
        first.step(t, loss)
        if t.steps == 20:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        execute(recipe, 0, runtime, [], stop)
    second = Recorder(0, recipe.budget.amount)
    run = execute(recipe, 0, runtime, [], second.step)
    assert run.status == "done"
    assert second.trajectory(run) is None
    never = Recorder(0, recipe.budget.amount)
    execute(recipe, 0, runtime, [], never.step)  # is read, not trained
    assert never.trajectory(run) is None


def test_broken_files_are_refused_in_a_sentence(runtime):
    run, recorder = recorded(RECIPES["svrg"], runtime)
    path = run.path / trajectory.FILE
    path.write_bytes(b"nonsense")
    with pytest.raises(UserError, match="is broken"):
        trajectory.read(run)
    trajectory.write(path, recorder.trajectory(run))
    run.identity["id"] = "another"
    with pytest.raises(UserError, match="another run"):
        trajectory.read(run)


def test_a_failed_run_has_nothing_to_look_at(runtime):
    run = execute(make_recipe("sgd", {"lr": 1e38}, epochs=1), 0, runtime, [])
    assert run.status == "diverged"
    with pytest.raises(UserError, match="is diverged and has no weights"):
        whole_trajectory(run, None)


def test_planes_of_two_three_and_more_runs(runtime):
    recipe = make_recipe("sgd", {"lr": 0.05}, epochs=1)
    ways = []
    for method in ("sgd", "adamw", "heavy_ball"):
        run, recorder = recorded(make_recipe(method, epochs=1), runtime)
        ways.append(recorder.trajectory(run))
    run, recorder = recorded(recipe, runtime, seed=4)
    other = recorder.trajectory(run)
    kind, plane, share = common_plane(ways[:2])
    assert (kind, share) == ("start", None)
    assert plane.distances(ways[0].points)[[0, -1]].max() < 1e-5
    assert plane.distances(ways[1].points)[-1] < 1e-5
    kind, plane, share = common_plane(ways)
    assert (kind, share) == ("ends", None)
    assert max(float(plane.distances(way.points)[-1]) for way in ways) < 1e-5
    for several in ([ways[0]], [ways[0], other], [*ways, other]):
        kind, plane, share = common_plane(several)
        assert kind == "principal"
        points = torch.cat([way.points for way in several]).double()
        spread = (points - points.mean(0)).square().sum()
        assert share == pytest.approx(1 - float(plane.distances(points).square().sum() / spread))
        assert share > 0.3


def test_a_method_from_outside_is_not_imported(runtime, tmp_path):
    run, _ = recorded(RECIPES["svrg"], runtime)
    identity = json.loads((run.path / run_folder.RUN).read_text())
    identity["recipe"]["method"][0] = f"{tmp_path}/evil.py:Method"
    (run.path / run_folder.RUN).write_text(json.dumps(identity))
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')")
    with pytest.raises(UserError, match="not run from a record"):
        whole_trajectory(run_folder.read_run(run.path), None)
