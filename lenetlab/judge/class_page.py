"""The verdicts on a class's submissions as one page: static, without a script, for a browser or a
printer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lenetlab.disk import replace_text
from lenetlab.judge.ranking import Ranked
from lenetlab.judge.twins import Twins, twins_of
from lenetlab.judge.verdict import Outcome
from lenetlab.report.page.html import environment

WORDS: Mapping[Outcome, str] = {
    "kept": "kept",
    "broken": "broken",
    "unchecked": "not trained again",
    "unreadable": "cannot be judged",
}


@dataclass(frozen=True)
class Line:
    """A submission as the page shows it; `figures` are empty where there are none."""

    rank: str
    name: str
    scenario: str
    outcome: str
    figures: tuple[str, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    twins: tuple[str, ...]


def write_page(places: Sequence[Ranked], same: Sequence[Twins], path: Path) -> None:
    """Write the page, whole or not at all."""
    template = environment(Path(__file__).parent).get_template("class_page.html")
    text = template.render(
        lines=[_line(place, same) for place in places],
        read=sum(place.verdict.score is not None for place in places),
    )
    replace_text(path, text)


def _line(place: Ranked, same: Sequence[Twins]) -> Line:
    verdict, score = place.verdict, place.verdict.score
    figures: tuple[str, ...] = ()
    if score is not None:
        found = score.evaluation
        half = (score.high - score.low) / 2
        figures = (f"{found.accuracy:.2f}", f"{half:.2f}", f"{found.loss:.4f}",
                   f"{found.starter_average_loss:.6f}", f"{score.constrained:,}")  # fmt: skip
    return Line(str(place), verdict.name, verdict.scenario, WORDS[verdict.outcome], figures,
                verdict.problems, verdict.notes, twins_of(verdict.name, same))  # fmt: skip
