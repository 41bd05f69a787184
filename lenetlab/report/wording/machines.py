"""Where runs were computed, and what their seconds are worth."""

from collections import Counter
from collections.abc import Iterable

from lenetlab.analysis.equal_time import REFERENCE
from lenetlab.phrases import count, in_units, passes
from lenetlab.records.cells import Results, RunRow
from lenetlab.records.recipe import RecordedRecipe

EQUAL_TIME = (
    f"Every method at the CPU time that plain SGD ({REFERENCE}) takes for its whole budget, by its "
    "last measurement until then. A cheaper method had ended before; a more expensive one is cut "
    "off in the middle of its schedule, while its rate is still high, and might do better with a "
    "schedule for that time."
)
KIND = ("engine", "torch", "capability", "device", "kernel")  # of the numerics: not the method's


def devices(rows: Iterable[RunRow]) -> list[str]:
    """A line for each kind of machine, that of most runs first, each with its runs."""
    kinds = Counter(_device(row) for row in rows)
    if len(kinds) == 1:
        return [f"{kind}." for kind in kinds]
    return [f"{kind}: {count(n, 'run')}." for kind, n in kinds.most_common()]


def _device(row: RunRow) -> str:
    """What a run was computed by, in one line; what is not recorded is left out."""
    at, by = row.machine, row.numerics
    cores, threads = at.get("cores"), at.get("threads")
    parts = [
        at.get("processor"),
        count(cores, "core") if cores else None,
        at.get("system"),
        f"{count(threads, 'thread')} a run" if threads else None,
        f"lenetlab {at['lenetlab']}" if at.get("lenetlab") else None,
        f"Python {at['python']}" if at.get("python") else None,
        f"PyTorch {by['torch']}" if by.get("torch") else None,
        f"engine {by.get('engine')} on {by.get('device')}"
        + (f" ({by['capability']})" if by.get("capability") else ""),
    ]
    return ", ".join(str(part) for part in parts if part)


def seconds(results: Results) -> str:
    """What the clock is worth here."""
    rows = [row for row in results.rows() if row.train_seconds is not None]
    if not rows:
        return ""
    if results.timed:
        return results.timed
    machines = {(row.machine.get("processor"), row.machine.get("cores")) for row in rows}
    where = "the machine" if len(machines) == 1 else f"the {len(machines)} kinds of machine"
    threads = {row.machine.get("threads") for row in rows}
    known = sorted(n for n in threads if n)
    many = " or ".join(map(str, known))
    by = f", with {many} {'thread' if known == [1] else 'threads'} a run" if known else ""
    said = [
        f"Seconds are those of the runs themselves and of {where} named above{by}; what else "
        "ran beside is not recorded.",
        "The same run has the same bits on machines of one kind; on another its accuracy may "
        "differ a little, and its seconds by much.",
    ]
    kinds = {tuple(str(row.numerics.get(key)) for key in KIND) for row in rows}
    if len(kinds) > 1:
        said.append(
            f"These runs were computed in {len(kinds)} such ways, by engine, PyTorch or processor."
        )
    return " ".join(said)


def baseline(row: RunRow | None) -> str:
    """What was measured of the script's training: the whole of it, or less; on which machine."""
    if row is None or not row.done or row.train_seconds is None:
        return ""
    unit, amount = row.recorded.budget
    whole = row.recorded.budget == RecordedRecipe.budget
    less = passes(amount) if unit == "passes" else in_units(amount, unit)
    what = "The same training" if whole else f"The same training for {less}"
    where = f" on {row.machine['processor']}" if row.machine.get("processor") else ""
    threads = row.machine.get("threads")
    by = f" with {count(threads, 'thread')}" if threads else ""
    return f"{what} (seed {row.seed}) took {row.train_seconds:.3g} s{where}{by}."
