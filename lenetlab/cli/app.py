"""The commands, put together."""

import typer

from lenetlab.cli.baseline import baseline
from lenetlab.cli.challenge import challenge
from lenetlab.cli.command import Command
from lenetlab.cli.compare import compare
from lenetlab.cli.data import data
from lenetlab.cli.demo import demo
from lenetlab.cli.export import export
from lenetlab.cli.judge import judge
from lenetlab.cli.methods import methods
from lenetlab.cli.report import report
from lenetlab.cli.run import run
from lenetlab.cli.shrink import shrink
from lenetlab.cli.study import study
from lenetlab.cli.tune import tune
from lenetlab.cli.watch import watch

app = typer.Typer(
    help="How well, and how cheaply, can an optimizer train one fixed LeNet-5 on Fashion-MNIST?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo, data, baseline, methods, run, tune, study, watch, compare, challenge, report, judge,
    export, shrink,
):  # fmt: skip
    app.command(cls=Command)(command)
