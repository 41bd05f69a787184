"""`lenetlab judge`: does a checkpoint obey the rules, and what does it score?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lenetlab.analysis.targets import place_among
from lenetlab.cli.shared.options import (
    Data,
    Device,
    Engine,
    Json,
    Limit,
    Threads,
    check_limit,
    run_at,
)
from lenetlab.cli.terminal.console import err, out, print_err, print_json, print_out
from lenetlab.cli.terminal.judge import print_table, print_twins, print_verdict, write_csv
from lenetlab.disk import check_writable, make_folder
from lenetlab.errors import UserError
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.judge.challenge import judge_challenge
from lenetlab.judge.ranking import ALPHA, Comparison, Ranked, compare, rank
from lenetlab.judge.scoring import Scorer
from lenetlab.judge.scripts import is_script, judge_script
from lenetlab.judge.twins import Twins, twins
from lenetlab.judge.verdict import SCRIPTS, STATUS, Verdict, printable, submissions
from lenetlab.judge.verdict import judge as judge_one
from lenetlab.phrases import p_equals
from lenetlab.problem.scenarios import find_scenario
from lenetlab.records.challenge import GUEST, is_challenge
from lenetlab.records.run_folder import finished_runs

INTERRUPTED = 130  # the exit status after Ctrl-C


def judge(
    checkpoints: Annotated[
        list[Path],
        typer.Argument(
            help="Files of torch.save or safetensors, run folders, challenges, folders of these."
        ),
    ],
    scenario: Annotated[
        str | None,
        typer.Option(help="plain, l2, sparse (default: the run's own, plain for a file)."),
    ] = None,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Train the runs again and compare the bits.")
    ] = False,
    script: Annotated[
        bool,
        typer.Option(
            "--script", help="RUN the scripts and notebooks among them, and judge their nets."
        ),
    ] = False,
    limit: Limit = None,
    csv: Annotated[Path | None, typer.Option(help="Write one line per checkpoint here.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="Write the table, what is wrong and what to ask for here.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder of runs, among which to place the checkpoint.")
    ] = None,
    engine: Engine = "auto",
    device: Device = "cpu",
    threads: Threads = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Judge any file of weights: read it safely, check the rules, measure it.

    Reads a state dict, a checkpoint of a training loop or a whole model, without running any code
    of theirs. Several checkpoints, or a folder, give a ranked table; two are compared by McNemar's
    exact test.

    - `lenetlab judge lenet.pt --scenario sparse`
    - `lenetlab judge submissions/ --csv marks.csv`
    - `lenetlab judge last --rerun`

    Of a folder that `lenetlab challenge` left, its figures are computed again from its rows; with
    `--rerun` its guest is trained again with one seed, which runs the guest's code.

    Exit status: 0 when the rules are kept, 1 when not, 2 when a file cannot be judged, or with
    --rerun not trained again (the worst of several); 130 after Ctrl-C, with what was judged.
    """
    if scenario is not None:
        find_scenario(scenario)  # refuses what is none
    if out is not None and not out.is_dir():
        raise UserError(f"--out {out} is not a folder; expected one with runs")
    check_limit(limit)
    found, passed = submissions([run_at(path) for path in checkpoints], SCRIPTS if script else ())
    if scenario is not None and (whole := next(filter(is_challenge, found), None)) is not None:
        raise UserError(
            f"{whole} is a challenge, which is judged in all its scenarios; leave --scenario out"
        )
    for written in filter(None, (csv, page)):
        make_folder(written.parent)  # before scripts run for hours
        check_writable(written)
    runtime = Runtime(data, Path("unused"), engine, device, threads, resume=False)
    scorer = Scorer(runtime)
    again = runtime if rerun else None
    verdicts: list[Verdict] = []
    try:
        for number, path in enumerate(found, 1):
            if script and is_script(path):
                _say_running(number, len(found), path, json)
                verdicts.append(judge_script(path, scenario, scorer, data, limit))
            else:
                verdicts.append(_judge(path, scenario, scorer, again, limit))
    except KeyboardInterrupt:  # what scripts took hours for is not lost
        err.print(f"interrupted: {len(verdicts)} of {len(found)} judged")
        if not verdicts:
            raise typer.Exit(INTERRUPTED) from None
    scored = [v.score for v in verdicts if v.score is not None]
    pair = compare(scored[0].right, scored[1].right) if len(scored) == len(found) == 2 else None
    places, same = rank(verdicts), twins(verdicts)
    own = None if out is None else _own_results(verdicts, out)
    if csv is not None:
        write_csv(places, same, passed, csv)
    if page is not None:
        from lenetlab.judge.class_page import write_page  # needs the extra `report`

        write_page(places, same, page)
    if json:
        facts = _plain(places, same, pair, passed)
        print_json(facts if own is None else facts | {"place": own})
    else:
        _print(verdicts, places, same, pair, own or [])
        if passed:
            names = ", ".join(path.name for path in passed[:3]) + (" …" if len(passed) > 3 else "")
            why = "for their suffix"
            if links := sum(path.is_symlink() and path.is_dir() for path in passed):
                why += f", or as links to folders ({links})"
            hint = any(path.suffix in SCRIPTS for path in passed) and not script
            more = "; --script runs scripts and notebooks" * hint
            err.print(f"passed over {why}: {len(passed)} ({names}){more}")
    if len(verdicts) < len(found):
        raise typer.Exit(INTERRUPTED)
    if status := max(STATUS[verdict.outcome] for verdict in verdicts):
        raise typer.Exit(status)


def _say_running(number: int, of: int, path: Path, quiet: bool) -> None:
    """A script may take minutes."""
    if not quiet:
        counted = f"[{number}/{of}] " if of > 1 else ""
        print_err(f"{counted}running {printable(path)}")


def _judge(
    path: Path, scenario: str | None, scorer: Scorer, again: Runtime | None, limit: float | None
) -> Verdict:
    if not is_challenge(path):
        return judge_one(path, scenario, scorer, again)
    if again is not None:
        code = f", by the code in {path / GUEST}" if (path / GUEST).is_dir() else ""
        print_err(f"{path}: training its guest again{code}")
    return judge_challenge(path, scorer, again, limit)


def _plain(
    places: Sequence[Ranked], same: Sequence[Twins], pair: Comparison | None, passed: Sequence[Path]
) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "verdicts": [
            place.verdict.as_json() | {"rank": place.rank, "tied": place.tied} for place in places
        ],
        "twins": [{"same": what, "checkpoints": names} for what, names in same],
        "mcnemar": pair and pair.as_json(),
        "passed_over": [str(path) for path in passed],
    }


def _print(
    verdicts: Sequence[Verdict],
    places: Sequence[Ranked],
    same: Sequence[Twins],
    pair: Comparison | None,
    own: Sequence[dict[str, Any]],
) -> None:
    """One verdict in full, or several as a table."""
    if len(verdicts) == 1:
        print_verdict(verdicts[0], own)
        return
    print_table(places)
    print_twins(same)
    if pair:
        _print_pair(verdicts, pair)


def _own_results(verdicts: list[Verdict], out: Path) -> list[dict[str, Any]]:
    """Where each scored checkpoint stands among the finished runs in `out` of its scenario."""
    runs = finished_runs(out)
    return [
        {"checkpoint": v.name, **vars(place_among(v.score.evaluation.accuracy, v.scenario, runs))}
        for v in verdicts
        if v.score is not None
    ]


def _print_pair(verdicts: Sequence[Verdict], pair: Comparison) -> None:
    first, second = (verdict.name for verdict in verdicts)
    out.print("\nthe same images, McNemar's exact test")
    print_out(f"  right by {first} alone: {pair.only_first:,}")
    print_out(f"  right by {second} alone: {pair.only_second:,}")
    meaning = "they differ" if pair.p < ALPHA else "no difference shown"
    out.print(f"  {p_equals(pair.p)}: {meaning} at 5 %")
