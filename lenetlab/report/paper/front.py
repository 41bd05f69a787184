"""What stands at the head of a paper beside its title: by whom, and for what."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Front:
    """Who hands the paper in. title : in place of the results' own; empty for that."""

    title: str = ""
    authors: Sequence[str] = ()
    group: str = ""
    course: str = ""

    @property
    def lines(self) -> list[str]:
        """The lines below the title: the authors, then group and course; only what is given."""
        below = ", ".join(part for part in (self.group, self.course) if part)
        return [line for line in (", ".join(self.authors), below) if line]
