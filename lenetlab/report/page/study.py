"""What was studied and how, in sentences made from the results."""

from collections import Counter
from collections.abc import Iterable

from lenetlab.problem.scenarios import RULE_SETS, SCENARIOS
from lenetlab.results import Results, Row


def about(results: Results) -> list[str]:
    """A paragraph on the protocol, one on how far it is, one on where it was computed."""
    runs = [row for cell in results.cells for row in (*cell.trials, *cell.finals)]
    paragraphs = [" ".join(_protocol(results)), " ".join(_progress(results)), _devices(runs)]
    return [paragraph for paragraph in paragraphs if paragraph]


def _protocol(results: Results) -> Iterable[str]:
    methods = len({cell.place.method for cell in results.begun()})
    settings = len({cell.place.name for cell in results.begun()})
    boards = results.scenarios()
    where = f"in the scenario {boards[0][0]}" if len(boards) == 1 else f"in {len(boards)} scenarios"
    if not results.cells:
        yield "No method has been planned."
        return
    many = f" at {count(settings, 'setting')}" if settings > methods else ""
    yield (
        f"{count(methods, 'method')}{many} {where}, each training the same LeNet-5 (44,426 "
        "parameters) on Fashion-MNIST."
    )
    if results.trials:
        yield (
            f"Every method was tuned by {count(results.trials, 'trial')} of "
            f"{passes(results.tuning_passes)}, which train on the first 50,000 training images and "
            "are scored on the other 10,000. The best trial’s recipe was then trained on all "
            f"60,000 images for {passes(results.passes)} with {count(results.seeds, 'seed')}, and "
            "measured on the test set."
        )
    else:
        yield (
            f"Nothing was tuned: settings are as they were given. Runs{_budget(results)} with "
            f"{count(results.seeds, 'seed')} each are measured on the test set."
        )
    if results.seeds == 1:
        yield "With a single seed there is no interval: differences may be luck."


def _budget(results: Results) -> str:
    return f" of {passes(results.passes)}" if results.passes else ""


def _progress(results: Results) -> Iterable[str]:
    finals = [row for cell in results.cells for row in cell.finals]
    trials = [row for cell in results.cells for row in cell.trials]
    planned = results.seeds * len(results.cells)
    done = sum(row.done for row in finals)
    yield f"{done:,} of {planned:,} final runs have a result."
    if results.trials:
        all_trials = results.trials * len(results.cells)
        yield f"{sum(row.done for row in trials):,} of {all_trials:,} trials have one."
    failed = Counter(row.status for row in (*finals, *trials) if not row.done)
    if failed:
        said = ", ".join(f"{n:,} {status}" for status, n in failed.most_common())
        yield f"The rest that ended: {said}; each is listed with its reason."


def _devices(rows: Iterable[Row]) -> str:
    """The device line: every kind of machine that took part, the most used first."""
    kinds = Counter(device(row) for row in rows)
    return " ".join(
        f"Computed by {kind}." if len(kinds) == 1 else f"{n:,} runs by {kind}."
        for kind, n in kinds.most_common()
    )


def device(row: Row) -> str:
    """What a run was computed by, in one line."""
    threads = row.machine.get("threads")
    return (
        f"lenetlab {row.machine.get('lenetlab')} with the engine {row.numerics.get('engine')} on "
        f"{row.numerics.get('device')}, {row.machine.get('processor')} "
        f"({count(row.machine.get('cores') or 0, 'core')}"
        + (f", {count(threads, 'thread')} a run" if threads else "")
        + f"), PyTorch {row.numerics.get('torch')}"
    )


def scenario_about(scenario: str, rules: str) -> str:
    """What is minimised and what is allowed on a leaderboard."""
    said = SCENARIOS.get(scenario, "a scenario that this version does not know")
    return f"{said[0].upper()}{said[1:]}. Rules {rules}: {RULE_SETS.get(rules, 'unknown')}."


def count(n: int, thing: str) -> str:
    """`1 seed`, `10 seeds`."""
    return f"{n:,} {thing}" + ("" if n == 1 else "s")


def passes(amount: float) -> str:
    """`10 effective passes`."""
    return f"{amount:g} effective pass" + ("" if amount == 1 else "es")
