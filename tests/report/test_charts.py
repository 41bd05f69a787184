"""Charts: their data are the rows', they can be drawn, and a method looks alike in all."""

import dataclasses
import json
import re

import altair as alt
import numpy as np
import pytest
import vl_convert

from lenetlab.analysis.at_budget import at_budgets
from lenetlab.analysis.board import board
from lenetlab.analysis.budget import best_of_k
from lenetlab.analysis.profiles import profiles as profiles_of
from lenetlab.methods.registry import FAMILIES
from lenetlab.records.contest import Contest
from lenetlab.report.charts import render
from lenetlab.report.charts.at_budget import at_budget, at_budget_rows
from lenetlab.report.charts.curves import AXES, accuracy_curves, curve_rows, loss_curves
from lenetlab.report.charts.differences import difference_rows, differences
from lenetlab.report.charts.frontier import frontier, frontier_rows
from lenetlab.report.charts.leader import confusion, filters
from lenetlab.report.charts.pareto import front, pareto
from lenetlab.report.charts.profiles import budget, budget_rows, profile_rows, profiles
from lenetlab.report.charts.render import spec
from lenetlab.report.charts.rows import Rows
from lenetlab.report.charts.sensitivity import sensitivity, trial_rows
from lenetlab.report.charts.theme import Styles, config, styles, ticks
from lenetlab.report.colours import FAMILY_COLOURS
from tests.studies import made_up

L2 = Contest("l2")
HOSTILE = "</script><b>\"'\\ | $x$ {{ 7 }} é 漢字 🎉 " + "long" * 75

STUDIES = {
    "usual": made_up(seeds=4),
    "nothing done": made_up(["sgd", "adamw"], seeds=0, trials=0),
    "one method": made_up(["adamw"], seeds=4),
    "one seed": made_up(["sgd", "adamw"], seeds=1),
    "all diverged": made_up(["sgd", "adamw"], failing=["sgd", "adamw"]),
    "hostile names": made_up(["sgd", HOSTILE], seeds=2),
}


def everything(results, interactive):
    """Every chart of a study's scenario l2."""
    cells, style = results.within(L2), styles(results)
    names = [cell.place.name for cell in cells]
    found = board(results, L2)
    rows = curve_rows(cells)
    for i, x in enumerate(AXES):  # a third of the charts each
        draw = (accuracy_curves, loss_curves, pareto)[i]
        yield draw(cells, style, x, rows=rows)
    yield sensitivity(cells, names, interactive)
    yield differences(difference_rows(found), names[0], "l2", style)
    yield profiles(profile_rows(profiles_of(results)), style)
    yield budget(budget_rows(cells), style, "l2")
    yield frontier(cells, style)
    points = at_budget_rows(at_budgets([results], "l2"), style)
    starter = {"passes": 10.0, "accuracy": 59.53}
    yield at_budget(points, "cpu_seconds", "l2")
    yield at_budget(points, "passes", "l2", starter)


LATER = {"one method", "one seed", "all diverged"}  # between nothing done and the usual


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.long) if name in LATER else name for name in STUDIES],
)
def test_every_chart_can_be_drawn_on_paper_and_on_a_page(name):
    for chart in everything(STUDIES[name], interactive=False):
        svg = render.draw(chart, "svg")
        assert svg.startswith(b"<svg")
        assert b"NaN" not in svg
    for chart in everything(STUDIES[name], interactive=True):
        page = render.spec(chart, "container")
        vl_convert.vegalite_to_vega(page, config=config())  # a sentence, where it is invalid
        assert "config" not in page
        assert page["description"]


def data_of(chart, name):
    data = render.spec(chart)["data"]
    assert data["name"] == name
    return data["values"]


def test_curves_are_means_over_seeds_in_a_band():
    results = made_up(seeds=4)
    cells = results.within(L2)
    drawn = data_of(accuracy_curves(cells, styles(results)), "curves, scenario l2")
    other = loss_curves(cells, styles(results), "cpu_seconds")
    assert drawn == data_of(other, "curves, scenario l2")
    for cell in cells:
        mine = [row for row in drawn if row["method"] == cell.place.name]
        for key in ("accuracy", "loss", *AXES):
            runs = np.array(
                [[evaluation[key] for evaluation in row.evaluations] for row in cell.finals]
            )
            assert [row[key] for row in mine] == pytest.approx(runs.mean(0), rel=1e-5)
        assert {row["n"] for row in mine} == {4}
        assert all(row["loss_low"] < row["loss"] < row["loss_high"] for row in mine)
        assert len(mine) == 13


def test_a_single_seed_has_no_band():
    rows = curve_rows(made_up(["sgd"], seeds=1).within(L2))
    assert all(row["loss_low"] is None and row["loss_high"] is None for row in rows)


def test_differences_are_the_boards():
    found = board(made_up([f"m{i}" for i in range(30)], ["l2"], seeds=5, trials=2), L2)
    rows = difference_rows(found)
    assert {row["open"] for row in rows} == {True, False}
    lines = [line for line in found.lines if line.difference]
    assert [row["method"] for row in rows] == [line.name for line in lines]
    for name in ("low", "high"):
        expected = [getattr(line.difference, name) for line in lines]
        assert [row[name] for row in rows] == pytest.approx(expected, rel=1e-4)
    assert [row["open"] for row in rows] == [
        line.standing in ("tied", "borderline") for line in lines
    ]
    assert {row["verdict"] for row in rows} <= {"tie", "borderline", "ahead", "behind"}
    assert [row["p"] for row in rows] == pytest.approx(
        [line.difference.adjusted for line in lines], rel=1e-2
    )


def test_profiles_and_budgets_are_the_analysiss():
    results = made_up()
    found = profiles_of(results)
    rows = profile_rows(found)
    for profile in found:
        mine = [(row["ratio"], row["fraction"]) for row in rows if row["method"] == profile.method]
        for ratio in (1, 1.2, 1.5, 2, 10):
            drawn = max((y for x, y in mine if x <= ratio), default=0)
            assert drawn == pytest.approx(profile.at(ratio + 1e-5), abs=1e-4)
    assert len({max(r["ratio"] for r in rows if r["method"] == p.method) for p in found}) == 1
    cells = results.within(L2)
    spent = budget_rows(cells)
    assert [row["best"] for row in spent] == [b.median for c in cells for b in best_of_k(c)]
    assert [row["trials"] for row in spent] == [*range(1, 13)] * 5


def with_final(cell, number, **changes):
    finals = [dataclasses.replace(r, **changes) if r.number == number else r for r in cell.finals]
    return dataclasses.replace(cell, finals=tuple(finals))


def test_a_mean_is_never_over_other_seeds_than_its_neighbours():
    cell = made_up(["sgd"], seeds=3).within(L2)[0]
    short = with_final(cell, 1, evaluations=cell.finals[1].evaluations[:5])
    assert [row["passes"] for row in curve_rows([short])] == [0.1, 0.25, 0.5, 1, 2]
    failed = with_final(cell, 1, status="diverged", evaluations=cell.finals[1].evaluations[:5])
    rows = curve_rows([failed])
    assert len(rows) == len(cell.finals[0].evaluations)
    assert {row["n"] for row in rows} == {2}


def test_looks_before_a_constraint_holds_are_left_out():
    cell = made_up(["sgd"], scenarios=["sparse"], seeds=1).within(Contest("sparse"))[0]
    evaluations = [dict(evaluation, nonzeros=40_800 if i < 3 else 24_480)
             for i, evaluation in enumerate(cell.finals[0].evaluations)]  # fmt: skip
    recipe = {**cell.finals[0].recipe, "constraint": ["magnitude", {}]}
    bound = with_final(cell, 0, evaluations=evaluations, recipe=recipe)
    assert len(curve_rows([bound])) == len(evaluations) - 3


def test_the_front_is_what_no_other_point_beats():
    draw = np.random.default_rng(0)
    rows = [{"x": float(x), "accuracy": float(y)} for x, y in draw.integers(0, 12, (60, 2))]
    beaten = [
        any((b["x"] <= a["x"] and b["accuracy"] > a["accuracy"])
            or (b["x"] < a["x"] and b["accuracy"] >= a["accuracy"]) for b in rows)
        for a in rows
    ]  # fmt: skip
    unbeaten = {(a["x"], a["accuracy"]) for a, bad in zip(rows, beaten, strict=True) if not bad}
    assert [(a["x"], a["accuracy"]) for a in front(rows, "x")] == sorted(unbeaten)


def test_sensitivity_shows_every_trial_and_failed_ones_without_a_number():
    results = made_up(["sgd", "adamw"], failing=["sgd"])
    rows = trial_rows(results.within(L2))
    trials = [row for cell in results.within(L2) for row in cell.trials]
    assert [row["run"] for row in rows] == [row.id for row in trials]
    assert [row["rate"] for row in rows] == [row.recipe["method"][1]["lr"] for row in trials]
    assert [row["batch"] for row in rows] == [row.recipe["plan"][1]["size"] for row in trials]
    assert [row["accuracy"] for row in rows] == [row.accuracy for row in trials]
    assert sum(row["accuracy"] is None for row in rows) >= 12
    assert rows[0]["status"] == "diverged, loss is nan at step 17"


def test_a_recipe_at_the_default_batch_size_is_drawn_at_it():
    cell = made_up(["sgd"], trials=1, seeds=0).within(L2)[0]
    recipe = {key: value for key, value in cell.trials[0].recipe.items() if key != "plan"}
    trial = dataclasses.replace(cell.trials[0], recipe=recipe)
    assert trial_rows([dataclasses.replace(cell, trials=(trial,))])[0]["batch"] == 64


def test_the_frontier_has_the_bounded_cells_by_nonzeros():
    cells = []
    for keep in (4080, 408, 12_240):
        cell = made_up(["adamw"], scenarios=["frontier"], seeds=3).cells[0]
        finals = [dataclasses.replace(row, nonzeros=keep,
                                      recipe={**row.recipe, "constraint": ["iht", {"keep": keep}]})
                  for row in cell.finals]  # fmt: skip
        place = dataclasses.replace(cell.place, variant=f"keep={keep}")
        cells.append(dataclasses.replace(cell, place=place, finals=tuple(finals)))
    rows = frontier_rows([*cells, *made_up(["adamw"]).within(L2)])
    assert [row["nonzeros"] for row in rows] == [408, 4080, 12_240]
    assert [row["n"] for row in rows] == [3, 3, 3]
    mean = np.mean([row.accuracy for row in cells[1].finals])
    assert rows[0]["accuracy"] == pytest.approx(mean, rel=1e-5)
    # a line is a method's, however many cells it has
    drawn = frontier(cells, Styles(tuple(cell.place.name for cell in cells)))
    assert scale_of(drawn.to_dict(), "color")["domain"] == ["adamw"]


def scale_of(spec, channel):
    """The first scale of `channel` with a domain, wherever it is in the specification."""
    if isinstance(spec, dict):
        found = spec.get("encoding", {}).get(channel, {}).get("scale")
        if found is not None and "domain" in found:
            return found
    inner = spec.values() if isinstance(spec, dict) else spec if isinstance(spec, list) else ()
    return next((found for part in inner if (found := scale_of(part, channel))), None)


def test_a_method_looks_alike_in_all_charts_and_forty_can_be_told_apart():
    results = made_up([f"m{i:02}" for i in range(40)], seeds=2, trials=2)
    style, cells = styles(results), results.within(L2)
    curves, points = (
        accuracy_curves(cells, style),
        pareto(results.within(Contest("sparse")), style),
    )
    for channel in ("color", "shape"):
        assert scale_of(render.spec(curves), channel) == scale_of(render.spec(points), channel)
    dashes = scale_of(render.spec(curves), "strokeDash")["range"]
    shapes = scale_of(render.spec(curves), "shape")["range"]
    colours = scale_of(render.spec(curves), "color")["range"]
    looks = list(zip(colours, map(tuple, dashes), shapes, strict=True))
    assert len(set(looks)) == 40
    for colour in set(colours):  # eight methods each, and either of dash and shape is enough
        its = [look for look in looks if look[0] == colour]
        assert len({dash for _, dash, _ in its}) == len({shape for *_, shape in its}) == 8


def test_a_family_has_its_colour_whatever_else_is_drawn():
    many, few = made_up(seeds=2, trials=2), made_up(["muon"], seeds=2, trials=2)
    for results in (many, few):
        style = styles(results)
        for cell in results.cells:
            assert style.colour_of(cell.place.name) == FAMILY_COLOURS[cell.place.family]
    assert FAMILY_COLOURS.keys() == FAMILIES.keys()
    without = Styles(tuple(f"m{i}" for i in range(12)))  # runs by `lenetlab run` say no family
    drawn = [without.colour_of(name) for name in without.names]
    assert drawn == [*FAMILY_COLOURS.values(), *list(FAMILY_COLOURS.values())[:2]]


@pytest.mark.parametrize("ground", ["#ffffff", "#15171a"])
def test_a_familys_colour_stands_out_from_the_page(ground):
    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    for colour in FAMILY_COLOURS.values():  # WCAG 2.2, 1.4.11
        low, high = sorted((light(colour), light(ground)))
        assert (high + 0.05) / (low + 0.05) >= 3


def test_legends_say_what_a_stranger_knows_and_the_name_beside_it():
    results = made_up(["sgd", "muon", "ema+sgd"], seeds=2, trials=2)
    titles = {"sgd": "Mini-batch gradient descent", "muon": "Muon"}
    style = styles(results, titles)
    assert style.label("sgd") == "Mini-batch gradient descent (sgd)"
    assert style.label("muon") == "Muon"
    assert style.label("ema+sgd") == "ema+sgd"
    assert style.among_scenarios("muon", "l2") == "Muon with decay"
    assert style.among_scenarios("muon", "sparse") == "Muon"
    drawn = render.draw(accuracy_curves(results.within(L2), style), "svg").decode()
    for name in ("Mini-batch gradient descent (sgd)", "Muon", "ema+sgd"):
        assert f">{name}</text>" in drawn


def at(budget, accuracy, method="muon", **changes):
    """Results of one method in scenario plain, whose finals have that budget and mean."""
    made = made_up([method], ["plain"], seeds=3, trials=1)
    finals = tuple(
        dataclasses.replace(row, accuracy=accuracy + off, passes=budget,
                            recipe={**row.recipe, "budget": ["passes", budget]}, **changes)
        for row, off in zip(made.cells[0].finals, (-0.1, 0.0, 0.1), strict=True)
    )  # fmt: skip
    cell = dataclasses.replace(made.cells[0], finals=finals)
    return dataclasses.replace(made, passes=budget, cells=(cell,))


def test_budgets_of_several_studies_stand_together():
    ladder = [at(10.0, 91.0), at(0.25, 80.0), at(40.0, 92.0), at(10.0, 50.0)]
    found = at_budgets(ladder, "plain")
    assert [one.passes for one in found] == [0.25, 10.0, 40.0]
    assert [one.accuracy.mean for one in found] == pytest.approx([80, 91, 92])  # the first counts
    low = found[0].accuracy.interval.low
    assert low == pytest.approx(80 - 4.302653 * 0.1 / 3**0.5, abs=1e-5)  # t of 2 degrees, 97.5 %
    assert {one.line for one in found} == {"muon"}
    assert at_budgets(ladder, "l2") == []
    failed = at(5.0, 90.0, status="diverged", reason="loss is nan")
    assert at_budgets([failed], "plain") == []
    other = at(10.0, 99.0)
    place = dataclasses.replace(other.cells[0].place, problem="mnist")
    other = dataclasses.replace(other, cells=(dataclasses.replace(other.cells[0], place=place),))
    assert [one.accuracy.mean for one in at_budgets([other, *ladder], "plain")] == [
        one.accuracy.mean for one in found
    ]
    assert at_budgets([other], "plain", "mnist")[0].accuracy.mean == pytest.approx(99)


def test_a_study_that_varies_the_budget_is_a_ladder_too():
    cells = []
    for passes in (2.5, 5.0):
        cell = at(passes, 88.0 + passes).cells[0]
        place = dataclasses.replace(cell.place, variant=f"passes={passes:g}")
        cells.append(dataclasses.replace(cell, place=place))
    found = at_budgets([dataclasses.replace(at(5.0, 90.0), cells=tuple(cells))], "plain")
    assert [(one.line, one.passes) for one in found] == [("muon", 2.5), ("muon", 5.0)]


def test_the_answer_names_the_front_and_puts_the_starter_at_the_foot():
    ladder = [at(10.0, 91.0), at(1.0, 88.0), at(10.0, 90.0, "sgd"), at(1.0, 40.0, "sgd")]
    style = styles(ladder[0], {"muon": "Muon"}, ladder[1:])  # of which the first has no sgd
    assert style.names == ("muon", "sgd")
    rows = at_budget_rows(at_budgets(ladder, "plain"), style)
    chart = at_budget(rows, "passes", "plain", {"passes": 10.0, "accuracy": 59.53})
    own = [layer["data"] for layer in render.spec(chart)["layer"] if "data" in layer]
    data = {one["name"]: one["values"] for one in own if {"name", "values"} <= one.keys()}
    assert [
        (row["called"], row["accuracy"]) for row in data["names at budgets, plain, passes"]
    ] == [("Muon", 88.0)]  # once, where it begins
    steps = data["front at budgets, plain, passes"]
    assert [(row["passes"], row["accuracy"]) for row in steps] == [(1, 88), (10, 91), (10, 91)]
    drawn = render.draw(chart, "svg").decode()
    assert "the starter, 59.53 % (far below)" in drawn


@pytest.mark.parametrize(("lowest", "shown"), [(80.0, True), (60.0, False)])
def test_few_points_are_all_within_the_axis_but_what_broke_down(lowest, shown):
    ladder = [at(10.0, 91.0), at(10.0, lowest, "sgd")]
    rows = at_budget_rows(at_budgets(ladder, "plain"), styles(ladder[0], {}, ladder[1:]))
    drawn = json.dumps(render.spec(at_budget(rows, "passes", "plain")))
    feet = [float(low) for low in re.findall(r'"domain": \[(\d+\.\d+), \d+\.\d+\]', drawn)]
    assert any(50 < foot < lowest for foot in feet) == shown


def test_the_best_on_held_out_images_have_the_first_colours():
    results = made_up(["sgd", "nesterov", "adamw"])
    best = {cell.place.method: [] for cell in results.cells}
    for cell in results.cells:
        best[cell.place.method].append(cell.best.accuracy)
    order = sorted(best, key=lambda name: -sum(best[name]))
    assert list(styles(results).names) == order


def test_colours_are_the_families_and_the_ink_comes_from_the_configuration():
    results = made_up(seeds=2, trials=3)
    for chart in everything(results, True):
        text = json.dumps(render.spec(chart))
        assert set(re.findall(r"#[0-9A-Fa-f]{3,8}", text)) <= set(FAMILY_COLOURS.values())
    dark = vl_convert.vegalite_to_svg(
        render.spec(accuracy_curves(results.within(L2), styles(results))),
        config=config("#eeeeee"),
    )
    assert "#1a1a1a" not in dark
    assert "#eeeeee" in dark or "#eee" in dark


def test_the_leader_is_drawn_with_its_counts():
    counts = np.random.default_rng(0).integers(0, 90, (10, 10)).tolist()
    drawn = data_of(confusion(counts, "l2"), "confusion, l2")
    assert [row["images"] for row in drawn] == [n for line in counts for n in line]
    assert sum(row["mistakes"] is None for row in drawn) == 10
    assert render.draw(confusion(counts, "l2"), "svg")
    weights = np.random.default_rng(0).normal(size=(6, 5, 5)).tolist()
    shown = data_of(filters(weights, "l2"), "filters, l2")
    flat = [value for one in weights for line in one for value in line]
    assert [row["weight"] for row in shown] == pytest.approx(flat, rel=1e-3)
    assert render.draw(filters(weights, "l2"), "pdf").startswith(b"%PDF")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 10, [0.1, 0.2, 0.5, 1, 2, 5, 10]), (0.1, 3, [0.1, 0.2, 0.5, 1, 2, 3]),
     (0.1, 3.1, [0.1, 0.2, 0.5, 1, 2]), (0.1, 24, [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]),
     (0.07, 7000, [0.1, 1, 10, 100, 1000]),
     (0.3, 1, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]), (0, 3, []), (5, 5, [5])],
)  # fmt: skip
def test_ticks_of_a_logarithmic_axis(low, high, expected):
    assert ticks(low, high) == expected


def test_the_places_of_a_picture_are_cut_and_one_that_is_nearly_zero_stays_so():
    drawn = '<path d="M1.23456e-14,20.98765" transform="translate(0.5,3.333)" x="1.23456"/>'
    assert render.shortened(drawn, 2) == (
        '<path d="M1.23e-14,20.98" transform="translate(0.5,3.33)" x="1.23456"/>'
    )


def test_rows_are_what_altair_would_make_of_them():
    """They are handed over as they are; a chart of plain inline data says the same."""
    rows = [{"x": 1.5, "y": 2, "name": "a"}, {"x": 2.5, "y": None, "name": "b"}]
    made = [
        alt.Chart(data).mark_line().encode(x="x:Q", y="y:Q").properties(width=99)
        for data in (Rows(rows, "own"), alt.InlineData(values=rows, name="own"))
    ]
    ours, altairs = (spec(alt.layer(chart, chart.mark_point())) for chart in made)
    assert ours == altairs
