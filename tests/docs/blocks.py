"""What stands in a Markdown page: its code blocks and its command lines."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
    if path.parent != ROOT / "docs" / "methods"  # made by `make docs`
}
_FENCED = re.compile(r'^```(\w*)(?: title="([^"]*)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^    .*\n|^\n)+", re.MULTILINE)
_COMMAND = re.compile(r"(?:\.venv/bin/)?lenetlab ")


class Block(NamedTuple):
    """A fenced block; `title` is the file that it is, empty for none."""

    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    return [Block(*found.groups(default="")) for found in _FENCED.finditer(page)]


def commands(page: str) -> list[list[str]]:
    """The words after `lenetlab` of every command line in a code block, continued lines joined."""
    indented = _INDENTED.findall(_FENCED.sub("", page))
    code = [block.text for block in blocks(page) if block.language in ("", "sh")] + indented
    lines = [line.strip() for text in code for line in text.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if _COMMAND.match(line)]


def mentions(text: str) -> list[list[str]]:
    """The same of commands named in running text, in backticks; they may leave arguments out."""
    found = re.findall(r"`(lenetlab [^`]*)`", re.sub(r"\s+", " ", _FENCED.sub("", text)))
    return [shlex.split(line)[1:] for line in found]
