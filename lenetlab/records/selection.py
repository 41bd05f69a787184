"""What held-out images choose: a cell's recipe, a leaderboard's leader. The test set has no part.

A study that only tries takes the best trial. One that confirms runs the best trials again, for the
full budget and with seeds that no trial had: a single trial that came out best was lucky as well as
good. For the leader the best methods are run with still more seeds: differences between them are
small beside what two seeds can tell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol, TypeVar

# Finals have seeds from 0, trials 0: with these nothing else is computed.
CONFIRMING, LEADING = 1001, 2001
COLLAPSE = 5.0  # points below its own trial, at which a confirmation disqualifies the recipe


@dataclass(frozen=True)
class Stages:
    """What follows on the trials of a study; a stage of 0 is left out.

    confirm, confirm_seeds : so many of the best trials run again, with so many seeds.
    leaders, leader_seeds : so many of the best methods of a leaderboard run once more.
    lucky, searches : so many of them are searched so many times more.
    """

    confirm: int = 0
    confirm_seeds: int = 2
    leaders: int = 0
    leader_seeds: int = 3
    lucky: int = 0
    searches: int = 2

    @property
    def confirmations(self) -> int:
        """The runs that confirm a search."""
        return self.confirm * self.confirm_seeds


TRIALS_ALONE = Stages()


class Figures(Protocol):
    """What is known of a run. `number` : of its trial."""

    @property
    def number(self) -> int: ...
    @property
    def accuracy(self) -> float | None: ...
    @property
    def loss(self) -> float | None: ...
    @property
    def done(self) -> bool: ...


F = TypeVar("F", bound=Figures)
SortKey = tuple[float, float, int]  # the best first


def sort_key(accuracy: float | None, loss: float | None, number: int) -> SortKey:
    """What figures are ordered by: accuracy, between equals the loss, then the number."""
    assert accuracy is not None
    assert loss is not None
    return -accuracy, loss, number


def best_first(trials: Iterable[F]) -> list[F]:
    """The trials that are done, in order."""
    done = [row for row in trials if row.done]
    return sorted(done, key=lambda row: sort_key(row.accuracy, row.loss, row.number))


def mean(rows: Sequence[Figures], number: int = 0) -> SortKey | None:
    """Where runs of one recipe stand by their means; None if there are none, or one failed."""
    if not rows or not all(row.done for row in rows):
        return None
    accuracies = [row.accuracy for row in rows if row.accuracy is not None]
    losses = [row.loss for row in rows if row.loss is not None]
    return sort_key(fmean(accuracies), fmean(losses), number)


def confirmed(trials: Iterable[F], confirmations: Sequence[Figures]) -> list[tuple[SortKey, F]]:
    """The trials that were confirmed, by the means of their confirmations, the best first. A run
    that failed, or ended `COLLAPSE` points or more below the trial, disqualifies the recipe."""
    found = []
    for trial in best_first(trials):
        again = [row for row in confirmations if row.number == trial.number]
        stands = mean(again, trial.number)
        if stands is not None and not any(_collapsed(row, trial) for row in again):
            found.append((stands, trial))
    return sorted(found, key=lambda pair: pair[0])


def _collapsed(row: Figures, trial: Figures) -> bool:
    assert row.accuracy is not None
    assert trial.accuracy is not None
    return row.accuracy <= trial.accuracy - COLLAPSE


def to_confirm(trials: Iterable[F], confirmations: Sequence[Figures], count: int) -> list[F]:
    """The trials that are confirmed next, after all `confirmations` have ended: the best `count`;
    while none of those has stood, the best of the others. Empty when it is decided."""
    ordered = best_first(trials)
    if confirmed(ordered, confirmations):
        return []
    had = {row.number for row in confirmations}
    return [trial for trial in ordered if trial.number not in had][:count]


def chosen(trials: Iterable[F], confirmations: Sequence[Figures]) -> F | None:
    """The trial whose recipe is trained on all images: the best of those confirmed; where nothing
    was confirmed yet, the best. None if there is none."""
    if confirmations:
        return next((trial for _, trial in confirmed(trials, confirmations)), None)
    return next(iter(best_first(trials)), None)


def held_out(trials: Iterable[F], confirmations: Sequence[F]) -> Sequence[F]:
    """The runs by which the recipe was chosen: its confirmations, else its trial."""
    trial = chosen(trials, confirmations)
    if trial is None:
        return []
    return [row for row in confirmations if row.number == trial.number] or [trial]


class Tried(Protocol):
    """A cell, as far as it was chosen by held-out images."""

    @property
    def trials(self) -> Sequence[Figures]: ...
    @property
    def confirmations(self) -> Sequence[Figures]: ...
    @property
    def leading(self) -> Sequence[Figures]: ...


C = TypeVar("C", bound=Tried)


def by_confirmation(cells: Iterable[C]) -> list[C]:
    """The cells that have a recipe by confirmation, the best first; equals stay in their order."""
    found = [(known[0][0][:2], cell) for cell in cells
             if (known := confirmed(cell.trials, cell.confirmations))]  # fmt: skip
    return [cell for _, cell in sorted(found, key=lambda pair: pair[0])]


def leader(cells: Iterable[C]) -> C | None:
    """The leader of the cells of a leaderboard, fixed before the test: of those with the most runs
    at full length, confirmations and leader runs of the same recipe together, by their mean; where
    no cell has such runs, by the best trial. So a cell that is not whole yet does not lead.

    Confirmations have chosen the recipes, so that their means are too high, but for all methods
    alike: to leave them out finds the best less often (docs/protocol.md)."""
    tuned = [cell for cell in cells if chosen(cell.trials, cell.confirmations) is not None]
    at_length = [(len(runs), stands, cell) for cell in tuned
                 if (stands := mean(runs := _at_full_length(cell))) is not None]  # fmt: skip
    most = max((n for n, _, _ in at_length), default=0)
    whole = [(stands, cell) for n, stands, cell in at_length if n == most]
    if whole:
        return min(whole, key=lambda pair: pair[0])[1]
    return min(tuned, key=_by_trial, default=None)


def _at_full_length(cell: Tried) -> list[Figures]:
    again = held_out(cell.trials, cell.confirmations) if cell.confirmations else []
    return [*again, *cell.leading]


def _by_trial(cell: Tried) -> SortKey:
    best = best_first(cell.trials)[0]
    return sort_key(best.accuracy, best.loss, 0)
