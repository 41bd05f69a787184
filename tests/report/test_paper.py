"""The paper: its numbers are the analysis's, its pages ten at most, its sources named."""

import json
import re
import shutil
import subprocess
import zlib
from dataclasses import replace
from itertools import dropwhile, takewhile
from pathlib import Path
from urllib.parse import unquote

import pytest

from lenetlab.analysis.board import board
from lenetlab.cli.report import _spaces
from lenetlab.errors import UserError
from lenetlab.methods.registry import methods
from lenetlab.phrases import p_value
from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import CellKey, Contest
from lenetlab.records.leader_net import LeaderNet
from lenetlab.records.rows import read_results
from lenetlab.records.selection import leader
from lenetlab.report import formats
from lenetlab.report.attachments import Attachments
from lenetlab.report.charts.theme import styles
from lenetlab.report.paper.compose import compose
from lenetlab.report.paper.facts import all_facts
from lenetlab.report.paper.numbers import Fact, Numbers
from lenetlab.report.paper.pictures import Pictures
from lenetlab.report.paper.tex import Tex
from lenetlab.report.paper.typst import Typst
from lenetlab.report.paper.write import write
from lenetlab.report.wording.protocol import prices
from tests.studies import made_up, row

L2 = Contest("l2")
HERE = Path(__file__).parents[2]
FORTY = [f"method_{i:02}" for i in range(40)]
ONE = ["l2"]
ODD = {
    "nothing planned": Results("none", "Nothing", 0, 0, 0, 0, ()),
    "nothing done": made_up(seeds=0, trials=0),
    "trials only": made_up(["sgd", "adamw"], ONE, seeds=0),
    "one method": made_up(["adamw"], ONE),
    "one seed": made_up(scenarios=ONE, seeds=1),
    "untuned": replace(made_up(scenarios=ONE, trials=0), trials=0, tuning_passes=0),
    "all diverged": made_up(["sgd", "adamw"], failing=["sgd", "adamw"]),
    "hostile names": made_up(["sgd", "a|b`*_#$<x>[y](z) {{ 7 }} // \\ 漢" + "x" * 300], ONE),
}


@pytest.fixture
def composed(tmp_path):
    """Composes the paper of results, without drawing a figure."""

    class NoPictures(Pictures):
        def draw(self, chart, name, width=0):
            return f"figures/{name}.svg"

    def paper(results, attachments=None):
        pictures = NoPictures(tmp_path, "svg", styles(results))
        return compose(results, attachments or Attachments(), pictures)

    return paper


def pages(pdf):
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def attached(pdf):
    """The JSON attached to a PDF."""
    for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        try:
            text = zlib.decompress(part)
        except zlib.error:
            continue
        if text.startswith(b'[\n {\n  "name"'):
            return json.loads(text)
    raise AssertionError("no sources in the PDF")


def test_a_pdf_has_its_pages_and_its_sources(tmp_path):
    results = made_up(["sgd", "nesterov", "muon"], ["plain", "l2"], failing=["nesterov"])
    [path] = write(results, tmp_path / "new" / "paper.pdf")
    pdf = path.read_bytes()
    assert pdf.startswith(b"%PDF")
    assert 3 <= pages(pdf) <= 10
    sources = {source["name"]: source for source in attached(pdf)}
    cell = next(c for c in results.within(L2) if c.place.method == "muon")
    mean = sum(row.accuracy for row in cell.finals) / len(cell.finals)
    assert sources["l2.muon.accuracy_bare"]["text"] == f"{mean:.2f}"
    assert sources["l2.muon.accuracy_bare"]["runs"] == [row.id for row in cell.finals]
    assert sources["l2.muon.held_out"]["runs"] == [cell.best.id]
    assert sources["failed"]["text"] == str(
        sum(not row.done for c in results.cells for row in (*c.trials, *c.finals))
    )
    assert write(results, tmp_path / "again.pdf")[0].read_bytes() == pdf


@pytest.mark.long
def test_forty_methods_in_three_scenarios_fit_ten_pages(tmp_path):
    for failing in ([], FORTY):
        [path] = write(made_up(FORTY, seeds=3, failing=failing), tmp_path / "paper.pdf")
        assert pages(path.read_bytes()) <= 10


@pytest.mark.long
def test_the_longest_study_is_cut_to_ten_pages_and_says_so(tmp_path):
    scenarios = ["plain", "l2", "sparse", "sparse+l2", "frontier", "frontier+l2"]
    [path] = write(made_up(FORTY, scenarios, seeds=2, trials=2), tmp_path / "paper.pdf")
    assert pages(path.read_bytes()) <= 10


def test_a_number_never_begins_a_line(composed):
    text = 'Seeds (of them\n{{ figure("seeds") }}) and\n{{ figure("seeds") }}.\n'
    paper = composed(made_up(["sgd"], seeds=1), Attachments(discussion=text)).markdown
    assert "Seeds (of them 1) and 1." in paper


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_have_a_paper_too(name, tmp_path):
    [path] = write(ODD[name], tmp_path / "paper.pdf")
    assert 1 <= pages(path.read_bytes()) <= 10


def cells_of(markdown, heading):
    """The rows of the first table under `heading`, by the first cell."""
    lines = markdown.partition(heading + "\n")[2].partition("\n## ")[0].split("\n")
    table = takewhile(lambda line: line.startswith("|"),
                      dropwhile(lambda line: not line.startswith("|"), lines))  # fmt: skip
    rows = [line.strip("| ").split(" | ") for line in table]
    return {row[0].strip("`"): row for row in rows[2:]}


def test_the_leaderboard_is_the_boards(composed):
    results = made_up(failing=["nesterov"])
    for scenario in ("plain", "l2"):
        found = board(results, Contest(scenario))
        rows = cells_of(composed(results).markdown, f"## Scenario {scenario}")
        for line in found.lines:
            row = rows[line.name]
            if line.accuracy is None:
                assert row[1:] == [*"–––––––", "not tested", "0"]
                continue
            half = (line.accuracy.interval.high - line.accuracy.interval.low) / 2
            assert row[1:6] == [
                f"{line.held_out:.2f}", f"{line.accuracy.mean:.2f}", f"{half:.2f}",
                f"{line.loss.mean:.4f}", f"{line.starter_average_loss:.6f}",
            ]  # fmt: skip
            if line.difference is None:
                assert row[6:] == ["–", "–", "**leader**", "10"]
            else:
                assert row[6] == f"{line.difference.mean:+.2f}".replace("-", "−")
                assert row[8] == {"tied": "tie"}.get(line.standing, line.standing)


def test_the_paper_has_the_order_in_which_it_is_read(composed):
    attachments = Attachments(
        discussion="Said.", spaces={"muon": {"lr": "0.1 … 1 (log)", "batch_size": "32, 64"}},
        methods={"muon": {"reference": "Jordan et al. 2024"}},
    )  # fmt: skip
    results = made_up(["sgd", "adamw", "soap", "muon"], seeds=3)
    text = composed(results, attachments).markdown
    assert re.findall("^##+ (.*)$", text, re.MULTILINE) == [
        "The problem, and the baseline", "Methods", "Protocol", "Scenario plain", "Scenario l2",
        "Scenario sparse", "Computation", "Discussion", "Limits", "References", "Appendix",
        "Recipes and search spaces", "What failed", "Every number has its runs",
    ]  # fmt: skip
    for scenario in ("plain", "l2", "sparse"):
        section = text.partition(f"## Scenario {scenario}\n")[2].partition("\n## ")[0]
        assert section.count("Table: ") == 1
        assert re.findall(r"!\[(\w*)[^]]*\]\(([^)]*)\)", section) == [
            ("", f"figures/accuracy-{scenario}.svg"),
            ("Left", f"figures/differences-{scenario}.svg"),
        ]  # fmt: skip
    assert "Rate: 0.1 … 1 (log)." in text  # of one method said in the caption
    assert "figures/at-budgets-l2.svg" in text.partition("## Computation")[2]


def test_pictures_with_one_caption_are_one_figure():
    shared = [("a-wide.svg", ""), ("b-wide.svg", "both")]
    assert Typst().figures(shared) == '#panels(1, [both], "a-wide.svg", "b-wide.svg")'
    assert Typst().figures([("a.svg", "one"), ("b.svg", "two")]).startswith("#pictures(2, (")
    tex = Tex().figures(shared)
    assert (tex.count(r"\caption{"), tex.count("{0.98")) == (1, 2)


def equal(results, scenario, one, other):
    """`results` in which two methods have the same runs but for a hair."""
    cells = []
    first = next(c for c in results.within(Contest(scenario)) if c.place.method == one)
    for cell in results.cells:
        if cell.place.scenario == scenario and cell.place.method == other:
            finals = [replace(r, accuracy=r.accuracy + (-1) ** i * 0.05 + 0.01)
                      for i, r in enumerate(first.finals)]  # fmt: skip
            cell = replace(cell, finals=tuple(finals))
        cells.append(cell)
    return replace(results, cells=tuple(cells))


def test_a_difference_without_significance_is_called_so(composed):
    results = equal(made_up(["sgd", "adamw", "muon"]), "l2", "muon", "adamw")
    text = composed(results).markdown
    story = text.partition("## Scenario l2")[2].partition("Table:")[0]
    assert "1 cannot be told from it and 1 is significantly worse" in story
    assert "Not significantly different from it: `adamw`." in story
    assert "The highest mean on the test set is that of `adamw`, +0.01 points from it: no " in story
    assert "no significant difference (p = " in story
    plain = text.partition("## Scenario plain")[2].partition("Table:")[0]
    assert "Of the others, 2 are significantly worse." in plain
    assert "Not significantly" not in plain


def test_without_trials_nobody_is_called_leader(composed):
    text = composed(ODD["untuned"]).markdown
    assert "Everything is compared with sgd: the first of the study" in text
    assert "**reference**" in text
    assert "**leader**" not in text
    assert "Nothing was tuned" in text


def test_a_long_leaderboard_is_cut_and_says_so(composed, tmp_path):
    results = made_up(FORTY, ONE, seeds=2, trials=2)
    pictures = Pictures(tmp_path, "svg", styles(results))
    pictures.draw = lambda chart, name, width=0: ""
    short = compose(results, Attachments(), pictures, rows=12).markdown
    assert "The first 12 of 40 of `l2`." in short
    assert len(cells_of(short, "## Scenario l2")) == 12
    assert len(cells_of(composed(results).markdown, "## Scenario l2")) == 40  # fmt: skip


def test_markdown_and_tex_have_their_figures_and_sources_beside_them(tmp_path):
    results = made_up(["sgd", "adamw"], ["plain", "sparse"], seeds=2, trials=2)
    for form, ending, pattern in (
        ("md", "svg", r"!\[[^\n]*?\]\(([^)]+)\)"),
        ("tex", "pdf", r"\\detokenize\{([^}]+)\}"),
    ):
        path, folder = write(results, tmp_path / f"my report.{form}", form)
        text = path.read_text()
        files = re.findall(pattern, text)
        if form == "md":
            files = [unquote(file) for file in files]
        assert len(files) == 4  # accuracy of two scenarios, profiles, tuning
        assert all((path.parent / file).stat().st_size > 1000 for file in files)
        assert all(file.endswith(ending) for file in files)
        sources = json.loads((folder / "sources.json").read_text())
        names = {source["name"] for source in sources}
        assert {"runs", "plain.adamw.loss", "sparse.sgd.nonzeros"} <= names
        assert not any(name.startswith("l2") for name in names)
    assert text.startswith("% for LuaLaTeX")
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == text.count(r"\midrule") >= 5
    begun, ended = (re.findall(rf"\\{word}\{{(\w+)\}}", text) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


@pytest.mark.long
@pytest.mark.skipif(shutil.which("lualatex") is None, reason="there is no LuaLaTeX here")
def test_the_tex_compiles_without_a_complaint(tmp_path):
    results = made_up(["sgd", "ema+muon"], seeds=2, trials=2)
    waiting = (Cell(CellKey(name, "basic", "plain")) for name in sorted(methods()))
    write(replace(results, cells=(*results.cells, *waiting)), tmp_path / "paper.tex", "tex")
    for _ in range(2):
        found = subprocess.run(
            ["lualatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
            cwd=tmp_path, capture_output=True, text=True, errors="replace",
        )  # fmt: skip
    assert found.returncode == 0, found.stdout[-2000:]
    assert not re.search("^!|Warning|Overfull|Missing character", found.stdout, re.MULTILINE)


def test_what_lies_beside_is_in_the_paper(composed):
    results = made_up(["sgd", "muon"])
    import random

    baseline = row("final", 42, "sgd", 59.5, random.Random(0))
    leads = leader(results.within(L2)).finals[0].id
    attachments = Attachments(
        methods={"muon": {"title": "A | b", "reference": "Jordan et al. 2024"}},
        baseline=baseline,
        leader_nets=[LeaderNet(leads, "muon", "l2", [[1] * 10] * 10, [[[0.1] * 5] * 5] * 6)],
        discussion='### Why\n\nMuon has {{ figure("l2", "muon", "accuracy") }} in {{ "a_b" }}.\n',
    )
    text = composed(results, attachments).markdown
    assert "| momentum | A \\| b (`muon`) |" in text
    assert "1. `muon`: Jordan et al. 2024." in text
    assert f"It ended at {baseline.accuracy:.2f} %" in text
    assert "## What the leader gets wrong" in text
    found = next(line for line in board(results, L2).lines if line.name == "muon")
    assert f"## Discussion\n\n### Why\n\nMuon has {found.accuracy.mean:.2f} % in a\\_b.\n" in text
    bare = composed(results).markdown
    assert "## Discussion" not in bare
    assert "## What the leader gets wrong" not in bare


@pytest.mark.parametrize(
    "text",
    ['{{ figure("l2", "nobody", "accuracy") }}', '{{ figure("l2", "sgd") }}', "{{ undefined }}",
     "{% if %}", "{{ study.__class__.__mro__[1].__subclasses__() }}"],
)  # fmt: skip
def test_a_discussion_with_a_mistake_is_a_sentence(text, composed):
    with pytest.raises(UserError, match=r"figure|discussion\.md"):
        composed(made_up(["sgd"]), Attachments(discussion=text))


def test_the_page_on_reports_names_every_number_and_its_example_works(composed):
    page = (HERE / "docs/report.md").read_text()
    results = made_up(["sgd", "adamw"], seeds=2, trials=2)
    facts = all_facts(results, [board(results, L2)], Attachments())
    study = {name for name, fact in facts.items() if isinstance(fact, Fact)}
    scenario = {name for name, fact in facts["l2"].items() if isinstance(fact, Fact)}
    assert all(f"`{name}`" in page for name in study | scenario | set(facts["l2"]["adamw"]))
    example = page.partition("```\n")[2].partition("```")[0]
    text = composed(results, Attachments(discussion=example)).markdown
    assert "### What surprised us" in text
    accuracy = next(line for line in board(results, L2).lines if line.name == "adamw").accuracy
    assert f"AdamW at {accuracy.mean:.2f} %" in text


def test_numbers_are_written_once_noted_and_never_guessed():
    facts = {"l2": {"sgd": {"accuracy": Fact(90.1234, formats.percent, ["a", "b"]),
                            "loss": Fact(None, formats.four, ["a"])}}}  # fmt: skip
    figure = Numbers(facts)
    assert figure("l2", "sgd", "accuracy") == "90.12 %"
    assert figure("l2", "sgd", "loss") == "–"
    assert figure("l2", "sgd", "accuracy") == "90.12 %"
    assert figure.sources == [
        {"name": "l2.sgd.accuracy", "text": "90.12 %", "runs": ["a", "b"]},
        {"name": "l2.sgd.loss", "text": "–", "runs": ["a"]},
    ]
    assert not figure.has("l2", "sgd", "loss")
    assert not figure.has("l2", "muon", "loss")
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        figure("l2", "sgd", "accurcy")


@pytest.mark.parametrize(
    ("write_as", "value", "text"),
    [(formats.points, -0.05, "−0.05"), (formats.points, 0.0, "+0.00"),
     (formats.count, 24480, "24,480"), (formats.amount, 0, "0"), (formats.amount, 12.345, "12.3"),
     (formats.amount, 1234.5, "1,234"),
     (formats.amount, 0.01234, "0.0123"), (formats.duration, 59.9, "59.9 s"),
     (formats.duration, 600, "10 min"), (formats.duration, 10_000, "2.78 h"),
     (p_value, 0.00004, "< 0.0001"), (p_value, 0.0456, "0.0456"),
     (p_value, 0.5, "0.5000"), (formats.amount, 2.0, "2"), (formats.amount, 100, "100")],
)  # fmt: skip
def test_how_numbers_are_written(write_as, value, text):
    assert write_as(value) == text


LITERAL = re.compile(
    r"\d\.\d|\d\s*%|\d\s*(?:percent|points?|seconds?|minutes?|hours?|passes|ms)\b|\bp\s*[<=]\s*\d"
)
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.S)


def written_by_hand():
    """All prose of papers that no program made of rows (tests/docs/test_discussion.py)."""
    yield from (HERE / "lenetlab/report/paper/templates").glob("*.jinja")


def test_no_result_is_written_as_digits():
    found = list(written_by_hand())
    assert found
    for path in found:
        prose = JINJA.sub("", path.read_text())
        assert not LITERAL.search(prose), f"{path}: {LITERAL.search(prose)}"


@pytest.mark.parametrize(
    "text",
    ["91.2 %", "reaches 90.5", "p = 0.03", "p<0.001", "91 percent", "12 seconds", "0.3 points"],
)
def test_a_literal_result_would_be_found(text):
    assert LITERAL.search(JINJA.sub("", f"It {text} {{{{ figure('a') }}}} so."))


def test_an_unknown_format_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="unknown format 'doc'"):
        write(made_up(["sgd"]), tmp_path / "x.doc", "doc")


def test_ranges_are_listed_of_methods_whose_trials_lie_in_them(composed):
    results = read_results(HERE / "results" / "course")
    found = _spaces(results)
    assert "log" in found["muon"]["lr"]
    assert set(found) == {cell.place.method for cell in results.cells if cell.trials}
    few = made_up(["sgd", "muon"], seeds=2)
    text = composed(few, Attachments(spaces={"muon": {"lr": "0.1 … 1"}})).markdown
    assert "Of `sgd` they are not listed" in text
    assert "not listed" not in composed(few, Attachments(spaces={"muon": {}, "sgd": {}})).markdown


def test_a_forward_is_priced_as_the_rows_were():
    results = made_up(["sgd"], ["plain"], seeds=2)
    assert prices(results).startswith("A forward pass alone counts a third, products")
    (cell,) = results.cells
    newer = tuple(
        replace(row, numerics={**row.numerics, "prices": {"forwards": 0.4}}) for row in cell.finals
    )
    assert "counts 0.4, products" in prices(
        replace(results, cells=(replace(cell, finals=newer, trials=()),))
    )
