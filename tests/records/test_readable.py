"""Text that others wrote is made fit to be shown where it is read, for every reader alike."""

import json
import re
import sys
import unicodedata
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from lenetlab.cli.app import app
from lenetlab.errors import UserError
from lenetlab.records.locate import open_results
from lenetlab.records.readable import readable
from lenetlab.records.rows import write_results
from lenetlab.report.attachments import read_attachments
from lenetlab.report.page.write import render
from lenetlab.report.paper.write import write
from tests.evening import write_run
from tests.studies import made_up

BAD = "a\x07b\x1b[31m\x00c\ud800d\x85e\n\udcfff\u202eg\ufffe"


def unfit(text):
    """What a file, a terminal or a chart cannot have."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cs")} - {"\n"}


def test_what_cannot_be_shown_is_a_mark_and_breaks_are_a_space():
    assert readable(BAD) == "a\ufffdb\ufffd[31m\ufffdc\ufffdd e \ufffdf\ufffdg\ufffd"
    for fine in ("Größe-ε₁ 優化器 🏆", "‘quoted’ – & <b>", "", "\ufffd"):
        assert readable(fine) == fine
    assert readable({"\x07": [1, None, ("\t", 2.5)]}) == {"\ufffd": [1, None, (" ", 2.5)]}


def test_no_character_that_turns_or_breaks_a_line_is_left():
    marks = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B")
    for c in map(chr, range(sys.maxunicode + 1)):
        if unfit(c) or c == "\n" or unicodedata.bidirectional(c) in marks:
            assert readable(f"a{c}b") in ("a\ufffdb", "a b"), hex(ord(c))


@pytest.fixture
def evening(tmp_path):
    """Runs with such a method, setting and reason, in a folder of such a name."""
    folder = tmp_path / "runs \x07 \udcff"
    for seed in (0, 1):
        write_run(folder, seed, method=["sgd", {"mode": BAD}])
        write_run(folder, seed, method=[f"own.py:{BAD}", {}])
    write_run(folder, method=[BAD, {}], failed=BAD)
    return folder


@pytest.fixture
def study(tmp_path):
    """A study with such a title, reason, and texts beside it."""
    folder = tmp_path / "study"
    write_results(folder, made_up(("sgd", "adamw"), ("plain",), 2, 2, failing=("adamw",)))
    plan = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps(plan | {"title": BAD}))
    rows = folder / "plain" / "adamw.jsonl"
    rows.write_text(rows.read_text().replace("loss is nan at step 17", json.dumps(BAD)[1:-1]))
    (folder / "methods.json").write_text(json.dumps({"sgd": {"family": BAD, "summary": BAD}}))
    (folder / "discussion.md").write_text("### Why\n\nBecause \x07\x1b of it.\n")
    return folder


@pytest.mark.parametrize("kind", ["evening", "study"])
def test_every_report_of_such_runs_is_written(kind, request, tmp_path):
    folder = request.getfixturevalue(kind)
    results, beside = open_results(folder), read_attachments(folder)
    page = render(results, beside).replace("\r", "").replace("\t", "")
    # of the scripts in it, which are ours
    assert not unfit(re.sub("<script.*?</script>", "", page, flags=re.DOTALL))
    page.encode()
    for form in ("md", "tex", "pdf"):
        path = write(results, tmp_path / f"paper.{form}", form, beside)[0]
        assert path.stat().st_size > 1000
        if form != "pdf":
            assert not unfit(path.read_text())


def test_a_terminal_is_told_the_same(evening, study):
    for command, folder in (("compare", evening), ("compare", study), ("watch", study)):
        result = CliRunner().invoke(app, [command, str(folder)], env={"COLUMNS": "200"})
        assert result.exit_code == 0, result.output
        assert not unfit(result.output)
        assert "\ufffd" in result.output


def test_a_row_with_half_a_pair_is_read_and_one_with_no_number_is_not(study):
    rows = open_results(study).cells[1].finals
    assert rows[0].reason == readable(BAD)
    path = study / "plain" / "sgd.jsonl"
    path.write_text(re.sub(r'"accuracy": [0-9.]+', '"accuracy": NaN', path.read_text(), count=1))
    with pytest.raises(UserError, match=r"sgd\.jsonl:1 is no row"):
        open_results(study)


def test_what_lies_beside_and_is_broken_is_a_sentence(study):
    (study / "leaders.json").write_text('[{"id": "x", "colour": 1}]')
    with pytest.raises(UserError, match=r"leaders\.json is broken"):
        read_attachments(study)
    (study / "leaders.json").unlink()
    run = {"method": "sgd", "seed": 0, "passes": [], "x": [], "y": [], "loss": []}
    plane = {"kind": "", "share": None, "examples": 1, "x": [], "y": [], "loss": [], "runs": [run]}
    (study / "plane.json").write_text(json.dumps(plane))
    with pytest.raises(UserError, match=r"plane\.json is broken.*label"):
        read_attachments(study)
    (study / "plane.json").unlink()
    (study / "discussion.md").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"discussion\.md is no text in UTF-8"):
        read_attachments(study)


def test_a_name_of_bytes_that_are_no_text_is_kept_and_read_again(tmp_path):
    """Half a pair is written as JSON's own escape, so that nothing is lost."""
    from lenetlab.disk import read_json, replace_json

    replace_json(tmp_path / "run.json", {"label": "own\udcff.py"})
    assert read_json(tmp_path / "run.json") == {"label": "own\udcff.py"}
    made = made_up(("own",), ("plain",), 1, 0)
    place = replace(made.cells[0].place, method="own\udcff")
    finals = tuple(replace(row, label="own\udcff") for row in made.cells[0].finals)
    cell = replace(made.cells[0], place=place, finals=finals)
    write_results(tmp_path, replace(made, cells=(cell,)))
    (found,) = open_results(tmp_path).cells
    assert found.place.method == found.finals[0].label == "own\ufffd"
