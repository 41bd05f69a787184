"""A leaderboard in the paper: its sentences, tables and figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lenetlab.problem.scenarios import SCENARIOS, is_constrained
from lenetlab.report.paper.facts import board_key
from lenetlab.report.paper.markdown import Markdown, code, table
from lenetlab.report.paper.numbers import Numbers
from lenetlab.report.paper.standing import Difference, compare
from lenetlab.results import Cell

REACHED = (2, 3, 4)  # places among TARGETS of those that need more than a pass or two
NAMED = 6  # ties that a sentence names


@dataclass(frozen=True)
class Board:
    """What the template shows of a scenario; `curves` and `comparisons` are rows of pictures."""

    name: str
    rules: str
    summary: Markdown
    story: Markdown
    table: Markdown
    curves: Sequence[tuple[str, object]]
    comparisons: Sequence[tuple[str, object]]


class Standings:
    """One leaderboard's cells in the order of their mean accuracy, and how they compare."""

    def __init__(self, cells: Sequence[Cell], figure: Numbers) -> None:
        self.cells, self.figure = cells, figure
        self.key = board_key(cells[0].place.scenario, cells[0].place.rules)
        self.leader, self.differences = compare(cells)
        self.to_leader = {d.cell.place.name: d for d in self.differences}
        self.ordered = sorted(cells, key=self._standing)

    def _standing(self, cell: Cell) -> float:
        value = self.figure.fact(self.key, cell.place.name, "accuracy").value
        return -value if value is not None else 0.0

    def named(self, verdict: str) -> list[Difference]:
        """The comparisons with this verdict, in the order of the table."""
        order = {cell.place.name: i for i, cell in enumerate(self.ordered)}
        found = [d for d in self.differences if d.verdict == verdict]
        return sorted(found, key=lambda d: order[d.cell.place.name])

    def mark(self, cell: Cell) -> str:
        """How the cell stands to the leader, in one word."""
        if cell is self.leader:
            return "leader"
        found = self.to_leader.get(cell.place.name)
        return found.verdict if found else ""


def summary(at: Standings) -> Markdown:
    """A sentence for the paper's beginning."""
    figure, key = at.figure, at.key
    if at.leader is None or not figure.has(key, "leader", "accuracy"):
        return Markdown(f"In scenario {code(key)} there is no result yet.")
    text = (
        f"In scenario {code(key)} the method chosen beforehand, {code(at.leader.place.name)}, "
        f"reaches {figure(key, 'leader', 'accuracy')}"
    )
    if figure.has(key, "leader", "low"):
        text += f" ({figure(key, 'leader', 'low')} to {figure(key, 'leader', 'high')})"
    return Markdown(f"{text}; {_counts(at)}.")


def _counts(at: Standings) -> str:
    """How many stand where; a difference without significance is called none."""
    figure, parts = at.figure, []
    for verdict, one, many in (
        ("better", "method is significantly better", "methods are significantly better"),
        ("tie", "cannot be told from it", "cannot be told from it"),
        ("worse", "is significantly worse", "are significantly worse"),
    ):
        n = len(at.named(verdict))
        if n:
            parts.append(f"{figure(at.key, COUNTED[verdict])} {one if n == 1 else many}")
    return ", ".join(parts) if parts else "nothing is there to compare it with"


COUNTED = {"better": "better", "tie": "ties", "worse": "worse"}


def story(at: Standings) -> Markdown:
    """The paragraph before the table."""
    figure, key = at.figure, at.key
    if at.leader is None:
        return Markdown(
            "No trial of this scenario is done, so there is no leader and nothing is compared."
        )
    parts = [
        f"On the held-out images {code(at.leader.place.name)} was best, with "
        f"{figure(key, at.leader.place.name, 'held_out')} %, and so is the leader. "
        + _sentence(_counts(at))
    ]
    ties = at.named("tie")
    if ties:
        names = ", ".join(str(code(d.cell.place.name)) for d in ties[:NAMED])
        more = f" and {len(ties) - NAMED} more" if len(ties) > NAMED else ""
        parts.append(f"Not significantly different from it: {names}{more}.")
    parts += _top(at)
    return Markdown(" ".join(parts))


def _sentence(text: str) -> str:
    return f"Of the others, {text}." if text[0].isdigit() else f"{text[0].upper()}{text[1:]}."


def _top(at: Standings) -> Iterator[str]:
    """If another than the leader has the highest mean, whether that means anything."""
    top = at.ordered[0]
    found = at.to_leader.get(top.place.name)
    if found is None or found.interval.mean <= 0:
        return
    difference = at.figure(at.key, top.place.name, "difference")
    means = "a significant difference" if found.verdict == "better" else "no significant difference"
    yield (
        f"The highest mean on the test set is that of {code(top.place.name)}, {difference} points "
        f"from the leader: {means}."
    )


def leaderboard(at: Standings, rows: int | None) -> Markdown:
    """The table of results, its first `rows` lines."""
    figure, key = at.figure, at.key
    sparse = is_constrained(at.cells[0].place.scenario)
    columns = ["method", ">held-out, %", ">test, %", ">±", ">mean loss", ">script's loss",
               *([">nonzeros"] if sparse else []), ">to leader", ">p", "verdict", ">seeds"]  # fmt: skip
    lines = []
    for cell in at.ordered[:rows]:
        name = cell.place.name
        own = [figure(key, name, fact) for fact in
               ("held_out", "accuracy_bare", "half", "loss", "starter_average_loss",
                *(["nonzeros"] if sparse else []), "difference", "p")]  # fmt: skip
        mark = at.mark(cell)
        mark = Markdown(f"**{mark}**") if mark == "leader" else mark
        lines.append([code(name, 34), *own, mark, figure(key, name, "seeds")])
    caption = (
        f"{_first(at, rows)} of scenario {code(key)}. Test accuracy is the mean over seeds, ± half "
        "of its interval; the differences to the leader are in points, paired by seed, with "
        "Holm's p; a tie is not significant."
    )
    return table(Markdown(caption), columns, lines)


def costs(boards: Sequence[Standings], rows: int) -> Markdown:
    """The table of what results cost: passes and seconds to targets, tuning; the first `rows` of
    every leaderboard."""
    if not boards:
        return Markdown("")
    figure = boards[0].figure
    columns = ["scenario", "method", ">CPU s a run", ">MB", ">tuning, CPU"]
    columns += [f">{figure('targets', i)}: passes" for i in REACHED]
    columns += [f">{figure('targets', i)}: s" for i in REACHED]
    lines = [
        [
            code(at.key) if i == 0 else "",
            code(name, 34),
            figure(at.key, name, "cpu_seconds"),
            figure(at.key, name, "memory"),
            figure(at.key, name, "tuning_seconds"),
            *(figure(at.key, name, "passes_to", i) for i in REACHED),
            *(figure(at.key, name, "seconds_to", i) for i in REACHED),
        ]
        for at in boards
        for i, name in enumerate(cell.place.name for cell in at.ordered[:rows])
    ]
    best = f" The best {rows} of each." if any(len(at.ordered) > rows for at in boards) else ""
    caption = (
        "What results cost: CPU seconds and memory of a run, CPU time of all trials, and the "
        "median passes and seconds of training to three targets. A dash: at least half of the "
        f"seeds did not get there.{best}"
    )
    return table(Markdown(caption), columns, lines)


def _first(at: Standings, rows: int | None) -> str:
    total = len(at.ordered)
    return "The leaderboard" if rows is None or total <= rows else f"The first {rows} of {total}"


def rules_of(cells: Sequence[Cell]) -> str:
    """What the scenario asks, in a line."""
    place = cells[0].place
    more = "" if place.rules == "strict" else "; augmentation of the training images allowed"
    return SCENARIOS.get(place.scenario, "a scenario of its own") + more


