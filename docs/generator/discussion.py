"""The discussion of the study's paper: the findings that its rows and those beside them support.

python docs/generator/discussion.py    writes results/course/discussion.md, which the paper includes

A claim stands with the paragraphs that its title rests on; figures, tables and commands are on the
page of findings. Other rows, other words. What no row can say is written by hand, in `DOUBTS`.
"""

from collections.abc import Sequence
from pathlib import Path

from findings.finding import Finding
from findings.searches import said
from findings_page import ROOT, findings

from lenetlab.experiments.tuning.search_space import space_of
from lenetlab.records.cells import Results
from lenetlab.records.rows import read_results

RESULTS = ROOT / "results"
TARGET = RESULTS / "course" / "discussion.md"
DOUBTS = """\
### What should be doubted

A search of {{ figure("trials") }} trials in DIMENSIONS dimensions finds a good recipe, not the
best one; another search of the same price finds another. The spaces were drawn by people who had
seen test results (docs/protocol.md), and who was tried more before has better ones. Finals of a
method share one recipe, so the interval over seeds says nothing about the luck of the search. A tie
is no proof of equality. Methods without a result were not tried, which says nothing about them."""


def discussion(found: Sequence[Finding], course: Results) -> str:
    """Markdown: a section for each finding that has its rows, then what should be doubted of the
    `course`, with what is said of the luck of its searches."""
    claims = [f"### {one.title}\n\n{one.shortest}" for one in found if one.computed]
    doubts = DOUBTS.replace("DIMENSIONS", _dimensions(course))
    return "\n\n".join((*claims, doubts, said(course))) + "\n"


def _dimensions(course: Results) -> str:
    """`2 to 8`, of the searches that there are."""
    places = [cell.place for cell in course.cells if cell.trials]
    counts = [len(space_of(place.method, place.scenario)) for place in places]
    return f"{min(counts)} to {max(counts)}"


def write(target: Path = TARGET) -> None:
    """From the committed rows."""
    made = discussion(findings(RESULTS), read_results(RESULTS / "course"))
    target.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    write()
