"""Figures: what is on their axes."""

import re

import numpy as np
import pytest

from lenetlab.analysis.tables import tabulate
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.on_disk import execute
from lenetlab.report.run_plots import four_panels, loss_panels, race, save


@pytest.fixture
def runs(runtime):
    recipe = make_recipe("sgd", epochs=2, batch_size=100, schedule="linear")
    return [execute(recipe, seed, runtime) for seed in (0, 1)]


def lines(axes):
    return {line.get_label(): line.get_xydata() for line in axes.get_lines()}


def test_the_scripts_two_panels(runs):
    train, test = loss_panels(runs[0]).axes
    assert train.get_legend().get_texts()[0].get_text() == "Train Loss"
    drawn = lines(train)["Train Loss"]
    assert drawn[:, 0].tolist() == list(range(1, 31))
    assert np.array_equal(drawn[:, 1], runs[0].losses.astype(float))
    assert lines(test)["Test Loss, Average"].tolist() == [
        [evaluation["steps"], evaluation["starter_average_loss"]]
        for evaluation in runs[0].evaluations
    ]
    assert [tick.get_text() for tick in test.get_xticklabels()] == ["0", "1", "2"]
    assert test.get_xticks().tolist() == [0, 15, 30]
    assert (test.get_xlabel(), test.get_ylabel()) == ("Epoch", "Loss")


def test_four_panels_show_means_and_bands_over_seeds(runs):
    figure = four_panels(tabulate([("one", runs[0]), ("both", runs[0]), ("both", runs[1])]))
    loss, test, accuracy, rate = figure.axes
    for axes, key in ((test, "loss"), (accuracy, "accuracy")):
        single = [[evaluation["epochs"], evaluation[key]] for evaluation in runs[0].evaluations]
        assert lines(axes)["one"].tolist() == single
        values = np.array([[evaluation[key] for evaluation in run.evaluations] for run in runs])
        assert np.allclose(lines(axes)["both"][:, 1], values.mean(axis=0))
        (band,) = axes.collections
        edges = band.get_paths()[0].vertices[:, 1]
        assert edges.max() == pytest.approx(values.max())
        assert edges.min() == pytest.approx(values.min())
    assert lines(loss)["one"].tolist() == [[p["epochs"], p["loss"]] for p in runs[0].trace]
    rates = lines(rate)["one"]
    assert np.allclose(rates[:, 1], 0.4 * (1 - np.arange(30) / 30))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "both"]
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "training loss", "test loss (true mean)", "test accuracy, %", "learning rate",
    ]  # fmt: skip
    assert loss.get_yscale() == test.get_yscale() == "log"
    assert accuracy.get_xlabel() == "epochs"


def test_a_budget_in_passes_is_drawn_against_passes_and_held_out_images_are_named(runtime):
    recipe = make_recipe("random_search", passes=0.02, batch_size=100, split="inner")
    run = execute(recipe, 0, runtime)
    loss, test, accuracy, rate = four_panels(tabulate([("one", run)])).axes
    (evaluation,) = run.evaluations
    assert evaluation["passes"] != evaluation["epochs"]
    assert lines(accuracy)["one"].tolist() == [[evaluation["passes"], evaluation["accuracy"]]]
    assert lines(loss)["one"].tolist() == [[p["passes"], p["loss"]] for p in run.trace]
    assert accuracy.get_xlabel() == "effective passes"
    assert test.get_title(loc="left") == "held-out loss (true mean)"
    assert accuracy.get_title(loc="left") == "held-out accuracy, %"
    assert rate.get_xlabel() == "effective passes"


def test_a_setting_that_failed_at_once_has_its_place_in_the_legend(runtime, runs):
    failed = execute(make_recipe("sgd", {"lr": 1e38}, epochs=1, batch_size=500), 0, runtime)
    assert failed.status == "diverged"
    figure = four_panels(tabulate([("good", runs[0]), ("bad", failed)]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["good", "bad"]


def test_where_every_setting_failed_at_once_there_is_a_figure_without_lines(runtime, tmp_path):
    """Nothing that could be drawn has no logarithm."""
    failed = execute(make_recipe("sgd", {"lr": 1e38}, epochs=100), 0, runtime)
    assert failed.trace == failed.evaluations == []
    path = save(four_panels(tabulate([("far too fast", failed)])), tmp_path / "none.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_race_is_against_seconds_of_training(runs):
    figure = race([("one", runs[0]), ("two", runs[1])])
    (axes,) = figure.axes
    for label, run in (("one", runs[0]), ("two", runs[1])):
        assert lines(axes)[label].tolist() == [
            [evaluation["seconds"], evaluation["accuracy"]] for evaluation in run.evaluations
        ]
    assert axes.get_xscale() == "log"
    assert "59.53" in axes.texts[0].get_text()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_format_is_the_endings(runs, tmp_path, ending, start):
    path = save(race([("one", runs[0])]), tmp_path / "new" / f"figure.{ending}")
    assert path.read_bytes().startswith(start)


def test_a_figure_that_cannot_be_written_is_a_users_mistake(runs, tmp_path):
    (tmp_path / "file").write_text("")
    for path, what in (
        (tmp_path / "figure.foo", "the figure"),
        (tmp_path / "file" / "figure.png", re.escape(str(tmp_path / "file"))),
    ):
        with pytest.raises(UserError, match=f"cannot write {what}"):
            save(race([("one", runs[0])]), path)
