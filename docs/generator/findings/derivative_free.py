"""Why methods that ask for values alone are not used for nets."""

import math
from collections.abc import Sequence
from functools import partial
from statistics import fmean, median

from findings.charts import forest
from findings.effects import split
from findings.finding import Finding, missing, table
from findings.group import COURSE, SHOW, Group, group, of_family
from findings.sources import Sources
from findings.words import counted, gap, listing, mean, sentence
from lenetlab.analysis.board import Line
from lenetlab.analysis.equal_time import REFERENCE
from lenetlab.analysis.targets import spent_to
from lenetlab.phrases import in_units, passes
from lenetlab.problem.model import SIZE
from lenetlab.records.cells import Cell
from lenetlab.report.formats import count

KEY = "derivative_free"


def finding(sources: Sources) -> Finding:
    """The family against SGD, and how soon SGD is where each ends."""
    found = group(sources.course, of_family(sources.course, "derivative_free"))
    if found is None:
        more = ["[Why not CMA-ES?](derivative_free.md) has the curves of one seed."]
        return missing(KEY, "Why derivative-free methods are not used for nets", COURSE, more)
    sgd = next(line for line in found.board.lines if line.name == REFERENCE)
    names = {effect.name for effect in found.effects}
    lines = [line for line in found.board.lines if line.runs and line.name in names]
    text = [
        f"After {passes(found.results.passes)} ({counted(found.effects)}), all tuned alike. "
        f"{listing(split(found.effects), 'SGD')}{_how_soon(sgd, lines)}",
        f"A value is one number and costs 0.4 of a gradient, which is {SIZE:,} numbers: of so many "
        "weights a search along one direction at a time learns little a question. [Why not "
        "CMA-ES?](derivative_free.md) has curves and the reasons.",
    ]
    ranked = sorted(found.effects, key=lambda one: -one.difference.mean if one.difference else 0.0)
    figure = partial(forest, {"": ranked}, "points of test accuracy above SGD")
    about = "Derivative-free methods less SGD"
    return Finding(KEY, sentence(_title(found, sgd, lines)), text, {about: figure},
                   (_table(sgd, lines),), (SHOW,))  # fmt: skip


def soon(sgd: Cell, accuracy: float) -> float:
    """The first evaluation at which half of SGD's seeds have `accuracy`, in passes."""
    return median(spent_to(row, accuracy, "passes") for row in sgd.finals)


def _how_soon(sgd: Line, lines: Sequence[Line]) -> str:
    """Where the best of them ends, and when SGD was there."""
    best = max(lines, key=lambda line: line.accuracy.mean if line.accuracy else 0.0)
    first = soon(sgd.cell, best.accuracy.mean) if best.accuracy else math.inf
    if math.isinf(first):
        return ""
    return (f" The highest of them, `{best.name}`, ends at {mean(best.accuracy)} %, and half of "
            f"SGD’s seeds are there after {first:.2g} passes.")  # fmt: skip


def _title(found: Group, sgd: Line, lines: Sequence[Line]) -> str:
    means = [line.accuracy.mean for line in lines if line.accuracy]
    split_ = split(found.effects)
    if not split_.tested:
        return f"derivative-free methods on {SIZE:,} weights: not compared"
    if len(split_.below) < split_.tested:
        n = split_.tested - len(split_.below)
        return f"values alone are enough for {n} of {split_.tested} derivative-free methods to " \
               f"stand with SGD on {SIZE:,} weights"  # fmt: skip
    first = soon(sgd.cell, max(means))
    few = split_.tested < len(found.effects)
    who = f" ({split_.tested} of {len(found.effects)} methods)" if few else ""
    far = f"{max(means):.0f} % from values alone{who} after {in_units(found.results.passes)}"
    if math.isinf(first):
        return f"on {SIZE:,} weights: {far}, below SGD’s {mean(sgd.accuracy)} %"
    return f"on {SIZE:,} weights: {far}; from gradients SGD is there after {first:.2g}"


def _table(sgd: Line, lines: Sequence[Line]) -> str:
    rows = []
    for line in (sgd, *lines):
        ledger = [row.ledger_counts or {} for row in line.cell.finals if row.done]
        asked = [count(fmean(each.get(kind, 0) for each in ledger)) if ledger else "–"
                 for kind in ("forwards", "gradients")]  # fmt: skip
        first = soon(sgd.cell, line.accuracy.mean) if line.accuracy else math.inf
        own = "–" if line is sgd else "never" if math.isinf(first) else f"{first:.2g}"
        rows.append([f"plain, `{line.name}`", mean(line.accuracy), gap(line.difference), *asked,
                     own,
                     str(line.accuracy.n if line.accuracy else 0)])  # fmt: skip
    heads = ["scenario, method", "accuracy, %", "to SGD, points", "values asked", "gradients asked",
             "SGD is there after, passes", "n"]  # fmt: skip
    return table(heads, rows)
