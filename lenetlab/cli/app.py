"""The commands, put together; a command's own file is imported when the command is called for."""

from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from lenetlab.cli.shared.command import Command

# Each is the function of that name in the file of that name, and the first line of its docstring.
COMMANDS = {
    "demo": "Train the starter's baseline and two recipes that beat it: table, figure, page.",
    "data": "Find, verify and describe the four files of Fashion-MNIST, or of another problem.",
    "baseline": "Train as the starter script does: SGD, batch size 64, ten epochs, seed 42.",
    "methods": "List the methods by family, wrappers and constraints, or print the page of one.",
    "run": "Train LeNet-5 and measure it; several methods, values or seeds are compared.",
    "tune": "Search for a method's best recipe, judged by images held out of the training set.",
    "study": "Run a study: methods, scenarios and seeds from a file, tuned if it says so.",
    "watch": "Show how far a study is: what runs, what is left, the best so far, what failed.",
    "compare": "Compare the methods of a study: intervals, differences to the leader, targets.",
    "records": "Show the record boards: who holds each, and whether that beats its bound.",
    "challenge": "Tune and run a method as a stored study did its own, and compare it with them.",
    "report": "Make a report of stored results: a page that works offline, or a paper.",
    "judge": "Judge any file of weights: read it safely, check the rules, measure it.",
    "inspect": "Look inside runs: curvature, gradient noise, layers, the loss around the weights.",
    "convergence": "Measure convergence beside the rates of theory, on softmax regression.",
    "export": "Write the weights of a run as a file that the starter script's LeNet5 loads.",
    "shrink": "Leave out hidden units without effect; compare parameters, outputs and time.",
}
# What a person may want who knows no command yet.
FIRST = """\
lenetlab demo                  the starter's baseline beside recipes that beat it, under a minute
lenetlab methods               what can be trained, by family; `lenetlab methods adamw`: a page
lenetlab run adamw --tuned     train one by the recipe that tuning found, and measure it
lenetlab compare runs          what was run so far, ranked
lenetlab --help                all commands; each has --help, with examples"""
_SETTINGS: dict[str, Any] = {
    "rich_markup_mode": "markdown",
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class Commands(TyperGroup):
    """A group that lists its commands by `COMMANDS` and imports only the one that is called for.

    A command that trains leaves PyTorch to its function's body, if its help is to be quick."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Click's own, with the command itself in place of its line in the list."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else load(name), rest


def load(name: str) -> TyperCommand:
    """The command `name`, imported."""
    alone = typer.Typer(add_completion=False, **_SETTINGS)
    alone.command(cls=Command)(getattr(import_module(f"lenetlab.cli.{name}"), name))
    command = typer.main.get_command(alone)
    assert isinstance(command, TyperCommand)
    return command


def _listed() -> None:
    """Stands for a command in the list of them."""


app = typer.Typer(
    cls=Commands,
    help="How well, and how cheaply, can an optimizer train one fixed LeNet-5 on Fashion-MNIST?",
    invoke_without_command=True,
    **_SETTINGS,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"lenetlab {metadata.version('lenetlab')}")
        raise typer.Exit


@app.callback()
def _first_steps(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(FIRST)


for _name, _line in COMMANDS.items():
    app.command(_name, help=_line)(_listed)
