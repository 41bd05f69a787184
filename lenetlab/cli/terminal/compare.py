"""What `lenetlab compare` prints of a leaderboard."""

import math
from collections.abc import Callable, Iterator, Sequence

from rich.table import Table
from rich.text import Text

from lenetlab.analysis.board import Board, Line
from lenetlab.analysis.comparison import Difference
from lenetlab.analysis.speed import Reached
from lenetlab.cli.terminal.console import make_table, out, print_err, print_out
from lenetlab.phrases import joined, plural
from lenetlab.records.cells import Results
from lenetlab.report.formats import MISSING, number, three
from lenetlab.report.metrics import TERMINAL, Metric, metrics
from lenetlab.report.wording.leaderboards import compared_with, otherwise_timed, without_a_run
from lenetlab.report.wording.protocol import budget, tuning
from lenetlab.report.wording.standings import BORDERLINE, STANDINGS

NAMED = 3  # methods that a sentence names with their reasons


def show_beginning(results: Results) -> None:
    """What single runs are, and what is ranked together; a study has a plan that says it. Where
    seconds are from that were measured apart."""
    if results.timed:
        print_out(f"{results.timed}\n")
    if not results.planned:
        said = f"{tuning(results)} {budget(results)}\n"
        print_out(said)


def show(board: Board) -> None:
    """Tables of results, differences, targets and costs of what has begun; what has not, records
    and failures in words."""
    out.print(board.contest.title, style="bold")
    if said := compared_with(board):
        print_out(f"{said}\n")
    if board.begun:
        out.print(_results(board), "")
    if waiting := without_a_run(board):
        out.print(f"{waiting}\n")  # of many names: broken where the terminal ends
    if not board.begun:
        return
    if board.compared:
        out.print(_differences(board), "")
        if any(line.standing == "borderline" for line in board.lines):
            print_out(f"{BORDERLINE}\n")
    if any(line.reached for line in board.lines):
        for unit, title in (("passes", "effective passes"), ("cpu_seconds", "CPU seconds")):
            out.print(_targets(board, unit, title), "")
        print_out(_caption(board))
    out.print(_costs(board), "")
    if said := otherwise_timed(board):
        print_out(f"{said}\n")
    for sentence in _records(board.lines):
        print_out(sentence)
    out.print()
    for line in board.lines:
        for failure in _failures(line):
            print_err(failure, style="red")


def _results(board: Board) -> Table:
    found = metrics(board)
    shown = [found[key] for key in TERMINAL[board.metric] if found[key].shown]
    table = make_table("#", "<method", "seeds", *(_heading(metric) for metric in shown))
    for line in board.begun:
        n = line.runs - len(line.failures)
        seeds = Text(f"{n} of {line.runs}", style="red") if line.failures else str(n)
        table.add_row(
            number(line.rank, 0), line.name, seeds, *(metric.text(line) for metric in shown)
        )
    return table


def _heading(metric: Metric) -> str:
    return f"{metric.title}\n{metric.unit}" if metric.unit else metric.title


def _differences(board: Board) -> Table:
    found = metrics(board)
    difference, p = found["difference"], found["p"]
    together = f"{100 * board.level:g} % interval\nall together"
    table = make_table("<method", _heading(difference), together, p.title, "<in words")
    for line in board.begun:
        table.add_row(
            line.name,
            difference.text(line),
            interval(line.difference, difference.write),
            p.text(line),
            in_words(line, board),
        )
    return table


def in_words(line: Line, board: Board) -> str:
    """How a line stands to the board's reference."""
    assert board.reference is not None
    other = "the leader" if board.led else board.reference.place.name
    if line.standing == "reference":
        return other if board.led else "the others are compared with it"
    said = STANDINGS[line.standing]
    if line.standing == "untested":
        return f"{said.alone}: {line.reason}"
    if line.standing == "borderline":
        better = STANDINGS["ahead" if _better(line, board) else "behind"]
        return f"{said.alone}: {better.to} {other}"
    return f"{said.to} {other}"


def _better(line: Line, board: Board) -> bool:
    assert line.difference is not None
    return (line.difference.mean > 0) == (board.metric == "accuracy")


def _targets(board: Board, unit: str, title: str) -> Table:
    shown = [line for line in board.lines if line.reached]
    targets = [reached.target for reached in shown[0].reached]
    heads = [f"{target.accuracy:g} %" for target in targets]
    table = make_table(f"<{title} to", *heads)
    timed = _timed(board)
    for line in shown:
        table.add_row(line.name, *(_reached(r, unit, timed) for r in line.reached))
    return table


def _timed(board: Board) -> bool:
    """Whether another than the reference can be compared with it in how soon it was."""
    return board.reference is not None and any(
        times is not None
        for line in board.lines
        if line.standing != "reference"
        for found in line.reached
        for times in found.times.values()
    )


def _reached(reached: Reached, unit: str, timed: bool) -> str:
    value, times = getattr(reached, unit), reached.times[unit] if timed else None
    text = "never" if math.isinf(value) else f"{value:.3g}"
    if times is not None and math.isfinite(value):
        text += " ×∞" if math.isinf(times) else f" ×{times:.2g}"
    return f"{text} ({reached.missed})" if reached.missed else text


def _caption(board: Board) -> str:
    other = ""
    if board.reference is not None and _timed(board):
        name = board.reference.place.name
        other = f"; × how many times sooner than {name}, seed by seed"
    missed = any(found.missed for line in board.lines for found in line.reached)
    brackets = "; in brackets the runs that never got there" if missed else ""
    return f"Medians over seeds{other}{brackets}.\n"


def _costs(board: Board) -> Table:
    held = any(line.tuning for line in board.lines)
    kind = ("trials", "tuning\npasses", "tuning\nCPU s") if board.planned else (
        "held-out\nruns", "their\npasses", "their\nCPU s")  # fmt: skip
    table = make_table("<cost of", *(kind if held else ()), "a run's\npasses", "a run's\nseconds",
                   "a run's\nCPU s")  # fmt: skip
    for line in board.begun:
        table.add_row(line.name, *(_tuning(line) if held else ()), *_training(line))
    return table


def _tuning(line: Line) -> tuple[str, str, str]:
    tuning = line.tuning
    failed = sum(not row.done for row in line.cell.trials)
    return (
        number(tuning.runs if tuning else None, 0) + (f", {failed} failed" if failed else ""),
        _amount(tuning.passes if tuning else None),
        _amount(tuning.cpu_seconds if tuning else None),
    )


def _training(line: Line) -> tuple[str, str, str]:
    training = line.training
    return (
        _amount(training.passes if training else None),
        _amount(training.seconds if training else None),
        _amount(training.cpu_seconds if training else None),
    )


def _amount(value: float | None) -> str:
    """Three digits: the budgets of a first try are as small as others are large."""
    return MISSING if value is None else three(value)


def _records(lines: Sequence[Line]) -> Iterator[str]:
    """A sentence for every target, the highest first; targets of the same fate share one."""
    judged = [line for line in lines if line.records]
    fates: dict[str, list[str]] = {}
    for place in reversed(range(len(judged[0].records) if judged else 0)):
        target = f"{judged[0].records[place].target:g} %"
        fates.setdefault(_fate(judged, place), []).append(target)
    for fate, targets in fates.items():
        yield f"{joined(targets)} {'is' if len(targets) == 1 else 'are'} {fate}."


def _fate(judged: Sequence[Line], place: int) -> str:
    """What became of a target: beaten; passed, though by too few seeds for a record; or neither."""
    won = [line for line in judged if line.records[place].beaten]
    lost = [line for line in judged if not line.records[place].beaten]
    if won:
        if len(won) > NAMED and len(lost) <= NAMED:
            return "beaten by all" + (f" but {_named(lost, place)}" if lost else "")
        return f"beaten by {_named(won, place)}"
    borderline = [line for line in lost if line.records[place].outcome == "borderline"]
    if borderline:
        return f"borderline for {_named(borderline, place)}"
    passed = [line for line in lost if line.records[place].passed]
    if not passed:
        return "passed by no mean"
    best = max(passed, key=lambda line: line.records[place].mean or 0.0)
    mean = best.records[place].mean
    more = f" and {len(passed) - 1} more" if len(passed) > 1 else ""
    return (
        f"below the mean of {best.name} ({mean:.2f} %){more}, which is no record: "
        f"{best.records[place].reason}"
    )


def _named(lines: Sequence[Line], place: int) -> str:
    """A few with the reasons, many by name, and no more than can be read."""
    if len(lines) <= NAMED:
        return "; ".join(f"{line.name} ({line.records[place].reason})" for line in lines)
    names = ", ".join(line.name for line in lines[: 3 * NAMED])
    return names + (f" and {len(lines) - 3 * NAMED} more" if len(lines) > 3 * NAMED else "")


def _failures(line: Line) -> Iterator[str]:
    """Finals that failed for the same reason in one line."""
    seeds: dict[str, list[str]] = {}
    for failure in line.failures:
        seed, _, reason = failure.partition(": ")
        seeds.setdefault(reason, []).append(seed.removeprefix("seed "))
    for reason, which in seeds.items():
        yield f"{line.name}, {plural(len(which), 'seed')} {', '.join(which)}: {reason}"


def interval(difference: Difference | None, write: Callable[[float], str]) -> str:
    """`−0.64 … −0.09`, a dash for none."""
    return MISSING if difference is None else f"{write(difference.low)} … {write(difference.high)}"
