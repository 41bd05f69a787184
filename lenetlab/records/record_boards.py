"""Where record boards are: a folder of results each, in one folder, that of the package or another.

results/records/NAME/    rows as any study's, the bound in study.json; and in
                         weights.safetensors the weights of its first final
"""

from pathlib import Path

from lenetlab.errors import UserError, unknown
from lenetlab.records.cells import Cell, Results, RunRow
from lenetlab.records.locate import published
from lenetlab.records.rows import STUDY, read_results
from lenetlab.records.selection import leader

RECORDS = "records"


def record_folders(folder: Path) -> list[Path]:
    """The folders of the boards in `folder`, by name."""
    return sorted(found.parent for found in folder.glob(f"*/{STUDY}"))


def read_record_board(recipe: str) -> Results:
    """The results of a board: one of the package, by its name, or the folder of one."""
    folder = Path(recipe) if (Path(recipe) / STUDY).exists() else published(RECORDS) / recipe
    if not (folder / STUDY).exists():
        names = [one.name for one in record_folders(published(RECORDS))]
        raise unknown("record", recipe, names, "" if names else "none is computed yet")
    results = read_results(folder)
    if results.record is None:
        raise UserError(f"{folder} is no record's: its study has no [record]")
    return results


def entry(results: Results) -> Cell | None:
    """Who holds a board, chosen on held-out images; where nothing was tuned its one method. None
    where nothing can be chosen yet."""
    if results.tuned:
        return leader(results.cells)
    return results.cells[0] if results.cells else None


def finals(results: Results) -> list[RunRow]:
    """The finals with figures of who holds a board, by seed; `UserError` where there are none."""
    holder = entry(results)
    done = [row for row in holder.finals if row.done] if holder else []
    if not done:
        raise UserError(f"the record {results.name} is not computed yet; give `lenetlab study` its "
                        "file first")  # fmt: skip
    return sorted(done, key=lambda row: row.seed)
