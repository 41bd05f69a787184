"""`lenetlab run`: train with one method, or compare many settings in one go."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from lenetlab.cli.shared import completion
from lenetlab.cli.shared.options import (
    RUNS,
    Data,
    Device,
    Engine,
    Json,
    Limit,
    Out,
    Problem,
    Resume,
    Tensorboard,
    Threads,
    check_limit,
)
from lenetlab.cli.terminal.console import print_err
from lenetlab.errors import UserError
from lenetlab.problem.problems import DEFAULT
from lenetlab.records.cells import RunRow
from lenetlab.report.wording.repeated import repeated
from lenetlab.settings import BETWEEN, parse_pairs, parse_value


def run(
    context: typer.Context,
    methods: Annotated[
        list[str] | None,
        typer.Argument(
            help="A name from `lenetlab methods`, FILE.py:CLASS or MODULE:CLASS; "
            "inside wrappers: ema+svrg+sgd.",
            autocompletion=completion.spec,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE, also of a PART.NAME; --NAME VALUE too."),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(help="Values to compare, NAME=V1,V2,…; repeated, they form a grid."),
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(help="Budget in epochs: passes over the training data (default 10)."),
    ] = None,
    passes: Annotated[
        float | None,
        typer.Option(help="Budget in effective passes (60,000 example gradients each), instead."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="1 to 60000 (default: the method's own, mostly 64).")
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option(help="fixed (default), geometric:factor=2,every=1 or norm_test:theta=1."),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="constant (default), step, multi-step, 1/t, linear, polynomial, cosine, restarts, "
            "one-cycle or plateau."
        ),
    ] = None,
    warmup: Annotated[
        float | None,
        typer.Option(help="Fraction of the budget over which the learning rate rises."),
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="plain, l2, sparse or frontier, the last two also with +l2.")
    ] = "plain",
    constraint: Annotated[
        str | None,
        typer.Option(
            help="What keeps few weights nonzero: magnitude, iht:keep=24480, …",
            autocompletion=completion.constraint,
        ),
    ] = None,
    decay: Annotated[
        str | None,
        typer.Option(help="What weight_decay is for: all, or weights, not biases."),
    ] = None,
    initialisation: Annotated[
        str | None,
        typer.Option(help="The first weights: starter (default), orthogonal, lsuv, scaled:fc=0.5."),
    ] = None,
    rules: Annotated[str, typer.Option(help="strict or open.")] = "strict",
    augment: Annotated[
        str | None,
        typer.Option(help="With --rules open: flip+shift:pixels=2, cutout, brightness, or none."),
    ] = None,
    split: Annotated[
        str, typer.Option(help="official, or inner: choose settings without the test set.")
    ] = "official",
    problem: Problem = DEFAULT,
    seed: Annotated[
        int | None,
        typer.Option(help="The first, or only, seed (default 0, of a record its own first)."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many seeds, counted up from --seed.")] = 1,
    tuned: Annotated[
        bool,
        typer.Option("--tuned", help="Begin from the recipe that a search found best."),
    ] = False,
    recipe: Annotated[
        str | None,
        typer.Option(help="Train a record again: a name from `lenetlab records`, or its folder."),
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Where the figure of a comparison goes.")
    ] = None,
    inspect: Annotated[
        bool,
        typer.Option("--inspect", help="Look inside, as `lenetlab inspect` does; no bit changes."),
    ] = False,
    limit: Limit = None,
    tensorboard: Tensorboard = None,
    engine: Engine = "auto",
    device: Device = "cpu",
    threads: Threads = None,
    data: Data = None,
    out: Out = RUNS,
    resume: Resume = True,
    json: Json = False,
) -> None:
    """Train LeNet-5 and measure it; several methods, values or seeds are compared.

    - `lenetlab run adamw --lr 0.002 --epochs 10 --batch-size 64 --seed 0 --json`
    - `lenetlab run adamw sgd --vary batch_size=16,32,64 --vary lr=0.001,0.003
      --schedule cosine --seeds 3`
    - `lenetlab run ema+svrg+sgd --set lr=0.1 --set svrg.alpha=0.5 --passes 5`
    - `lenetlab run adamw --scenario sparse --constraint magnitude`
    - `lenetlab run adamw --scenario frontier --constraint rigl --set constraint.keep=0.1`
    - `lenetlab run adamw --rules open --augment flip+shift:pixels=2`
    - `lenetlab run adamw --problem kmnist`
    - `lenetlab run my_method.py:MyOptimizer --split inner --limit 600`

    - `lenetlab run adamw --tuned --passes 5`
    - `lenetlab run --recipe accuracy-l2`
    - `lenetlab run muon --epochs 2 --inspect`

    What is not set is as the method registers it; with `--tuned` as `lenetlab tune`, or the study
    kept with the package, found best for the method and scenario. With `--recipe` nothing is set:
    it is trained as it was, and compared with what is recorded.

    With `--limit` every training has a process of its own: one that takes longer has the status
    `timeout`, one that ends its process the status `error`; the same command tries both again.

    Exit status: 0 when every run finished, 1 when one failed or was ended, 2 for wrong usage.
    """
    # here, because they load PyTorch, which --help does without
    from lenetlab.cli.shared.runs import execute_all, print_many, print_one
    from lenetlab.experiments.jobs import jobs, remarks
    from lenetlab.experiments.record_jobs import record_jobs
    from lenetlab.experiments.run.runtime import Runtime
    from lenetlab.experiments.run.tensorboard import check_tensorboard

    check_limit(limit)
    if tensorboard is not None:
        check_tensorboard()
    if inspect:
        from lenetlab.cli.shared.inspection import (  # what they need is missed now
            Asked,
            inspect_each,
        )
    if figure is not None:
        from lenetlab.report.run_plots import check_ending

        check_ending(figure)
    rows: list[RunRow] = []
    if recipe is not None:
        _refuse_settings(context)
        todo, rows = record_jobs(recipe, seed, seeds)
        threads = threads or rows[0].numerics.get("threads")  # they decide bits of PyTorch's engine
    runtime = Runtime(data, out, engine, device, threads, resume)
    varied = _parse_vary(vary or [])
    given = _given(context, _parse_set(settings or []), varied)
    if recipe is None:
        todo = jobs(methods or [], varied, seeds, given, seed or 0, out if tuned else None)
    if figure is not None and len(todo) == 1:
        raise UserError("--figure draws a comparison; give several methods, --seeds or --vary")
    for remark in remarks(todo):
        print_err(remark)
    results = execute_all(todo, runtime, json, tensorboard, limit, inspect)
    if len(todo) == 1:
        print_one(*results[0], json)
    else:
        print_many(results, figure or out / "comparison.png", json)
    if rows:
        for _, result in results:
            print_err(repeated(result, rows))
    done = [result for _, result in results if result.status == "done"]
    if inspect and done:
        inspect_each(done, Asked(data=data, printed="nothing" if json else "tables"))
    if len(done) < len(results):
        raise typer.Exit(1)


def _given(
    context: typer.Context, settings: dict[str, Any], varied: Mapping[str, Any]
) -> dict[str, Any]:
    """What is set beside `settings`: the options that a recipe takes, each under its name there.
    Nothing is given twice; what is set or varied must not also stand at its default."""
    from lenetlab.experiments.recipe.recipe import OPTIONS

    options = {name: context.params[name] for name in OPTIONS}
    for name in options.keys() & settings.keys():
        if _typed(context, name):
            raise UserError(f"{name} is given twice, as --{name.replace('_', '-')} and by --set; "
                            "leave one out")  # fmt: skip
    for name in sorted(options.keys() & varied.keys()):
        if _typed(context, name):
            raise UserError(f"{name} is both set and varied; leave one out")
    return {k: v for k, v in options.items() if k not in varied and v is not None} | settings


# What may stand beside --recipe: nothing that makes it another.
BESIDE = {"recipe", "seed", "seeds", "figure", "inspect", "limit", "tensorboard", "engine",
          "device", "threads", "data", "out", "resume", "json"}  # fmt: skip


def _refuse_settings(context: typer.Context) -> None:
    """Of a record nothing is set."""
    for name in context.params.keys() - BESIDE:
        if _typed(context, name):
            said = {"methods": "the method", "settings": "--set"}
            given = said.get(name, f"--{name.replace('_', '-')}")
            raise UserError(f"--recipe trains a record as it was; leave out {given}")


def _typed(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _parse_set(pairs: list[str]) -> dict[str, Any]:
    given = dict(parse_pairs(pairs, "--set"))
    for name, value in given.items():
        if isinstance(value, str) and not isinstance(parse_value(f"({value})"), str):
            raise UserError(
                f"{name}={value} is several values; --vary {name}={value} compares them"
            )
    return given


def _parse_vary(pairs: list[str]) -> dict[str, list[Any]]:
    varied: dict[str, list[Any]] = {}
    for pair in pairs:
        name, equals, values = pair.partition("=")
        parts = [part.strip() for part in re.split(BETWEEN, values)]
        if not equals or not all(parts):
            raise UserError(f"--vary {pair!r}: expected NAME=V1,V2,…, as in --vary lr=0.01,0.1")
        if name.strip() in varied:
            raise UserError(f"--vary {pair!r}: {name.strip()!r} was already given")
        varied[name.strip()] = [parse_value(part) for part in parts]
    return varied
