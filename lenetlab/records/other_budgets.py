"""Studies of other budgets, which lie beside a study's results: the steps of a ladder."""

from pathlib import Path
from typing import Any

from lenetlab.disk import read_json
from lenetlab.errors import UserError
from lenetlab.records.rows import FORMAT, STUDY
from lenetlab.records.shapes import misfit

RECORD = "record"  # in the plan of a record board
BUDGET = {"format": int, "passes": float, "trials": int}  # what is read here of a plan


def other_budgets(folder: Path) -> list[Path]:
    """The folders beside `folder` that have a tuned study of another budget than its own, the least
    budget first. Folders of another format, or of anything else, are passed by; a record is no
    step of a ladder."""
    own = _plan(folder)
    if own is None or RECORD in own:
        return []
    beside = sorted(one.parent for one in folder.resolve().parent.glob(f"*/{STUDY}"))
    plans = [(plan, one) for one in beside if (plan := _plan(one)) is not None]
    tuned = [(plan["passes"], one) for plan, one in plans if plan["trials"] and RECORD not in plan]
    return [one for passes, one in sorted(tuned) if passes != own["passes"]]


def _plan(folder: Path) -> dict[str, Any] | None:
    """What a study's file says, if it is one that can be read here."""
    try:
        plan = read_json(folder / STUDY)
    except UserError:
        return None
    return None if misfit(plan, BUDGET, STUDY) or plan["format"] != FORMAT else plan
