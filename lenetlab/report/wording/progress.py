"""How far the runs are, and what failed."""

from collections import Counter

from lenetlab.analysis.state import left
from lenetlab.phrases import count
from lenetlab.records.cells import Results


def progress(results: Results) -> str:
    """How far it is, and what failed."""
    rows = results.rows()
    finals = [row for cell in results.cells for row in cell.finals]
    done = sum(row.done for row in finals)
    if results.planned:
        planned = len(finals) + sum(left(results, cell).finals for cell in results.cells)
        said = [f"{done:,} of {planned:,} final runs have a result."]
    else:
        said = [f"{done:,} of {count(len(finals), 'run')} on the test set "
                f"{'has' if done == 1 else 'have'} a result."]  # fmt: skip
    if results.tuned:
        tuned = [cell for cell in results.cells if not cell.place.tuned_on]
        trials = [row for cell in tuned for row in cell.trials]
        planned = len(trials) + sum(left(results, cell).trials for cell in tuned)
        said.append(f"{sum(row.done for row in trials):,} of {planned:,} trials have one.")
    failed = Counter(row.status for row in rows if not row.done)
    if failed:
        kinds = ", ".join(f"{n:,} {status}" for status, n in failed.most_common())
        said.append(f"Ended without one: {kinds}; each is listed with its reason.")
    return " ".join(said)


def failed(results: Results) -> str:
    """What becomes of runs that failed."""
    rows = results.rows()
    n = sum(not row.done for row in rows)
    if not n:
        of = " of this study" if results.planned else ""
        return f"None of the {count(len(rows), 'run')}{of} failed." if rows else ""
    those = "has no result. It is" if n == 1 else "have no result. They are"
    counts = "counts" if n == 1 else "count"
    return (
        f"{n:,} of {count(len(rows), 'run')} {those} shown with the reason, and {counts} as not "
        "having reached a target."
    )
