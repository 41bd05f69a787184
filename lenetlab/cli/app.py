"""The commands, put together."""

import typer

from lenetlab.cli.baseline import baseline
from lenetlab.cli.compare import compare
from lenetlab.cli.data import data
from lenetlab.cli.demo import demo
from lenetlab.cli.export import export
from lenetlab.cli.judge import judge
from lenetlab.cli.methods import methods
from lenetlab.cli.report import report
from lenetlab.cli.run import run
from lenetlab.cli.shrink import shrink
for command in (
    demo, data, baseline, methods, run, study, watch, report, compare, judge, export, shrink,
):  # fmt: skip
    app.command()(command)
