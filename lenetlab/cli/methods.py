"""`lenetlab methods`: the list of methods, or one method's page."""

from typing import Annotated

import typer

from lenetlab.cli.shared import completion
from lenetlab.cli.shared.options import Json


def methods(
    name: Annotated[
        str | None, typer.Argument(help="Print this method's page.", autocompletion=completion.page)
    ] = None,
    json: Json = False,
) -> None:
    """List the methods by family, wrappers and constraints, or print the page of one.

    Of a class from outside it shows what is understood of it, and from where.

    Examples: `lenetlab methods`, `lenetlab methods adamw`, `lenetlab methods my.py:MyOptimizer`
    """
    from lenetlab.cli.terminal.methods import print_list, print_page

    if name is None:
        print_list(json)
    else:
        print_page(name, json)
