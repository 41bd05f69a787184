"""Options that several commands share, and what they come to."""

import re
from pathlib import Path
from typing import Annotated

import typer

from lenetlab.cli.terminal.console import print_err
from lenetlab.errors import UserError
from lenetlab.records.run_folder import latest_run

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
Data = Annotated[
    Path | None, typer.Option(help="Folder with the four IDX files (else they are searched for).")
]
Problem = Annotated[
    str,
    typer.Option(
        help="fashion-mnist, mnist, kmnist, emnist-digits, or a folder with four IDX files"
    ),
]
Out = Annotated[Path, typer.Option(help="Folder that receives one directory per run.")]
Resume = Annotated[
    bool,
    typer.Option(help="Continue unfinished runs and reuse finished ones, or start over."),
]
Device = Annotated[str, typer.Option(help="cpu; or, untested, cuda, mps, xpu or auto.")]
Engine = Annotated[str, typer.Option(help="auto, native or torch.")]
Threads = Annotated[
    int | None, typer.Option(help="Threads of the engine (default: one per processor).")
]
Tensorboard = Annotated[
    Path | None, typer.Option(help="Folder for TensorBoard's event files, one folder per run.")
]
Fixed = Annotated[
    list[str] | None,
    typer.Option("--set", help="NAME=VALUE that is not searched; --NAME VALUE too."),
]
Workers = Annotated[
    int | None, typer.Option(help="Processes that compute (default: one per processor).")
]
Scheduler = Annotated[
    str, typer.Option(help="local, a Dask scheduler tcp://HOST:8786, or dask to try one here.")
]
Retry = Annotated[bool, typer.Option("--retry", help="Try failed and diverged runs again.")]
Limit = Annotated[
    float | None,
    typer.Option(help="Seconds for one training; it is ended then, whatever it is doing."),
]
RUNS = Path("runs")
LAST = "last"
ID = re.compile("[0-9a-f]{6,16}")


def check_limit(limit: float | None) -> None:
    """Refuse a limit in which nothing can be trained."""
    if limit is not None and not 0 < limit < float("inf"):
        raise UserError(f"--limit {limit:g} is out of range; expected seconds, a number > 0")


def run_at(path: Path) -> Path:
    """`path`; unless there is such a file, `last` is the run in `runs` that was finished last, and
    an id, or its beginning, the one run in `runs` whose id it is."""
    if path.exists():
        return path
    if str(path) != LAST:
        known = [*RUNS.glob(f"*-{path}*")] if ID.fullmatch(str(path)) else []
        return known[0] if len(known) == 1 else path
    found = latest_run(RUNS)
    print_err(f"{LAST} is {found}")
    return found
