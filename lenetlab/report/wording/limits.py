"""What results do not say."""

from lenetlab.phrases import count
from lenetlab.records.cells import Results
from lenetlab.report.wording.experiment import problems_of
from lenetlab.report.wording.machines import seconds
from lenetlab.report.wording.statistics import seeds_of

PICKED_TARGETS = "Of the targets, those that say so were picked on the test set."
RECIPES = (
    " These recipes were chosen on held-out images alone; but the spaces that they were searched "
    "in were drawn by people who had seen test results (docs/protocol.md)."
)


def _luck(results: Results) -> str:
    """Where the luck of a search is shown instead."""
    return "; further searches of the best show it" if results.searches else ""


def limits(results: Results) -> list[str]:
    """What the results do not say."""
    one = len({contest.terms for contest in results.contests()}) < 2
    problems = len(problems_of(results))
    data = "one data set" if problems == 1 else count(problems, "data set")
    found = [
        f"One network, {data}{', one budget a leaderboard' if one else ''}. A method that is slow "
        f"here may be fast where batches{', nets or budgets' if one else ' or nets'} are larger."
    ]
    if max(seeds_of(results), default=0) > 1:
        found.append(
            "An interval is about the luck of seeds. It is not about the luck of the test images "
            "(of 10,000, at 90 % right, some 0.6 points either way), which is common to all "
            "methods, so that comparisons in pairs feel little of it."
        )
    if results.tuned:
        found.append(
            f"Tuning is part of the result: with more than {count(results.trials, 'trial')} some "
            "methods might stand higher. Another search of the same price finds another recipe, "
            f"and how far that moves a mean is in no interval here{_luck(results)}."
        )
    else:
        found.append(
            "A leaderboard says as much of the settings as of the methods: they were not tuned "
            + ("here." if results.planned else "here by one rule for all.")
        )
    if said := seconds(results):
        found.append(said)
    none = results.tuned and all(cell.trials for cell in results.cells if cell.finals)
    found.append(PICKED_TARGETS + (RECIPES * none))
    return found
