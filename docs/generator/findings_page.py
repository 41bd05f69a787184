"""The page of findings, from the committed rows.

python docs/generator/findings_page.py docs/findings.md    writes it, and its figures into a folder
                                                           of its name beside it
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from findings import (
    averaging,
    derivative_free,
    families,
    horizon,
    l2,
    learning_rate,
    machines,
    matrix,
    noise,
    norms,
    second_order,
    sparsity,
)
from findings.finding import Finding, files, not_yet, section
from findings.group import clock_said
from findings.searches import said
from findings.sources import Sources

ROOT = Path(__file__).parents[2]
ORDER: Sequence[Callable[[Sources], Finding]] = (
    learning_rate.finding,
    families.momentum,
    families.adaptive,
    matrix.finding,
    second_order.finding,
    noise.finding,
    averaging.finding,
    horizon.finding,
    l2.finding,
    sparsity.finding,
    lambda sources: machines.finding(sources, _page(machines.PAGE)),
    derivative_free.finding,
    norms.finding,
)
HEAD = """\
# Findings

What the rows in `results/` say, one claim a section, with a figure and the command that shows its
numbers again. What the words and intervals mean: [how to read them](#how-to-read-them)."""
HOW = """\
## How to read them

- **Made, not written**: claims and numbers come from the rows by `make published`; other rows,
  other words. Commands are given in a checkout whose `.venv` is active; those in Python need pandas
  (`pip install -e '.[frames]'`).
- **Accuracies** are of the test set, means over seeds ± half the 95 % interval.
- **Differences** are in pairs of equal seeds, and their intervals, in brackets, hold together:
  those to SGD for all of its leaderboard, of which every scenario and every budget has one after
  equal passes and one at equal CPU time, and all others for what their finding says is tested
  together. Each of these sets is 5 % by itself: nothing is corrected across scenarios, clocks,
  budgets or findings.
- **Above** and **below**: so by the interval and by Holm’s test too ([protocol](protocol.md)).
  **Borderline** is what the test finds and the interval does not: no claim is made of it.
  Everything else is a **tie**, which is no proof of equality. In figures of differences a hollow
  point is one of these two.
- **Cut off** at SGD’s CPU time, a method stops in mid-schedule, and its recipe was tuned for equal
  passes: this is what it had reached by then, not what a recipe tuned for that time could reach.
  {clock}
- **Tuned**: unless it is said, at the same price on training images alone, and the price is the
  same, not what was known before ([protocol](protocol.md)).
- **Luck of a search**: intervals are those over seeds of one recipe, and another search of the same
  price finds another recipe. {searches}"""


def _page(name: str) -> str:
    """A page that may be there."""
    return name if (ROOT / "docs" / name).exists() else ""


def findings(root: Path) -> list[Finding]:
    """All of them, from the results in `root`."""
    sources = Sources(root)
    return [make(sources) for make in ORDER]


def page(found: Sequence[Finding], folder: str, searches: str, clock: str = "") -> str:
    """The page in Markdown; its figures lie in `folder`. searches : what is said of their luck.
    clock : what seconds are."""
    there = [one for one in found if one.computed]
    contents = "\n".join(f"{i}. [{one.title}](#{one.key})" for i, one in enumerate(there, 1))
    sections = [section(one, i, folder) for i, one in enumerate(there, 1)]
    if missing := [one for one in found if not one.computed]:
        sections.append(not_yet(missing))
    return (
        "\n\n".join((HEAD, contents, HOW.format(searches=searches, clock=clock), *sections)) + "\n"
    )


def write(target: Path, root: Path = ROOT / "results") -> None:
    """The page as `target`, and its figures in place of those that were."""
    found, folder = findings(root), target.with_suffix("")
    course = Sources(root).course
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    target.write_text(page(found, folder.name, said(course), clock_said(course)), encoding="utf-8")
    for one in found:
        for name, draw in zip(files(one), one.figures.values(), strict=True):
            (folder / name).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
