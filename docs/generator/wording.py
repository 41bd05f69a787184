"""Docstrings as Markdown: prose with its signs taken literally, formulas, definitions, code."""

import re
import textwrap

from formulas import mathml

_NAMES = re.compile(r"[\w.*]+(?:, [\w.*]+)* : ")  # `looks : …` or `correct, images : …`
_SECOND = re.compile(r"(?<=\.)\s+(?=\w)([\w]+(?:, \w+)* : )")  # more definitions in a line
_DIRECTIVE = re.compile(r" +# doctest: .*")
_UNDERLINED = re.compile(r"\w+\n-+\n")


def body(text: str) -> str:
    """A method page's paragraphs as Markdown; indented ones are formulas."""
    return "\n\n".join(
        mathml(textwrap.dedent(block)) if block.startswith("    ") else prose(block)
        for block in _blocks(text)
    )


def docstring(text: str) -> str:
    """A docstring of the interface as Markdown: `name : meaning` lines become a list, indented
    blocks stay as they are typed, examples become Python."""
    return "\n\n".join(_block(_UNDERLINED.sub("", block)) for block in _blocks(text))


def prose(text: str) -> str:
    """Text with Markdown's signs taken literally, but for `code`; addresses become links."""
    pieces = re.split(r"(`[^`]*`)", text)
    out = []
    for piece in pieces:
        if not piece.startswith("`"):
            piece = re.sub(r"([\\*_<>\[\]#|])", r"\\\1", piece)
            piece = re.sub(r"(?<!\w)\\\*(\w+)\\\*(?!\w)", r"*\1*", piece)  # *emphasis*
            piece = re.sub(
                r"arXiv:\s?(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", piece
            )
            piece = re.sub(r"(^|(?<=\s))(Source|Sources|Cost|Raises):", r"**\2.**", piece)
        out.append(piece)
    return "".join(out)


def _blocks(text: str) -> list[str]:
    return re.split(r"\n\s*\n", text.strip("\n"))


def _block(block: str) -> str:
    if block.startswith(">>>"):
        return f"```python\n{re.sub(_DIRECTIVE, '', block)}\n```"
    if block.startswith("    "):
        return f"```text\n{textwrap.dedent(block)}\n```"
    return "\n".join(_lines(block))


def _lines(block: str) -> list[str]:
    """Running text, then a list from the first line that defines a name."""
    block = _SECOND.sub(r"\n\1", block)
    out: list[str] = []
    listed = False
    for line in block.splitlines():
        if found := _NAMES.match(line):
            if out and not listed:
                out.append("")
            listed = True
            names = found.group().removesuffix(" : ")
            out.append(f"- `{names}`: {prose(line[found.end() :])}")
        elif re.match(r"- ", line):
            out.append(f"- {prose(line[2:])}")
        else:
            out.append(("    " if listed else "") + prose(line.strip()))
    return out
