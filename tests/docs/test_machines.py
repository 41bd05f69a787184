"""The table of why machines differ is that of the results."""

import json
import sys

from .blocks import PAGES, ROOT

sys.path.insert(0, str(ROOT / "docs" / "generator"))
from machines import NONE, table
from marks import written

PAGE = PAGES["docs/why_machines_differ.md"]


def test_the_table_is_what_the_results_give():
    made = written(PAGE, "machines", table())
    assert made == PAGE, "python docs/generator/machines.py writes it anew"
    assert (table() != NONE) == ("why_machines_differ.md" in (ROOT / "mkdocs.yml").read_text()), (
        "the page is in the navigation once it has its numbers"
    )


def test_a_line_has_the_figures_of_what_was_changed(tmp_path):
    one = {"n": 20, "mean": 59.0, "sd": 0.514, "least": 58.25, "most": 60.5}
    apart = {"n": 20, "mean": 0.0, "sd": 0.021, "least": -0.05, "most": 0.04}
    found = {"epochs": 10.0, "short": 3.0, "baseline": 59.53, "spread": {"seed": one},
             "pairs": {"instruction set": apart, "threads": apart}}  # fmt: skip
    (tmp_path / "machines.json").write_text(json.dumps(found))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]]
            for line in table(tmp_path / "machines.json").splitlines()
            if line.startswith("| the ") or line.startswith("| threads")]  # fmt: skip
    assert [row[1:] for row in rows] == [
        ["10", "20", "0.51", "−0.75 to +1.50"],
        ["10", "20", "0.02", "−0.05 to +0.04"],
        ["3", "20", "0.02", "−0.05 to +0.04"],
    ]
    assert "59.53 %, with other seeds 59.00 %" in table(tmp_path / "machines.json")
    assert table(tmp_path / "nowhere.json") == NONE
