"""`lenetlab inspect`: what an optimizer does inside a run, measured beside it."""

from pathlib import Path
from typing import Annotated

import typer

from lenetlab.cli.shared.options import Data, Json, run_at
from lenetlab.errors import UserError


def inspect(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of finished runs, their ids, or last.")
    ],
    plane: Annotated[
        bool, typer.Option("--plane", help="The runs in one plane of weights, instead.")
    ] = False,
    eigenvalues: Annotated[int, typer.Option(help="How many of the largest, 1 to 20.")] = 5,
    examples: Annotated[
        int, typer.Option(help="Training images for losses and curvature, 100 to 50000.")
    ] = 2000,
    figure: Annotated[
        Path | None, typer.Option(help="Also the first figure alone: .svg, .pdf or .png.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Folder for the page (default: that of the first run).")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Look inside runs: curvature, gradient noise, layers, the loss around the weights.

    Along each run: sharpness (the Hessian's largest eigenvalue), the gradient noise scale, norms
    and turns of the layers. At its end: eigenvalues, trace, critical batch size.

    - `lenetlab inspect last`
    - `lenetlab inspect runs/sgd-* runs/muon-*`
    - `lenetlab inspect runs/sgd-* runs/muon-* --plane`

    A run keeps its final weights; it is trained once more for the points on its way, which it then
    keeps too, unless `lenetlab run --inspect` has kept them. The numbers go to inspect.json in each
    run's folder, with `--plane` to plane.json; a page of figures lies beside them. Only images of
    the training set are looked at.
    """
    _check("--eigenvalues", eigenvalues, 1, 20)
    _check("--examples", examples, 100, 50_000)
    # here, because they load PyTorch and Altair, which --help does without
    from lenetlab.cli.shared.inspection import Asked, inspect_each, inspect_plane
    from lenetlab.records.run_folder import read_run
    from lenetlab.report.inspection.page import check_form

    if figure is not None:
        check_form(figure)
    found = [read_run(run_at(run)) for run in runs]
    asked = Asked(eigenvalues, examples, to, figure, data, "json" if json else "tables")
    (inspect_plane if plane else inspect_each)(found, asked)


def _check(option: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UserError(f"{option} {value} is out of range; expected {low} to {high}")
