"""What a finding is, and how it stands on the page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from markdown_table import markdown_table


@dataclass(frozen=True)
class Finding:
    """A claim with what it rests on.

    key : of links and of figures' files. title : the claim. text : paragraphs in Markdown.
    rests_on : how many of them, the first ones, have the figures of the title.
    figures : what draws an SVG, by what it shows in words. tables : in Markdown. shown_by : lines
    that show the numbers again, for a shell, or where `python` for Python. instead : Markdown for a
    paper in the place of these paragraphs, as a table. computed : whether it has its rows.
    """

    key: str
    title: str
    text: Sequence[str] = ()
    figures: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    tables: Sequence[str] = ()
    shown_by: Sequence[str] = ()
    python: bool = False
    rests_on: int = 1
    instead: str = ""
    computed: bool = True

    @property
    def shortest(self) -> str:
        """The paragraphs without which the title would have no ground, or what a paper has
        instead of them."""
        return self.instead or "\n\n".join(self.text[: self.rests_on])


def missing(key: str, about: str, command: str, text: Sequence[str] = ()) -> Finding:
    """A finding without the rows that it needs, which `command` computes."""
    return Finding(key, about, text, shown_by=(command,), computed=False)


LONG = 10  # rows of a table that is folded


def files(finding: Finding) -> list[str]:
    """The names of its figures' files."""
    numbers = ("", *(f"_{i}" for i in range(2, len(finding.figures) + 1)))
    return [f"{finding.key}{number}.svg" for number in numbers[: len(finding.figures)]]


def section(finding: Finding, number: int, folder: str) -> str:
    """Its part of the page; figures lie in `folder`."""
    parts = [f'<a id="{finding.key}"></a>', f"## {number}. {finding.title}", *finding.text]
    for about, name in zip(finding.figures, files(finding), strict=True):
        parts.append(f"![{about}]({folder}/{name})")
    parts += map(_folded, finding.tables)
    if finding.shown_by:
        lines = "\n".join(finding.shown_by)
        parts.append(f"```{'python' if finding.python else 'sh'}\n{lines}\n```")
    return "\n\n".join(parts)


def not_yet(found: Sequence[Finding]) -> str:
    """What is said of those without their rows, at the end of the page."""
    lines = [
        f"- **{one.title}.** {' '.join((*one.text, f'Computed by `{one.shown_by[0]}`.'))}"
        for one in found
    ]
    return "\n".join(("## Not computed yet\n", *lines))


def _folded(text: str) -> str:
    """A long table opens when it is asked for."""
    rows = len(text.splitlines()) - 2
    if rows <= LONG:
        return text
    return (f'<details markdown="1">\n<summary>The numbers: {rows} rows</summary>\n\n{text}\n\n'
            "</details>")  # fmt: skip


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, its first column to the left, numbers to the right."""
    first, *others = heads
    return markdown_table([first, *(f">{head}" for head in others)], rows)
