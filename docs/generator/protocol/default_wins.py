"""How often a search keeps what was registered before it."""

import json

from lenetlab.records.cells import Cell, Results, RunRow


def default_wins(results: Results) -> str:
    """A sentence: of how many cells the recipe is trial 0."""
    tuned = [cell for cell in results.cells if cell.trials and cell.finals]
    kept = sum(_recipe(cell.finals[0]) == _recipe(_first(cell)) for cell in tuned)
    return (f"In {kept} of the {len(tuned)} cells that are complete the recipe that was kept is "
            "trial 0.\n")  # fmt: skip


def _first(cell: Cell) -> RunRow:
    return cell.trials[0]


def _recipe(row: RunRow) -> str:
    """Without what differs between a trial and a final."""
    kept = {key: value for key, value in row.recipe.items() if key not in ("budget", "split")}
    return json.dumps(kept, sort_keys=True)
