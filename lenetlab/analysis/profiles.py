"""Performance profiles: how often is a method the fastest, or nearly?

For problem p and method m let t_pm be what m needs, and r_pm = t_pm / min over methods of t_pm.
The profile ρ_m(τ) is the fraction of problems with r_pm ≤ τ: at τ = 1 how often m is best, at the
right end how many problems it solves at all (Dolan and Moré, Benchmarking optimization software
with performance profiles, Math. Program. 91, 2002, section 2). A problem is a pair of scenario and
target; t_pm the median over seeds, infinite if half the runs missed, or if m has no runs there.
Problems that no method solves are left out: they have no best.

The score is the area under the profile up to τ = 4, divided by 3: 1 is best everywhere (Dahl et
al., Benchmarking neural network training algorithms, 2023, arXiv:2306.07179). Profiles
are relative to the best of the methods that take part: with others beside them, the order of two
can change. Targets are known for Fashion-MNIST alone, so that profiles are of its leaderboards.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from lenetlab.analysis.speed import durations
from lenetlab.analysis.targets import MAIN, TARGETS, Target, targets_on
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest

FURTHEST = 4.0  # AlgoPerf's
# The lower ones are reached within the first measurements, whose places would decide.
LATE = tuple(target for target in TARGETS if target.accuracy >= MAIN.accuracy)


@dataclass(frozen=True)
class Profile:
    """One method's. steps : (τ, ρ(τ)) from τ = 1 on, at every τ where ρ rises. problems : how many
    there are. score : area up to `FURTHEST`, of 1."""

    method: str
    steps: tuple[tuple[float, float], ...]
    problems: int
    score: float

    def at(self, ratio: float) -> float:
        """ρ(ratio)."""
        return max((rho for tau, rho in self.steps if tau <= ratio), default=0.0)


def comparable(results: Results) -> bool:
    """Whether leaderboards have methods in common: without, profiles say who was run where."""
    names = [{cell.place.name for cell in results.within(contest) if cell.finals}
             for contest in _with_targets(results)]  # fmt: skip
    ran = [found for found in names if found]
    return results.planned and (len(ran) < 2 or bool(set.intersection(*ran)))


def _with_targets(results: Results) -> list[Contest]:
    return [contest for contest in results.contests() if targets_on(contest.problem)]


def profiles(
    results: Results, unit: str = "passes", targets: Sequence[Target] = LATE
) -> list[Profile]:
    """Of every method of a study, the best score first. `unit`: passes, seconds, cpu_seconds."""
    problems: list[dict[str, float]] = []
    for contest in _with_targets(results):
        taken = {
            cell.place.name: durations(cell.finals, targets)
            for cell in results.within(contest)
            if cell.finals
        }
        for i in range(len(targets)):
            problems.append({name: median(to[i][unit].values()) for name, to in taken.items()})
    return profiles_of(problems)


def profiles_of(problems: Sequence[Mapping[str, float]]) -> list[Profile]:
    """From what every method needed for every problem."""
    methods = list(dict.fromkeys(method for needed in problems for method in needed))
    solved = [needed for needed in problems if min(needed.values(), default=math.inf) < math.inf]
    found = [_profile(method, solved) for method in methods]
    return sorted(found, key=lambda profile: -profile.score)


def _profile(method: str, solved: Sequence[Mapping[str, float]]) -> Profile:
    needed = [(problem.get(method, math.inf), min(problem.values())) for problem in solved]
    ratios = sorted(1.0 if own == best else own / best for own, best in needed if own < math.inf)
    steps = [(1.0, 0.0)]
    for i, ratio in enumerate(ratios, start=1):
        if steps[-1][0] == ratio:
            steps.pop()
        steps.append((ratio, i / len(solved)))
    area = sum(max(FURTHEST - ratio, 0.0) for ratio in ratios)
    return Profile(
        method, tuple(steps), len(solved),
        area / (FURTHEST - 1) / len(solved) if solved else 0.0,
    )  # fmt: skip
