"""The text that results are kept in: read as written, the same bytes, errors that name a line."""

import json
from dataclasses import replace

import pytest

from lenetlab.errors import UserError
from lenetlab.records.contest import CellKey, Contest
from lenetlab.records.rows import cell_path, read_results, row_as_json, row_from, write_results
from lenetlab.records.selection import best_first, leader
from tests.studies import made_up


def test_results_are_read_as_they_were_written(tmp_path):
    written = made_up(failing=["sgd"])
    write_results(tmp_path, written)
    assert read_results(tmp_path) == written
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.json*")}
    write_results(tmp_path, read_results(tmp_path))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.json*")} == before


def test_a_long_name_has_a_file_of_its_own(tmp_path):
    """A further search of a cell, and a neighbour, differ at the end of their names alone."""
    place = CellKey("adamw", "adaptive", "plain", variant="eps=1, " * 30)
    places = [place, replace(place, search=2), replace(place, variant=place.variant + "beta=1")]
    paths = [cell_path(tmp_path, one) for one in places]
    assert len(set(paths)) == 3
    assert all(len(path.name) < 130 for path in paths)


@pytest.mark.parametrize("scenario", ["../../etc", "..", "/etc", "a/b", ""])
def test_no_scenario_leads_out_of_its_folder(tmp_path, scenario):
    path = cell_path(tmp_path, CellKey("adamw", "adaptive", scenario))
    assert path.resolve().parent.parent == tmp_path.resolve()


@pytest.mark.parametrize("kind", ["cells", "searches"])
@pytest.mark.parametrize("field", ["variant", "rules", "norms", "problem", "tuned_on", "search"])
def test_a_place_of_another_kind_is_named(tmp_path, kind, field):
    write_results(tmp_path, made_up(["sgd"], ["plain"]))
    plan = json.loads((tmp_path / "study.json").read_text())
    plan[kind] = [{**plan["cells"][0], "search": 2, field: [3]}]
    (tmp_path / "study.json").write_text(json.dumps(plan))
    with pytest.raises(UserError, match=rf"study.{kind}\[0\].{field} is not"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("zzz", 1, "has an unknown field zzz"),
        ("scenario", "x" * 300, "of too many characters"),
        ("search", 10**400, "search is not a whole number"),
    ],
)
def test_a_place_that_can_be_none_is_named(tmp_path, field, value, said):
    write_results(tmp_path, made_up(["sgd"], ["plain"]))
    plan = json.loads((tmp_path / "study.json").read_text())
    plan["cells"][0][field] = value
    (tmp_path / "study.json").write_text(json.dumps(plan))
    with pytest.raises(UserError, match=said):
        read_results(tmp_path)


@pytest.mark.parametrize("field", ["passes", "seeds", "trials"])
def test_a_number_beyond_all_numbers_is_refused(tmp_path, field):
    write_results(tmp_path, made_up(["sgd"], ["plain"]))
    plan = json.loads((tmp_path / "study.json").read_text())
    (tmp_path / "study.json").write_text(json.dumps(plan | {field: 10**400}))
    with pytest.raises(UserError, match=f"study.{field} is not a"):
        read_results(tmp_path)


def test_a_broken_line_is_named(tmp_path):
    results = made_up(["sgd"], ["plain"])
    write_results(tmp_path, results)
    path = cell_path(tmp_path, results.cells[0].place)
    lines = path.read_text().splitlines()
    lines[3] = lines[3][:-9]
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"sgd\.jsonl:4 "):
        read_results(tmp_path)


def test_the_best_trial_is_a_done_one_and_the_leader_has_the_best_of_all():
    results = made_up(failing=["muon"])
    cells = results.within(Contest("plain"))
    for cell in cells[:-1]:
        assert cell.best.accuracy == max(t.accuracy for t in cell.trials if t.done)
    assert best_first(cells[-1].trials) == []
    assert cells[-1].best is None
    assert leader(cells).place.method == "soap"
    assert leader([cells[-1]]) is None


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("accuracy", "high", "row.accuracy is of no kind that it may be"),
        ("train_loss", float("nan"), "row.train_loss is of no kind that it may be"),
        ("seed", 0.5, "row.seed is not a whole number"),
        ("recipe", {}, "row.recipe has no method"),
        ("machine", [], "row.machine is not a table"),
        ("evaluations", {"at": []}, "row.evaluations has no passes"),
    ],
)
def test_a_row_is_refused_for_a_field_of_another_kind(field, value, said):
    whole = row_as_json(made_up(["sgd"], ["plain"]).rows()[0])
    assert row_as_json(row_from(whole)) == whole
    with pytest.raises(ValueError, match=said):
        row_from(whole | {field: value})
    with pytest.raises(ValueError, match=f"row has no {field}"):
        row_from({name: kept for name, kept in whole.items() if name != field})


def test_evaluations_are_as_many_in_every_column():
    whole = row_as_json(made_up(["sgd"], ["plain"]).rows()[-1])
    whole["evaluations"]["loss"].pop()
    with pytest.raises(ValueError, match="columns of different lengths"):
        row_from(whole)


def test_a_place_where_no_folder_can_be_is_a_users_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*; choose another place"):
        write_results(tmp_path / "file" / "results", made_up(["sgd"], ["plain"]))
