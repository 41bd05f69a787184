"""Where a method stands in a study, and with which others it is ranked."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from lenetlab.problem.problems import DEFAULT


class Contest(NamedTuple):
    """What the methods of a leaderboard have in common: only those are ranked together.

    terms : what there is beside scenario and rules, as in `2 passes` or `765 weights`; empty in a
        study, whose budget is one, but on a frontier.
    norms : `free` for the methods alone that leave norms free; empty for all of them.
    problem : the images.

    In JSON it is a list, as a tuple is.
    """

    scenario: str
    rules: str = "strict"
    terms: str = ""
    norms: str = ""
    problem: str = DEFAULT

    @property
    def key(self) -> str:
        """As links and figures are named: `plain`, `plain,open`, `plain,mnist,2-passes`."""
        terms = re.sub(r"[^A-Za-z0-9.]+", "-", self.terms)
        problem = "" if self.problem == DEFAULT else re.sub(r"[^A-Za-z0-9.]+", "-", self.problem)
        rest = filter(None, (problem, terms, self.norms))
        own = (re.sub(r"[^A-Za-z0-9.+]+", "-", word) for word in (self.scenario, *self._rules()))
        return ",".join([*(word.strip(".") or "-" for word in own), *rest])

    @property
    def title(self) -> str:
        """As a person reads it: `plain, open, 2 passes`, `plain on mnist`."""
        norms = f"{self.norms} norms" if self.norms else ""
        rest = filter(None, (self.terms, norms))
        return ", ".join([located(self.scenario, self.problem), *self._rules(), *rest])

    def _rules(self) -> list[str]:
        return [] if self.rules == "strict" else [self.rules]


def located(scenario: str, problem: str) -> str:
    """A scenario and its problem in words: `plain`, `plain on mnist`."""
    return scenario if problem == DEFAULT else f"{scenario} on {problem}"


@dataclass(frozen=True)
class CellKey:
    """Where a cell stands in its study. `method` has its wrappers around it, as in `ema+sgd`;
    `variant` tells cells apart that differ in settings which were given, not tuned; `terms` are
    its contest's, known from its runs and not kept in study.json; `search` is 1, and more of a
    cell that is searched again to see how much of its recipe was luck; `norms` is what the method
    does to the norms of weights: `free`, `decay`, `ball` or `sphere`; `tuned_on` is the problem
    that its recipe was found on, where that is another than its own `problem`."""

    method: str
    family: str
    scenario: str
    rules: str = "strict"
    variant: str = ""
    terms: str = ""
    search: int = 1
    norms: str = "free"
    problem: str = DEFAULT
    tuned_on: str = ""

    @property
    def contest(self) -> Contest:
        """With which cells it is ranked."""
        return Contest(self.scenario, self.rules, self.terms, problem=self.problem)

    @property
    def where(self) -> str:
        """Its scenario, with the problem where that is not the usual one."""
        return located(self.scenario, self.problem)

    @property
    def name(self) -> str:
        """What a person calls it within its scenario."""
        variant = [self.variant] if self.variant else []
        search = [f"search {self.search}"] if self.search > 1 else []
        return ", ".join([self.method, *variant, *search])
