"""The runs of a record, to be trained again by its recipe."""

from lenetlab.experiments.jobs import Job, check_seeds
from lenetlab.experiments.recipe.recall import recall
from lenetlab.records.cells import RunRow
from lenetlab.records.record_boards import finals, read_record_board


def record_jobs(
    record: str, seed: int | None = None, seeds: int = 1
) -> tuple[list[Job], list[RunRow]]:
    """`seeds` runs from `seed`, or from the first of its finals, by the recipe of who holds
    `record`: a board's name or folder; and its recorded finals. `UserError` where there is none."""
    results = read_record_board(record)
    rows = finals(results)
    first = rows[0].seed if seed is None else seed
    check_seeds(first, seeds)
    recipe = recall(rows[0].recipe)
    remark = f"record {results.name}: {recipe.recorded().words()}"
    label = f"{recipe.name} (record {results.name})"
    return [Job(recipe, first + k, label, remarks=(remark,)) for k in range(seeds)], rows
