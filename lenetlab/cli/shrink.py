"""`lenetlab shrink`: a pruned net as the smaller dense net that it is."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import save

from lenetlab.cli.shared.options import Data, Json, run_at
from lenetlab.cli.terminal.console import out, print_json, print_out
from lenetlab.disk import replace_bytes
from lenetlab.errors import UserError
from lenetlab.problem.data import load_pair
from lenetlab.problem.model import read_weights, state_dict
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.shrink import compare
from lenetlab.records import run_folder


def shrink(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run, or last.")],
    to: Annotated[
        Path | None, typer.Option(help="Where the net goes (default: RUN/smaller.safetensors).")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Leave out hidden units without effect; compare parameters, outputs and time.

    Made for `--constraint units`, whose nets become really smaller; scattered zeros rarely leave a
    unit without a weight. Times are PyTorch's, one thread, the least of several.

    - `lenetlab run adamw --scenario frontier --constraint units --set constraint.keep=0.1`
    - `lenetlab shrink last`
    """
    run = run_at(run)
    found = run_folder.read_run(run)
    if found.status != "done":
        raise UserError(f"the run in {run} is {found.status} and has no weights; shrink another")
    torch.set_num_threads(1)
    _, test = load_pair(found.recorded.split, data, find_problem(found.recorded.problem))
    small, result = compare(state_dict(read_weights(run / run_folder.WEIGHTS)), test.images)
    path = to or run / "smaller.safetensors"
    replace_bytes(path, save(small))
    if json:
        print_json(vars(result) | {"file": str(path)})
        return
    a, b = result.units
    before, after = result.parameters
    out.print(f"hidden units     120 and 84 → {a} and {b}")
    out.print(f"parameters       {before:,} → {after:,}")
    out.print(f"class scores     differ by at most {result.difference:.1e}, "
              f"the largest being {result.scale:.1f}; "
              f"{result.disagreements} of {len(test):,} images classified otherwise")  # fmt: skip
    out.print(f"{len(test):,} images    {1e3 * result.seconds[0]:.1f} → "
              f"{1e3 * result.seconds[1]:.1f} ms, one thread")  # fmt: skip
    out.print(f"one image        {1e6 * result.one[0]:.0f} → {1e6 * result.one[1]:.0f} µs")
    print_out(f"written to       {path}")
