"""Writing Markdown: whatever a template prints is escaped unless it was made as Markdown here."""

import re
from collections.abc import Sequence
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|<>~$&])")
_BEGINS = re.compile(r"^(\d+)?([-+=.)])")  # a list, or an underline
_BREAKS = re.compile(r"[\x00-\x20\x7f\u2028\u2029]+")
LONGEST = 60  # characters of a name; the rest is cut with an ellipsis


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def escape(text: object) -> Markdown:
    """`text` so that Markdown shows it as it is, on one line."""
    if isinstance(text, Markdown):
        return text
    flat = _BREAKS.sub(" ", str(text)).strip()
    return Markdown(_BEGINS.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", flat)))


def code(text: object, longest: int = LONGEST) -> Markdown:
    """`text` as code, cut if it is very long; escapes do not work inside, so the fence grows."""
    flat = _BREAKS.sub(" ", str(text)).strip().replace("|", "¦") or " "
    flat = flat if len(flat) <= longest else flat[: longest - 1] + "…"
    runs = [len(run) for run in re.findall("`+", flat)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return Markdown(f"{fence}{pad}{flat}{pad}{fence}")


def table(caption: object, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Markdown:
    """A table under its caption. A column whose name begins with `>` is right-aligned."""
    if not rows:
        return Markdown("")
    sides = ["---:" if name.startswith(">") else "---" for name in columns]
    lines = [
        f"Table: {escape(caption)}",
        "",
        _line([name.removeprefix(">") for name in columns]),
        _line([Markdown(side) for side in sides]),
        *(_line(row) for row in rows),
    ]
    return Markdown("\n".join(lines))


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"


def figures(*pictures: tuple[str, object]) -> Markdown:
    """Pictures side by side, each a file and its caption; those without a file are left out."""
    return Markdown(
        " ".join(f"![{escape(text)}]({quote(file)})" for file, text in pictures if file)
    )


class NumbersWithin(Extension):
    """Brings a number at the beginning of a line to the end of the line before: `1)` or `1.` at
    the beginning would be a list."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template's text, before it is read."""
        return re.sub(r"(?<=\S)\n(?=\{\{ *figure\()", " ", source)


def _plain(text: object) -> Markdown:
    """`text` as a line of a listing, where nothing has a meaning."""
    return Markdown(_BREAKS.sub(" ", str(text)))


def _verbatim(text: object) -> Markdown:
    """`text` as a line of a listing, its blanks kept."""
    return Markdown(re.sub(r"[^ -\uffff]", " ", str(text)))


def environment() -> Environment:
    """Jinja, with every printed value escaped for Markdown and no name left undefined; in a
    sandbox, since a discussion lies beside results that may be somebody else's."""
    found = ImmutableSandboxedEnvironment(
        loader=PackageLoader("lenetlab.report.paper"),
        undefined=StrictUndefined,
        extensions=[NumbersWithin],
        finalize=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown is escaped by `finalize`, HTML never comes in
    )
    found.filters.update(code=code, md=Markdown, plain=_plain, verbatim=_verbatim)
    found.globals.update(table=table, figures=figures, escape=escape)
    return found
