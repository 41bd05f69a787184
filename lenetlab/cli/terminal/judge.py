"""How verdicts look: one in full, many as a table, and as CSV."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from lenetlab.analysis.targets import TARGETS
from lenetlab.cli.terminal.console import make_table, out, print_out
from lenetlab.disk import replace_text
from lenetlab.judge.ranking import Ranked
from lenetlab.judge.scoring import Score
from lenetlab.judge.twins import Twins, twins_of
from lenetlab.judge.verdict import Outcome, Verdict, printable
from lenetlab.problem.data import CLASSES
from lenetlab.problem.model import CONSTRAINED

SHORT = ("Tee", "Trou", "Pull", "Dress", "Coat", "Sand", "Shirt", "Sneak", "Bag", "Boot")
WORDS: Mapping[Outcome, tuple[str, str]] = {
    "kept": ("keeps the rules", "green"),
    "broken": ("breaks the rules", "red"),
    "unchecked": ("was not trained again", "red"),
    "unreadable": ("cannot be judged", "red"),
}
SHORT_WORDS: Mapping[Outcome, str] = {
    "kept": "kept",
    "broken": "broken",
    "unchecked": "unchecked",
    "unreadable": "unread",
}


def print_verdict(verdict: Verdict, own: Sequence[dict[str, Any]]) -> None:
    """Everything about one checkpoint."""
    what = WORDS[verdict.outcome]
    _line((verdict.name, "bold"), " ", what, f", scenario {verdict.scenario}")
    for problem in verdict.problems:
        _line("  ", ("✗", "red"), f" {problem}")
    for claim in verdict.claims:
        if claim.wrong is None:
            _line("  ", ("✓", "green"), f" {claim.what}")
    for note in verdict.notes:
        print_out(f"  · {note}")
    if verdict.score is not None:
        _print_score(verdict.score)
        _print_places(verdict.score, own)


def _line(*parts: str | tuple[str, str]) -> None:
    """One line of words, some of them with a style."""
    print_out(Text.assemble(*parts))


def _print_score(score: Score) -> None:
    measured = score.evaluation
    interval = f"95 % interval {score.low:.2f} to {score.high:.2f}"
    out.print(f"  test accuracy      {measured.accuracy:.2f} %, {interval}")
    out.print(f"  mean cross-entropy {measured.loss:.4f}")
    out.print(f"  starter's average  {measured.starter_average_loss:.6f}")
    layers = ", ".join(f"{layer} {n:,}" for layer, n in score.nonzeros.items())
    out.print(f"  nonzero weights    {layers}")
    share = 100 * score.constrained / CONSTRAINED
    out.print(f"                     fc1 and fc2: {score.constrained:,} of {CONSTRAINED:,} "
              f"({share:.1f} %)")  # fmt: skip
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("true class", no_wrap=True)
    table.add_column("right", justify="right", no_wrap=True)
    for name in SHORT:
        table.add_column(name, justify="right", no_wrap=True, min_width=5)
    for k, (name, row) in enumerate(zip(CLASSES, score.confusion, strict=True)):
        cells = [
            Text(str(n), style="bold" if i == k else "") if n or i == k else Text("·")
            for i, n in enumerate(row)
        ]
        table.add_row(name, f"{score.per_class[k]:.1f}", *cells)
    out.print("\nimages by true and predicted class")
    out.print(table)


def _print_places(score: Score, own: Sequence[dict[str, Any]]) -> None:
    accuracy = score.evaluation.accuracy
    out.print()
    for target in TARGETS:
        where = "above" if accuracy > target.accuracy else "below"
        where = "level with" if accuracy == target.accuracy else where
        within = ", within its interval" if score.low <= target.accuracy <= score.high else ""
        print_out(f"  {where} {target.accuracy:.2f} % of {target.whose}{within}")
    for place in own:
        line = "  no own results of its scenario there"
        if place["runs"]:
            line = (
                f"  above {place['below']} of {place['runs']} own results of its scenario; "
                f"the best is {place['best']:.2f} %, {place['best_label']}"
            )
        print_out(line)


def print_table(places: Sequence[Ranked]) -> None:
    """One line a checkpoint; what is wrong with any, and what else is noted, stands below."""
    paths = [place.verdict.name for place in places]
    if len({os.path.isabs(path) for path in paths}) > 1:
        paths = [os.path.abspath(path) for path in paths]
    folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    several = len({place.verdict.scenario for place in places}) > 1
    table = make_table(
        "rank", "<checkpoint", *(["<scenario"] if several else []), "accuracy %", "95 % interval",
        "mean loss", "nonzeros",
    )  # fmt: skip
    table.add_column("rules", no_wrap=True)
    for place, path in zip(places, paths, strict=True):
        score = place.verdict.score
        outcome = place.verdict.outcome
        figures = ["–"] * 4
        if score is not None:
            figures = [
                f"{score.evaluation.accuracy:.2f}",
                f"{score.low:.2f}–{score.high:.2f}",
                f"{score.evaluation.loss:.4f}",
                f"{score.constrained:,}",
            ]
        style = "" if outcome == "kept" else "red"
        name = os.path.relpath(path, folder or ".")
        where = [place.verdict.scenario] if several else []
        table.add_row(str(place), name, *where, *figures, Text(SHORT_WORDS[outcome], style=style))
    if folder:
        print_out(f"in {folder}")
    out.print(table)
    if any(place.rank for place in places):
        out.print(
            "rank: one more than the nets of its scenario that are significantly better "
            "(McNemar's exact test, 5 %, Holm over its pairs); = is a tie",
        )
    for place in places:
        for problem in place.verdict.problems:
            _line(("✗", "red"), f" {place.verdict.name}: {problem}")
    for place in places:
        for note in place.verdict.notes:
            print_out(f"· {place.verdict.name}: {note}")


def print_twins(same: Sequence[Twins]) -> None:
    """The nets that are one net, a line each."""
    for what, names in same:
        _line(("=", "yellow"), f" {what}: {', '.join(names)}")


def write_csv(
    places: Sequence[Ranked], same: Sequence[Twins], passed: Sequence[Path], path: Path
) -> None:
    """One line a checkpoint, in the order of the table; empty where there is no figure. `twins` are
    the others that are the same net, and in what. At the end stands what was passed over where
    nothing else was judged: somebody handed it in."""
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(
        ["rank", "tied", "checkpoint", "scenario", "outcome", "accuracy", "low", "high", "correct",
         "loss", "starter_average_loss", "nonzeros", "twins", "problems", "notes"]
    )  # fmt: skip
    for place in places:
        v, score = place.verdict, place.verdict.score
        figures: list[Any] = [""] * 7
        if score is not None:
            e = score.evaluation
            figures = [e.accuracy, score.low, score.high, e.correct, e.loss,
                       e.starter_average_loss, score.constrained]  # fmt: skip
        words = [_cell(v.name), v.scenario, v.outcome]
        remarks = [
            _cell("; ".join(twins_of(v.name, same))),
            _cell("; ".join(v.problems)),
            _cell("; ".join(v.notes)),
        ]
        lines.writerow([place.rank or "", int(place.tied), *words, *figures, *remarks])
    judged = {os.path.dirname(place.verdict.name) for place in places}
    for over in (path for path in passed if printable(path.parent) not in judged):
        why = "a link to a folder" if over.is_symlink() else "not a suffix of a checkpoint"
        words = [_cell(printable(over)), "", "passed over"]
        lines.writerow(["", 0, *words, *[""] * 7, "", why, ""])
    replace_text(path, text.getvalue())


def _cell(text: str) -> str:
    """Text that a spreadsheet does not take for a formula: names come from strangers."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
