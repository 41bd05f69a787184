"""What every figure shows, said once: page and paper add only what is their own medium's."""

from collections.abc import Mapping, Sequence

from lenetlab.analysis.across import Ranking
from lenetlab.analysis.at_budget import AtBudget, count_budgets
from lenetlab.analysis.board import Board
from lenetlab.analysis.targets import MAIN
from lenetlab.phrases import in_units, joined, p_equals


def seeds(most: int) -> str:
    """What a curve is, of cells with at most so many finished seeds."""
    return "means over seeds, in bootstrap bands of 95 %" if most > 1 else "one seed each"


def accuracy(most: int) -> str:
    """Accuracy along the run."""
    return f"Test accuracy while training: {seeds(most)}."


def loss(most: int) -> str:
    """Loss along the run."""
    return (
        f"True mean cross-entropy on the test set: {seeds(most)}. Where it rises while accuracy "
        "does not fall, the net becomes sure of its mistakes."
    )


def training(most: int) -> str:
    """Training loss along the run."""
    said = "means over seeds" if most > 1 else "one seed each"
    return f"Training loss, the mean of consecutive steps: {said}."


def at_budget(points: Mapping[str, Sequence[AtBudget]], roomy: bool = True) -> str:
    """Accuracy at the end of budgets that runs were made for, by scenario; who is named: all on the
    front, or, where it is not `roomy`, its best."""
    budgets = count_budgets(one for some in points.values() for one in some)
    who = "those on it are named" if roomy else "its best are named"
    of = "the budget" if budgets == 1 else f"one of {budgets} budgets"
    return (
        f"Every point is a method at the end of {of} that its runs were made for: the mean over "
        "seeds with its 95 % interval. The stepped line, the front, joins those that no other is "
        f"above at the same budget or less; {who}. They are there by their test accuracy, some by "
        f"luck. Triangles lie below the axis.{_at_chance(points)}"
    )


def _at_chance(points: Mapping[str, Sequence[AtBudget]]) -> str:
    """Runs that ended where a net begins: a mean over seeds does not show them."""
    said = [
        f"{one.at_chance} of {one.accuracy.n} runs of {one.line} in {where} after "
        f"{in_units(one.budget[1], one.budget[0])}"
        for where, some in points.items()
        for one in some
        if one.at_chance
    ]
    return f" Diverged to chance, 10 %: {joined(said)}." if said else ""


def pareto() -> str:
    """Accuracy against computation."""
    return (
        "Every evaluation of every method is a point; the stepped line joins those that no other "
        "is above and left of. An evaluation before the end is on the way of the whole run: a "
        "schedule made for a shorter budget would do better there."
    )


def differences(board: Board) -> str:
    """Every method against the board's reference."""
    return (
        "Accuracy less that of the same seed, mean and interval; all intervals together hold at "
        f"{100 * board.level:g} %. Open circles are ties or borderline."
    )


def ranks(ranking: Ranking) -> str:
    """Mean ranks with the critical difference."""
    return (
        f"{ranked(ranking)} The bar above is the critical difference; methods that a bar at the "
        "right joins are within it."
    )


def ranked(ranking: Ranking) -> str:
    """What mean ranks and the critical difference say, drawn or not."""
    n, k = len(ranking.problems), len(ranking.methods)
    said = f"Mean ranks of {k} methods over {n} problems, by mean test {ranking.metric}. "
    if ranking.seeds > 1:
        said += f"Intervals are about the luck of {ranking.seeds} seeds, on these problems. "
    said += (
        "Whether the order would hold on other problems is another question: mean ranks closer "
        f"than the critical difference, {ranking.difference:.2f}, are not told apart at "
        f"{100 * ranking.level:g} % (Nemenyi)"
    )
    if n < ranking.needed:
        said += f", and with {k} methods none can be on fewer than {ranking.needed} problems"
    return f"{said}. Ranks that agree as much by luck alone: {p_equals(ranking.test.p)} (Friedman)."


def profiles(problems: int) -> str:
    """Performance profiles."""
    return (
        f"On which fraction of {problems} pairs of leaderboard and target, from "
        f"{MAIN.accuracy:g} % on, a method needs at most so many times the effective passes of the "
        "best. Left: how often it is best; right: how many it reaches at all."
    )


def budget() -> str:
    """Best held-out accuracy against trials."""
    return (
        "The best held-out accuracy if only so many of the trials could be afforded, the median "
        "over all ways to choose them. A failed trial counts as guessing."
    )


def sensitivity() -> str:
    """Trials against learning rate and batch size."""
    return (
        "Trials on held-out training images against learning rate, coloured by batch size. A "
        "cross is a trial that failed; what lies below the axis is drawn on it."
    )


def confusion() -> str:
    """A net's mistakes."""
    return "Test images by true and predicted class. The diagonal counts the right ones."


def filters() -> str:
    """A net's first layer."""
    return "The six filters of 5 × 5 weights, on one scale; the colours are the signs."


def frontier() -> str:
    """Accuracy against nonzeros."""
    return (
        "Mean accuracy against the nonzero weights of fc1 and fc2; bars from the least seed to "
        "the largest. The dotted rule is the bound of the scenario sparse."
    )
