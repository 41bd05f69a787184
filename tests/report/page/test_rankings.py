"""The page of a study on two problems: who is ranked with whom, and the figure of mean ranks."""

import json
import re
from dataclasses import replace

import pytest

from lenetlab.analysis.across import rankings
from lenetlab.records.cells import Results
from lenetlab.report.attachments import Attachments
from lenetlab.report.charts.leader import confusion
from lenetlab.report.charts.ranks import rank_rows, ranks
from lenetlab.report.charts.render import draw
from lenetlab.report.page.write import render
from lenetlab.report.paper.write import write
from tests.studies import made_up


@pytest.fixture(scope="module")
def results() -> Results:
    made = made_up(("sgd", "adamw", "muon"), ("plain",), seeds=3)
    others = [
        replace(cell, place=replace(cell.place, problem=problem))
        for problem in ("mnist", "<leaves>@12345678") for cell in made.cells
    ]  # fmt: skip
    return replace(made, cells=(*made.cells, *others))


def test_the_page_ranks_across_problems_and_keeps_leaderboards_apart(results):
    page = render(results, Attachments())
    assert page.count('<section class="board"') == 3
    section = page.split('<section id="problems"')[1].split("</section>")[0]
    assert re.findall(r'<th scope="row"[^>]*>(\w+)', section) == ["muon", "adamw", "sgd"]
    assert "MNIST % (rank)" in re.sub(r"<[^>]+>", " ", section).replace("  ", " ")
    assert "&lt;leaves&gt;@12345678" in section
    assert "<leaves>" not in page
    assert "critical difference" in section
    links = re.findall(r'href="#(cell/[^"]+)"', section)
    assert all(f'id="{link}"' in page for link in links)
    assert len(links) == 9
    assert "on the test images, the mean over seeds" in page
    assert "Fashion-MNIST, MNIST and &lt;leaves&gt;@12345678" in page


def test_a_page_of_one_problem_has_no_ranking():
    page = render(made_up(("sgd", "muon"), ("plain",), seeds=3), Attachments())
    assert 'id="problems"' not in page
    assert "on the 10,000 test images, the mean over seeds" in page


def test_the_figure_has_every_method_the_difference_and_the_groups(results):
    (found,) = rankings(results)
    assert [row["method"] for row in rank_rows(found)] == ["muon", "adamw", "sgd"]
    assert rank_rows(found)[0]["each"] == "1, 1, 1"
    picture = draw(ranks(found), "svg").decode()
    for text in ("muon", "adamw", "sgd", f"critical difference {found.difference:.2f}"):
        assert f">{text}<" in picture or text in picture
    spec = json.dumps(ranks(found).to_dict(validate=False))
    bars = {int(n) for n in re.findall(r'"group": (\d+)', spec)}
    assert found.groups == ((0, 1), (1, 2))  # the best and the worst of three are told apart
    assert bars == {0, 1}


def test_a_paper_of_several_problems_names_each(results, tmp_path):
    plain = replace(results, cells=tuple(
        replace(cell, place=replace(cell.place, problem=cell.place.problem.replace("<", "")
                                    .replace(">", ""))) for cell in results.cells))  # fmt: skip
    path = tmp_path / "paper.md"
    write(plain, path, "md", Attachments())
    text = path.read_text()
    for title in ("plain", "plain on mnist", "plain on leaves@12345678"):
        assert f"\n## Scenario {title}\n" in text


def test_a_leaders_mistakes_are_named_as_its_problems_classes():
    counts = [[9 if i == j else 1 for j in range(10)] for i in range(10)]
    for problem, first in (("fashion-mnist", "T-shirt"), ("kmnist", "o"), ("leaves@1", "0")):
        picture = draw(confusion(counts, "plain", problem), "svg").decode()
        assert f">{first}</text>" in picture
