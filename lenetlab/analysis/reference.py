"""What the methods of a leaderboard are compared with, and how that was chosen."""

from collections.abc import Sequence

from lenetlab.errors import UserError, unknown
from lenetlab.phrases import count
from lenetlab.records.cells import Cell, Results
from lenetlab.records.contest import Contest
from lenetlab.records.selection import leader


def carried_leader(results: Results, contest: Contest, cells: Sequence[Cell]) -> Cell | None:
    """Where recipes were carried over from another problem: the leader there, among `cells`."""
    for problem in {cell.place.tuned_on for cell in cells} - {""}:
        there = leader(results.within(contest._replace(problem=problem)))
        if there is not None:
            return next((cell for cell in cells if cell.place.name == there.place.name), None)
    return None


def choose_reference(
    cells: Sequence[Cell],
    against: str | None,
    planned: bool = True,
    carried: Cell | None = None,
) -> tuple[Cell | None, str, bool]:
    """What to compare with, how it was chosen, and whether it is the leader. Only a study has one:
    of single runs nobody knows whether held-out images were looked at before the test set. Where
    recipes were `carried` over, the leader is that of the problem they were found on."""
    first = (carried or leader(cells)) if planned else None
    if against is not None:
        exact = [cell for cell in cells if cell.place.name == against]
        found = exact or [cell for cell in cells if cell.place.method == against]
        if not found:
            raise unknown("method", against, [cell.place.name for cell in cells])
        if len(found) > 1 and not exact:
            names = "; ".join(cell.place.name for cell in found)
            raise UserError(f"{against!r} is more than one setting; name one of: {names}")
        return found[0], "as asked", found[0] is first
    if first is not None and first is carried:
        return first, f"the leader on {first.place.tuned_on}, where the recipes are from", True
    if first is not None:
        measured = sum(cell.best is not None for cell in cells)
        some = "" if measured == len(cells) else f" of the {measured} of {len(cells)} tried on them"
        how = _how_chosen(first)
        return first, f"best on held-out training images{some}{how}, not on the test set", True
    ran = [cell for cell in cells if cell.finals]
    if not ran:
        return None, "no method has a run on the test set", False
    if planned:
        return ran[0], "the first of the study, since nothing was tuned", False
    most = max(_whole(cell) for cell in ran)
    likely = [cell for cell in ran if _whole(cell) == most]
    if len(likely) > 1:
        return likely[0], "the first by name of those with the most seeds", False
    return likely[0], "the one with the most seeds", False


def _how_chosen(leader: Cell) -> str:
    """By which runs the leader was chosen, where by more than its best trial."""
    if n := len(leader.leading):
        n += len(leader.held_out) if leader.confirmations else 0
        return f" in the mean of {count(n, 'seed')}"
    return " when confirmed" if leader.confirmations else ""


def _whole(cell: Cell) -> int:
    """Its finals, if none failed: with others nothing can be compared."""
    return len(cell.finals) if all(row.done for row in cell.finals) else 0
