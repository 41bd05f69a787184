"""Every command line in the documentation is one that the program takes."""

from contextlib import suppress
from pathlib import Path

import pytest
import typer

from lenetlab.cli.app import COMMANDS as LISTED
from lenetlab.cli.app import load
from lenetlab.errors import UserError

from .blocks import PAGES, ROOT, blocks, commands, mentions

COMMANDS = {name: load(name) for name in LISTED}
HELP = {f"--help of {name}": command.help for name, command in COMMANDS.items()}


class Enough(Exception):
    """The command was about to train."""


def parse(words):
    name, *arguments = words
    assert name in COMMANDS, f"no command {name!r} in `lenetlab {' '.join(words)}`"
    return COMMANDS[name].make_context(name, arguments)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The folder that the pages' commands are given in: their files are there."""
    for page in PAGES.values():
        for block in blocks(page):
            if block.title:
                path = tmp_path / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def untrained(monkeypatch):
    """`lenetlab run` up to its first step, with the recipes that the package keeps."""

    def stop(todo, *how):
        assert todo
        raise Enough

    monkeypatch.setattr("lenetlab.cli.shared.runs.execute_all", stop)
    monkeypatch.setattr(
        "lenetlab.experiments.tuning.tuned_recipes.PACKAGE", ROOT / "lenetlab" / "tuned.json"
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_command_line_is_taken(page, files, untrained):
    for words in commands(PAGES[page]):
        context = parse(words)
        if words[0] == "run":
            with pytest.raises(Enough):
                context.command.invoke(context)


@pytest.mark.parametrize("page", [*PAGES, *HELP])
def test_commands_named_in_the_text_exist(page):
    for words in mentions({**PAGES, **HELP}[page]):
        try:
            with suppress(typer.Exit):  # `--schema` answers while it is read
                parse(words)
        except typer.BadParameter as error:
            if type(error).__name__ != "MissingParameter":
                raise


def test_study_files_of_the_pages_are_taken(files):
    from lenetlab.experiments.study.study_file import read_study

    titles = [block.title for page in PAGES.values() for block in blocks(page)]
    (title,) = [t for t in titles if t.endswith(".toml") and t != "pyproject.toml"]
    study, _ = read_study(Path(title))
    assert len(study.cells) == 9


def test_command_lines_are_found():
    page = "Text `lenetlab run x`\n\n    lenetlab run a \\\n        --passes 2   # why\n\n" + (
        "```sh\n.venv/bin/lenetlab data\n```\n\n```python\nlenetlab = 1\n```\n"
    )
    assert commands(page) == [["data"], ["run", "a", "--passes", "2"]]
    assert mentions(page) == [["run", "x"]]
    assert commands(PAGES[str(Path("docs") / "index.md")])
    assert len(commands(PAGES[str(Path("docs") / "guide.md")])) > 20


def test_a_command_that_has_gone_is_noticed(files, untrained):
    with pytest.raises(AssertionError, match="no command"):
        parse(["trane", "adamw"])
    with pytest.raises(UserError, match="no option --batchsize; did you mean --batch-size"):
        parse(["run", "adamw", "--batchsize", "64"])
