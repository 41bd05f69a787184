"""Figures and tables of what was measured inside runs: their numbers; and they can be drawn."""

import copy
from pathlib import Path

import numpy as np
import pytest

from lenetlab.errors import UserError
from lenetlab.problem.model import SHAPES
from lenetlab.report.charts import render
from lenetlab.report.charts.along import layer_rows, quantity_rows
from lenetlab.report.charts.landscape import _contours, _finer
from lenetlab.report.inspection import figures, tables
from lenetlab.report.inspection.page import Page, check_form, save_figure, write_page

HOSTILE = "</script><svg onload=alert(1)>{{ 7 }}"


def point(i, passes, angle=0.01, scale=100.0):
    noise = {"variance": 2.0, "squared_norm": 0.02, "scale": scale, "error": 5.0}
    return {
        "at": passes, "steps": 10 * i, "epochs": passes, "passes": passes, "loss": 2.0 - 0.1 * i,
        "accuracy": 80.0, "gradient_norm": 0.5, "sharpness": 3.0 - i, "noise": noise,
        "norms": dict.fromkeys(SHAPES, 2.0 + i), "angles": dict.fromkeys(SHAPES, angle),
    }  # fmt: skip


def inspected():
    line = {"t": [0.0, 0.5, 1.0], "loss": [2.3, 1.0, 0.3]}
    return {
        "examples": {"curvature": 100, "noise": 200},
        "along": [point(0, 0.0, None), point(1, 0.5), point(2, 1.0, scale=None)],
        "end": {
            "eigenvalues": [1.0, 0.5], "least": -0.25, "batch_size": 64,
            "trace": {"mean": 34.5, "error": 1.5, "samples": 30},
            "steps_factor": None, "examples_factor": None,
        },
        "line": line | {"barrier": 0.0},
        "random": [line, line],
    }  # fmt: skip


def plane(kind="start"):
    at = np.linspace(-2, 2, 7)
    return {
        "examples": 100, "kind": kind, "share": 0.8 if kind == "principal" else None,
        "x": at.tolist(), "y": at.tolist(),
        "loss": (1 + at[:, None] ** 2 + at[None, :] ** 2).tolist(),
        "runs": [
            {"x": [0.0, x], "y": [0.0, 1.0], "loss": [1.0, 2.0], "passes": [0.0, 1.0],
             "distance": [0.0, 0.5], "at": [0.0, 1.0]}
            for x in (1.0, -1.0)
        ],
        "lines": [{"t": [0.0, 1.0], "loss": [2.0, 2.5], "barrier": 0.125}],
    }  # fmt: skip


def test_rows_are_what_was_measured_and_nothing_that_was_not():
    rows = quantity_rows({"sgd": inspected()})
    noise = [row["value"] for row in rows if row["panel"].startswith("gradient noise")]
    assert noise == [100.0, 100.0]
    sharp = [row["value"] for row in rows if row["panel"].startswith("sharpness")]
    assert sharp == [3.0, 2.0, 1.0]
    turned = layer_rows({"sgd": inspected()}, "angles")
    assert {row["passes"] for row in turned} == {0.5, 1.0}
    assert turned[0]["value"] == pytest.approx(np.degrees(0.01))


def test_tables_say_the_numbers():
    ends = tables.ends({"sgd": inspected(), "muon": inspected()})
    said = {row[0]: row[1] for row in ends.rows}
    assert ends.head == ["", "sgd", "muon"]
    assert said["largest Hessian eigenvalues"] == "1.00, 0.500"
    assert said["least eigenvalue"] == "−0.250"
    assert said["trace of the Hessian"] == "34.5 ± 1.50"
    assert said["critical batch size: the noise scale"] == "more than can be told"
    assert said["at it, × the fewest steps"] == "–"
    layers = tables.layers("sgd", inspected())
    assert layers.rows[0] == ["fc1.weight", "2.00", "4.00", "0.573", "0.573"]
    rows = tables.in_plane(plane(), ["sgd", "muon"]).rows
    assert [row[-1] for row in rows] == ["–", "0.125"]


@pytest.mark.parametrize("names", [["sgd", "muon"], ["sgd", HOSTILE]])
def test_every_figure_is_drawn_on_a_page_where_nothing_runs(names, tmp_path):
    found = {name: inspected() for name in names}
    drawn = [
        *figures.inspected_figures(found),
        *figures.plane_figures(plane(), names),
        *figures.plane_figures(plane("principal"), names),
        *figures.plane_figures(plane("ends"), names),
    ]
    assert len(drawn) == 11
    words = [tables.ends(found), *(tables.along(name, one) for name, one in found.items())]
    path = write_page(Page(HOSTILE, [HOSTILE], drawn, words), tmp_path / "page.html")
    text = path.read_text()
    assert text.count("<svg ") == len(drawn)
    assert "NaN" not in text
    assert "<script" not in text
    assert "onload=alert(1)>" not in text.replace("&lt;svg onload=alert(1)&gt;", "")
    for one in drawn:
        assert render.spec(one.chart)["description"]


def test_ends_alone_have_no_picture_of_steps():
    one = inspected()
    one["along"] = [point(0, 0.0, None), point(2, 1.0, None)]
    titles = [figure.title for figure in figures.inspected_figures({"sgd": one})]
    assert len(titles) == 4
    assert not any("turns" in title for title in titles)


def test_the_paper_gets_one_figure(tmp_path):
    drawn = figures.plane_figures(plane(), ["sgd", "muon"])
    for form, begins in ((".svg", b"<svg"), (".pdf", b"%PDF"), (".png", b"\x89PNG")):
        assert save_figure(drawn, tmp_path / f"f{form}").read_bytes().startswith(begins)
    with pytest.raises(UserError, match="expected one of"):
        check_form(Path("f.gif"))


def test_contours_are_where_the_loss_is_level():
    found = plane()
    rows = _contours(found, 1.0, 9.0)
    for name in {row["line"] for row in rows}:
        radii = [np.hypot(row["x"], row["y"]) for row in rows if row["line"] == name]
        level = np.exp(float(name.split()[0]))
        assert np.allclose(radii, np.sqrt(level - 1), atol=0.05)
    finer = _finer(found, 4)
    np.testing.assert_allclose(finer["loss"][::4, ::4], found["loss"])


def test_charts_leave_what_they_draw_as_it_was():
    found, before = inspected(), inspected()
    figures.inspected_figures({"sgd": found})
    assert found == before
    kept = copy.deepcopy(laid := plane())
    figures.plane_figures(laid, ["sgd", "muon"])
    assert laid == kept
