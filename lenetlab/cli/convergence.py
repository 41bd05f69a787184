"""`lenetlab convergence`: what theory promises of an optimizer, and what it does."""

from pathlib import Path
from typing import Annotated

import typer

from lenetlab.cli.shared.options import RUNS, Data, Json
from lenetlab.cli.terminal.console import print_json, print_out
from lenetlab.errors import UserError

PAGE = "convergence.html"


def convergence(
    seeds: Annotated[int, typer.Option(help="Orders of the examples, 1 to 100.")] = 5,
    figure: Annotated[
        Path | None, typer.Option(help="Also the figure alone: .svg, .pdf or .png.")
    ] = None,
    to: Annotated[Path, typer.Option(help="Folder for the numbers and the page.")] = RUNS
    / "convergence",
    data: Data = None,
    json: Json = False,
) -> None:
    """Measure convergence beside the rates of theory, on softmax regression.

    A strongly convex problem of the same images, of which every constant and the minimum are known:
    2,000 of them as 7 × 7 means, in float64. Gradient descent, SGD at a constant rate and at 1/t,
    SVRG and Newton-CG, by the files that train LeNet-5, beside their upper bounds.

    - `lenetlab convergence`
    - `lenetlab convergence --seeds 20 --figure rates.pdf`
    """
    if not 1 <= seeds <= 100:
        raise UserError(f"--seeds {seeds} is out of range; expected 1 to 100")
    # here, because they load PyTorch and Altair, which --help does without
    import torch

    from lenetlab.cli.terminal.inspect import show, telling
    from lenetlab.disk import make_folder, replace_json
    from lenetlab.inspection.convergence import FILE, courses, record
    from lenetlab.inspection.softmax import softmax_regression
    from lenetlab.problem.data import load
    from lenetlab.report.inspection import figures, tables
    from lenetlab.report.inspection.page import (
        Page,
        check_form,
        save_figure,
        write_page,
    )

    if figure is not None:
        check_form(figure)
    make_folder(to)
    torch.set_num_threads(1)  # small matrices: more threads are slower
    known = softmax_regression(load("train", data))
    with telling("convergence", json) as told:
        found = record(known, courses(known, seeds, told), seeds)
    replace_json(to / FILE, found)
    drawn, words = figures.convergence_figures(found), tables.courses(found)
    lead = [
        f"l2-regularised softmax regression on {found['problem']['examples']:,} images of 7 × 7 "
        f"means: λ = c = {known.c:g}, L = {known.smooth:.3f}, of single examples "
        f"{known.smooth_each:g}; F* = {known.least:.6f}."
    ]
    write_page(Page("Convergence, measured and promised", lead, drawn, [words]), to / PAGE)
    if figure is not None:
        save_figure(drawn, figure)
    if json:
        print_json(found)
        return
    show(words)
    for what, file in (("numbers", to / FILE), ("page", to / PAGE), ("figure", figure)):
        if file is not None:
            print_out(f"{what}: {file}")
