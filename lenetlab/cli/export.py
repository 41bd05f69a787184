"""`lenetlab export`: weights for the starter script's own model class."""

import io
from collections import OrderedDict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import save

from lenetlab.cli.shared.options import run_at
from lenetlab.cli.terminal.console import print_out
from lenetlab.disk import replace_bytes
from lenetlab.errors import UserError
from lenetlab.judge.child import open_net
from lenetlab.judge.files import Unreadable
from lenetlab.problem.model import state_dict
from lenetlab.records import run_folder


class Format(StrEnum):
    """What files of weights there are."""

    safetensors = "safetensors"
    torch = "torch"


SUFFIXES = {Format.torch: ".pt", Format.safetensors: ".safetensors"}


def export(
    run: Annotated[Path, typer.Argument(help="A run folder, last, or a file of weights.")],
    format: Annotated[
        Format | None,
        typer.Option(help="torch: a state dict by torch.save (default); safetensors."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="The file (default: the run's name, in this folder).")
    ] = None,
) -> None:
    """Write the weights of a run as a file that the starter script's LeNet5 loads.

    - `lenetlab export last --format torch --to lenet.pt`

    In the script: `model.load_state_dict(torch.load("lenet.pt"))`.
    """
    run = run_at(run)
    source = run / run_folder.WEIGHTS if run.is_dir() else run
    try:
        net = open_net(source)
    except Unreadable as error:
        raise UserError(f"{source} {error}") from None
    if net.w is None:
        raise UserError(f"{source} is not LeNet-5: {net.problems[0]}")
    named = state_dict(net.w)
    if format is None:  # nobody reads a file of the other kind by this name
        said = to is not None and to.suffix == SUFFIXES[Format.safetensors]
        format = Format.safetensors if said else Format.torch
    path = to or Path(f"{run.resolve().name if run.is_dir() else run.stem}{SUFFIXES[format]}")
    if format is Format.safetensors:
        content = save(named)
    else:
        buffer = io.BytesIO()
        torch.save(OrderedDict(named), buffer)
        content = buffer.getvalue()
    replace_bytes(path, content)
    print_out(str(path))
