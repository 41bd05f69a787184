"""A record's run, trained again: whether it came to what is recorded.

Apart from the boards, whose statistics take longer to load than a short run takes.
"""

from collections.abc import Sequence

from lenetlab.records.cells import RunRow
from lenetlab.records.numerics import numerics_differ
from lenetlab.records.run_folder import Run
from lenetlab.report import formats


def repeated(run: Run, rows: Sequence[RunRow]) -> str:
    """How a final that was trained again compares with the recorded one."""
    row = next((row for row in rows if row.seed == run.seed), None)
    if row is None:
        return f"seed {run.seed} is none of the record's {rows[0].seed} to {rows[-1].seed}"
    if run.identity["id"] == row.id:
        same = (run.result.correct, run.result.loss) == (row.correct, row.loss)
        return f"seed {run.seed}: {'the same figures as' if same else 'NOT the figures'} recorded"
    why = numerics_differ(row.numerics, run.identity["numerics"])
    return (
        f"seed {run.seed}: recorded are {formats.percent(row.accuracy or 0.0)} and loss "
        f"{formats.four(row.loss or 0.0)}, by other numerics ({why})"
    )
