"""The records in the README, from the committed results: what a stranger wants to know first.

    python docs/generator/readme_records.py      writes them between their marks

All that is to be said of them is on the page that leaders.py makes. A test holds them to what the
results give.
"""

from pathlib import Path

import marks
from findings.searches import searched_again
from leaders import NONE, STUDIED, figures, first_figures, named, on_spheres, shown, sure
from markdown_table import markdown_table
from records_page import computed

from lenetlab.analysis.board import Board
from lenetlab.analysis.equal_time import REFERENCE
from lenetlab.analysis.luck import pooled_spread
from lenetlab.analysis.targets import MAIN
from lenetlab.records.cells import Results
from lenetlab.records.record_boards import RECORDS
from lenetlab.records.rows import read_results
from lenetlab.report import formats
from lenetlab.report.record_boards import bound, holder, mean, where

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def block(folder: Path = STUDIED) -> str:
    """The records of the study in `folder`, or a sentence that there is none."""
    boards = shown(folder)
    if not boards:
        return f"{NONE}\n"
    heads = ["scenario", "leader", ">accuracy, %", ">mean loss", f">passes to {MAIN.accuracy:g} %",
             "not clearly worse", "beats"]  # fmt: skip
    rows = [
        [*first_figures(one), named(one, "tied", "borderline", "ahead"), _beaten(one)]
        for one in boards
    ]
    rows += [
        [f"`{one.contest.title}`", f"`{line.name}`, for comparison", *figures(line), "", ""]
        for one in boards[:1]
        for line in one.lines
        if line.name == REFERENCE
    ]
    results = read_results(folder)
    parts = [markdown_table(heads, rows), _said(results, boards), _doubts(results, boards),
             _boards(folder.parent / RECORDS)]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _beaten(one: Board) -> str:
    """The highest target that the leader beats, by the record rule."""
    found = [to.target for to in one.lead.records if to.beaten] if one.lead else []
    return f"{max(found):g} %" if found else "–"


def _said(results: Results, boards: list[Board]) -> str:
    """How these numbers came about, in as many words as a reader has patience for."""
    n = min((one.lead.accuracy.n for one in boards if one.lead and one.lead.accuracy), default=0)
    return (
        f"{_counted(results)}: {results.trials} trials of {results.tuning_passes:g} passes, on "
        f"training data{_confirmed(results)}. The leader is the best on held-out training images; "
        f"its accuracy is the mean over {n} seeds, trained on all of these images for "
        f"{results.passes:g} passes, ± half its 95 % interval. A method is *not clearly worse* "
        f"unless test and interval both put it below the leader.{_luck(results)} "
        "[More on the leaders](docs/leaders.md), those of other budgets among them."
    )


def _doubts(results: Results, boards: list[Board]) -> str:
    """How sure the leaders are, and where one leads by another scenario's means."""
    said = " ".join([*sure(results), *on_spheres(results, boards)])
    return said.replace("](protocol.md", "](docs/protocol.md")


def _confirmed(results: Results) -> str:
    confirm = results.stages.confirm
    return f", the best {confirm} of them confirmed with fresh seeds" if confirm else ""


def _counted(results: Results) -> str:
    """How many methods have finals everywhere, of how many."""
    planned = {cell.place.method for cell in results.cells}
    missing = {cell.place.method for cell in results.cells if not cell.finals}
    if not missing:
        return f"{len(planned)} methods were tuned at the same price"
    done = len(planned) - len(missing)
    wrapped = sum("+" in method for method in planned - missing)
    return (f"So far {done} of {len(planned)} methods are computed ({wrapped} of them wrapped, as "
            "`ema+muon` is), each tuned at the same price")  # fmt: skip


def _luck(results: Results) -> str:
    """How far another search would move them, of the methods that were searched again."""
    spread = pooled_spread(searched_again(results))
    if spread is None:
        return ""
    return (f" Another search of the same method moves it by some {spread:.1f} points "
            "([measured](docs/protocol.md#tuning)), which is not in the interval.")  # fmt: skip


def _boards(folder: Path) -> str:
    """How many record boards are beaten, and which."""
    boards = computed(folder)
    if not boards:
        return ""
    beaten = [one for one in boards if one.verdict and one.verdict.outcome == "beaten"]
    found = "; ".join(f"{bound(one.goal)} in {where(one)}, by `{holder(one)}`, {mean(one)}"
                      for one in beaten)  # fmt: skip
    said = (
        "[Record boards](docs/records.md) ask for a bound within a budget, both fixed beforehand. "
        f"Beaten so far: {len(beaten)} of {len(boards)}{f' ({found})' if found else ''}."
    )
    means = [(one.line.accuracy.mean, one) for one in boards if one.line and one.line.accuracy]
    if not means:
        return said
    most, best = max(means, key=lambda pair: pair[0])
    return (f"{said} The highest mean accuracy of all is {formats.percent(most)}, by "
            f"`{holder(best)}` in {where(best)}. `lenetlab run --recipe BOARD` trains one "
            "again.")  # fmt: skip


def write() -> None:
    """From the committed results."""
    marks.write(README, {"records": block()})


if __name__ == "__main__":
    write()
