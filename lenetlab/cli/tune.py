"""`lenetlab tune`: search for the recipe of a method that does best on held-out training images."""

from typing import Annotated

import typer

from lenetlab.cli.shared import completion
from lenetlab.cli.shared.options import (
    RUNS,
    Data,
    Device,
    Engine,
    Fixed,
    Json,
    Limit,
    Out,
    Problem,
    Retry,
    Workers,
)
from lenetlab.cli.terminal.console import print_json
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.locate import STUDIES
from lenetlab.settings import parse_pairs


def tune(
    method: Annotated[
        str,
        typer.Argument(
            help="A name from `lenetlab methods`, FILE.py:CLASS, or ema+sgd.",
            autocompletion=completion.spec,
        ),
    ],
    scenario: Annotated[str, typer.Option(help="plain, l2 or sparse, …")] = "plain",
    trials: Annotated[
        int, typer.Option(help="How many recipes are drawn; the default is tried as well.")
    ] = 12,
    passes: Annotated[float, typer.Option(help="Effective passes of each trial.")] = 5.0,
    sampler: Annotated[
        str, typer.Option(help="sobol, or tpe, which looks at the trials so far (Optuna).")
    ] = "sobol",
    confirm: Annotated[
        float | None,
        typer.Option(help="Run the best three again: so many passes, two fresh seeds each."),
    ] = None,
    settings: Fixed = None,
    problem: Problem = DEFAULT,
    workers: Workers = None,
    retry: Retry = False,
    limit: Limit = None,
    engine: Engine = "auto",
    device: Device = "cpu",
    data: Data = None,
    out: Out = RUNS,
    json: Json = False,
) -> None:
    """Search for a method's best recipe, judged by images held out of the training set.

    - `lenetlab tune adamw --scenario l2 --trials 12 --passes 5`
    - `lenetlab tune my_method.py:MyOptimizer --set momentum=0.9`

    Trial 0 is the registered default on a cosine schedule. With `--confirm 10` the best three
    trials are run again for 10 passes, and the best mean wins: a single best trial was lucky as
    well as good.

    The winner is kept in `OUT/tuned.json`, for `lenetlab run --tuned`, unless the recipe that is
    kept did better or was searched more (passes of all runs). The same command continues
    where it stopped; more trials are added to those there are.

    A trial that is ended at `--limit` has the status `timeout`; `--retry` tries it again.

    Exit status: 0, 1 when no trial has figures, 2 for wrong usage, 130 after Ctrl-C,
    143 after SIGTERM.
    """
    from lenetlab.cli.shared.study_session import Session, computed, limited, make_setup
    from lenetlab.cli.terminal.tune import search_as_json, show
    from lenetlab.experiments.study.single_search import (
        folder_of,
        search_cell,
        search_study,
        settle_winner,
    )
    from lenetlab.experiments.tuning.trials import Tuning

    search = Tuning(trials, passes, sampler)
    given = parse_pairs(settings or [], "--set")
    searched = search_cell(method, scenario, search, given, problem)
    planned = limited(search_study(searched, confirm), limit)
    folder, setup = out / STUDIES / folder_of(planned), make_setup(data, engine, device)
    cell = computed(planned, Session(folder, setup, workers, retry, json))
    winner = settle_winner(out, cell, planned)
    if json:
        print_json(search_as_json(cell, winner, out))
    else:
        show(cell, winner, out, problem)
    if winner is None:
        raise typer.Exit(1)
