"""A run at hand in Python: its words, its curves, its net, its comparison, its page."""

from dataclasses import replace

import pytest
import torch

from lenetlab import run, sweep
from lenetlab.errors import UserError
from lenetlab.problem.evaluation import evaluate
from tests.own_images import write


@pytest.fixture(scope="module")
def trained(module_runtime):
    return run("adamw", lr=0.01, epochs=0.2, batch_size=100, seed=2, runtime=module_runtime)


@pytest.fixture(scope="module")
def module_runtime(tmp_path_factory, train, test):
    from lenetlab.experiments.run.runtime import Runtime

    return Runtime(out=tmp_path_factory.mktemp("runs"))


def test_its_words_are_its_figures(trained):
    assert f"{trained.result.accuracy:.2f} % of the test images" in repr(trained)
    assert str(trained.path) in repr(trained)
    assert repr(trained).count("\n") == 0
    card = trained._repr_html_()
    assert "adamw" in card
    assert "data:image/png;base64," in card


def test_a_hostile_name_is_text_in_the_card(trained):
    named = replace(trained, identity=trained.identity | {"label": "<script>"})
    assert "<script>" not in named._repr_html_()


def test_its_net_scores_what_the_run_scored(trained, test):
    net = trained.model()
    images = test.images.unsqueeze(1).float() / 255
    with torch.no_grad():
        scores = net(images)
    found = evaluate(scores, test.labels)
    assert found.accuracy == pytest.approx(trained.result.accuracy, abs=0.03)  # rounding
    assert found.loss == pytest.approx(trained.result.loss, rel=1e-4)
    assert torch.equal(net.classify(images[:50]), scores[:50].argmax(1))
    assert sum(p.numel() for p in net.parameters()) == 44_426


def test_two_nets_are_compared_image_by_image(trained, module_runtime):
    other = run("sgd", lr=0.1, epochs=0.2, batch_size=100, runtime=module_runtime)
    found = trained.compare(other)
    apart = found.only_first - found.only_second
    assert abs(apart - (trained.result.correct - other.result.correct)) <= 3  # rounding
    same = trained.compare(trained)
    assert (same.only_first, same.only_second, same.p) == (0, 0, 1.0)


def test_nets_are_compared_on_the_images_that_both_were_measured_on(
    trained, module_runtime, tmp_path
):
    few = {"passes": 0.05, "runtime": module_runtime}
    leaves = write(tmp_path / "leaves")
    one, other = (run(m, problem=leaves, **few) for m in ("sgd", "adamw"))
    found = one.compare(other)
    assert found.only_first - found.only_second == one.result.correct - other.result.correct
    held = [run(m, split="inner", **few) for m in ("sgd", "adamw")]
    apart = held[0].compare(held[1])
    assert abs(apart.only_first - apart.only_second - held[0].result.correct
               + held[1].result.correct) <= 3  # rounding  # fmt: skip
    assert f"{one.result.accuracy:.2f} % of the test images of leaves@" in repr(one)
    for stranger in (one, held[0]):
        with pytest.raises(UserError, match="only nets on the same images can be compared"):
            trained.compare(stranger)


def test_a_failed_run_says_so_and_has_no_net(module_runtime):
    bad = run("sgd", lr=1e38, epochs=0.2, runtime=module_runtime)
    assert "diverged" in repr(bad)
    assert "diverged" in bad._repr_html_()
    with pytest.raises(UserError, match="no weights: the run ended as diverged"):
        bad.model()
    gone = run("sgd", lr=0.1, epochs=0.01, runtime=module_runtime)
    (gone.path / "weights.safetensors").unlink()
    with pytest.raises(UserError, match=r"weights.safetensors is gone; train the run again"):
        gone.model()


def test_it_has_curves_and_a_page(trained, module_runtime, tmp_path):
    assert len(trained.plot().axes) == 2
    assert trained.plot()._repr_png_().startswith(b"\x89PNG")  # what a notebook shows
    assert "adamw" in trained.report(tmp_path / "one.html").read_text()
    ran = sweep("sgd", {"lr": [0.1, 0.2]}, epochs=0.1, runtime=module_runtime)
    page = ran.report(tmp_path / "two.html").read_text()
    assert "lr=0.1" in page
    assert "lr=0.2" in page
