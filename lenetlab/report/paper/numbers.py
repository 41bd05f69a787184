"""The one way by which a number comes into a text: asked for by name, it is written with its
unit, and the runs that it is from are noted.

    figure("seeds")                              of the study
    figure("l2", "methods")                      of a leaderboard
    figure("l2", "muon", "accuracy")             of a method on it; "leader" stands for the leader
    figure("l2", "muon", "passes_to", 0)         … and a target, by its place among TARGETS

A number that does not exist is written as a dash. A name that does not exist is an error.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lenetlab.errors import UserError, unknown
from lenetlab.report import formats
from lenetlab.report.paper.markdown import Markdown


@dataclass(frozen=True)
class Fact:
    """A number, how it is written, and the ids of the runs it is from."""

    value: float | None
    write: Callable[[float], str]
    runs: Sequence[str] = ()

    @property
    def text(self) -> str:
        return formats.MISSING if self.value is None else self.write(self.value)


@dataclass(frozen=True)
class Source:
    """Where a number in the text is from."""

    name: str
    text: str
    runs: Sequence[str]


Facts = Mapping[str, "Fact | Facts"]


class Numbers:
    """Facts by name, and a record of those that were written."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._used: dict[str, Source] = {}

    def __call__(self, *name: str | int) -> Markdown:
        """The number called so, as text."""
        fact = self.fact(*name)
        written = ".".join(map(str, name))
        self._used[written] = Source(written, fact.text, list(fact.runs))
        return Markdown(fact.text)

    def has(self, *name: str | int) -> bool:
        """Whether there is such a number, and not a dash."""
        try:
            return self.fact(*name).value is not None
        except UserError:
            return False

    def fact(self, *name: str | int) -> Fact:
        """The number itself; `UserError` for a name that nothing has."""
        found: Any = self._facts
        for part in map(str, name):
            if not isinstance(found, Mapping) or part not in found:
                known = found if isinstance(found, Mapping) else ()
                raise unknown(f"figure {'.'.join(map(str, name))!r}: its part", part, known)
            found = found[part]
        if not isinstance(found, Fact):
            raise UserError(
                f"figure {'.'.join(map(str, name))!r} names several numbers; add one of "
                f"{', '.join(found)}"
            )
        return found

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Every number written so far, by name, with the ids of its runs."""
        return [asdict(source) for source in self._used.values()]


def count(value: float | None, runs: Iterable[str] = ()) -> Fact:
    """A whole number."""
    return Fact(value, formats.count, list(runs))
