"""`lenetlab challenge`: is a new method better than the stored ones, by how much, how surely?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lenetlab.analysis.board import cost
from lenetlab.analysis.challenge import Challenge, Effect
from lenetlab.analysis.challenge import challenge as judge
from lenetlab.analysis.plain import as_plain
from lenetlab.analysis.targets import TARGETS
from lenetlab.cli.options import (
    RUNS,
    Data,
    Device,
    Engine,
    Fixed,
    Json,
    Limit,
    Out,
    Retry,
    Workers,
)
from lenetlab.cli.study_session import computed, limited, make_setup
from lenetlab.cli.terminal.console import out, print_json
from lenetlab.cli.terminal.numbers import number
from lenetlab.experiments.study.challenge import again, challenger, leading_cell
from lenetlab.experiments.study.single_search import folder_of
from lenetlab.experiments.study.worker import runtime_of
from lenetlab.records.locate import open_results
from lenetlab.records.rows import Cell, RunRow
from lenetlab.settings import parse_pairs


def challenge(
    method: Annotated[
        str, typer.Argument(help="FILE.py:CLASS, MODULE:CLASS or a name from `lenetlab methods`.")
    ],
    scenario: Annotated[str, typer.Option(help="A scenario of the stored study.")] = "plain",
    study: Annotated[
        Path, typer.Option(help="The stored results to beat: a study's file or folder.")
    ] = Path("results/course"),
    seeds: Annotated[
        int | None, typer.Option(min=2, help="Fewer or more seeds than the study has.")
    ] = None,
    settings: Fixed = None,
    workers: Workers = None,
    retry: Retry = False,
    limit: Limit = None,
    engine: Engine = "auto",
    device: Device = "auto",
    data: Data = None,
    out: Out = RUNS,
    json: Json = False,
) -> None:
    """Tune and run a method as a stored study did its own, and compare it with them.

    - `lenetlab challenge my_method.py:MyOptimizer --scenario l2 --study results/course`

    The opponent is the study's leader on held-out images. Seconds are compared by one seed of both,
    computed here one after the other. The same command goes on where it was stopped; a run that is
    ended at `--limit` has the status `timeout`, and `--retry` tries it again.

    Exit status: 0 with a verdict, 1 without, 2 for wrong usage, 130 after Ctrl-C.
    """
    stored = open_results(study, out)
    first = leading_cell(stored, scenario)
    given = parse_pairs(settings or [], "--set")
    planned = limited(challenger(method, scenario, stored, seeds, given), limit)
    folder = out / "studies" / f"challenge,{folder_of(planned)}"
    setup = make_setup(data, engine, device)
    new = computed(planned, folder, setup, workers, retry, json)
    found = judge(new, first, stored.within(scenario))
    timed = [again(cell.finals[0], runtime_of(setup)) if cell.finals and cell.finals[0].done
             else None for cell in (new, first)]  # fmt: skip
    if json:
        print_json(_plain(found, new, timed))
    else:
        _show(method, scenario, found, new, timed)
    if found.verdict == "not tested":
        raise typer.Exit(1)


def _show(
    method: str, scenario: str, found: Challenge, new: Cell, timed: list[RunRow | None]
) -> None:
    def line(text: str) -> None:
        out.print(text, markup=False, soft_wrap=True)

    line(f"{method} in {scenario}: {_verdict(found)}")
    if found.loss is not None:
        line(f"  mean test loss     {_effect(found.loss, 4)}")
    if found.mean is not None:
        line(f"  mean test accuracy {found.mean:.2f} %, above {found.better_than} of the "
             f"{found.of} stored methods")  # fmt: skip
    for failure in found.failures:
        line(f"  failed             {failure}")
    for there in found.reached:
        times = there.times["passes"]
        if there.missed < there.runs:
            sooner = "" if times is None else f", {times:.2f} times as soon as {found.leader}"
            line(f"  to {there.target.accuracy:g} %          {there.passes:.2f} passes (median; "
                 f"{there.missed} of {there.runs} missed){sooner}")  # fmt: skip
    for what, rows in (("tuning", new.search), ("finals", new.finals)):
        if (price := cost(rows)) is not None:
            line(f"  cost of {what:10} {number(price.passes, 1)} passes, "
                 f"{number(price.seconds, 0)} s")  # fmt: skip
    if timed[0] is not None and timed[1] is not None:
        line(f"  seconds of a run   {timed[0].train_seconds:.1f}, {found.leader} "
             f"{timed[1].train_seconds:.1f}, both timed now")  # fmt: skip
    beaten = [(t, r) for t, r in zip(TARGETS, found.records, strict=True) if r.beaten]
    if beaten:
        line(f"  record             beats {beaten[-1][0].accuracy:g} %, {beaten[-1][0].whose} "
             f"({beaten[-1][1].reason})")  # fmt: skip
    else:
        line(f"  record             none: {found.records[0].reason}")
    if new.best is not None:
        line(f"  recipe             {new.best.recorded.words()}")


def _verdict(found: Challenge) -> str:
    if found.accuracy is None:
        return f"not tested: {found.untested or 'all seeds differ by the same amount'}"
    how = "paired by seed" if found.paired else "Welch's test, the numerics differ"
    said = {"better": "better than", "worse": "worse than"}.get(
        found.verdict, "no difference found to"
    )
    return f"{said} {found.leader}: {_effect(found.accuracy, 2)} points of accuracy, {how}"


def _effect(effect: Effect, digits: int) -> str:
    return (f"{effect.mean:+.{digits}f}, 95 % interval {effect.low:+.{digits}f} … "
            f"{effect.high:+.{digits}f} (n = {effect.n}, p = {effect.p:.2g})")  # fmt: skip


def _plain(found: Challenge, new: Cell, timed: list[RunRow | None]) -> dict[str, Any]:
    seconds = [None if row is None else row.train_seconds for row in timed]
    return {
        "verdict": found.verdict,
        **as_plain(found),
        "best_trial": None if new.best is None else asdict(new.best),
        "seconds": {"challenger": seconds[0], "leader": seconds[1]},
    }
