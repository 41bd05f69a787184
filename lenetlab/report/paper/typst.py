"""The paper in Typst, and from there as PDF or pictures by the compiler in the `typst` package."""

import json
from collections.abc import Sequence
from math import sqrt
from pathlib import Path

from lenetlab.report.paper.front import Front
from lenetlab.report.paper.picture_rows import is_one, is_wide
from lenetlab.report.paper.writer import SENTENCE, Table, printable

FONT = "Libertinus Serif"  # the paper's and its figures', which comes with the compiler


class Typst:
    """A `Writer`. Text is written as string expressions, in which nothing has a meaning."""

    def text(self, text: str) -> str:
        return f"#{_string(text)};" if text else ""

    def code(self, text: str) -> str:
        return f"#raw({_string(text)});"

    def emphasis(self, inner: str) -> str:
        return f"#emph[{inner}];"

    def strong(self, inner: str) -> str:
        return f"#strong[{inner}];"

    def link(self, inner: str, target: str) -> str:
        return f"#link({_string(target)})[{inner}];"

    def heading(self, inner: str, level: int) -> str:
        return f"#heading(level: {max(level - 1, 1)})[{inner}]"

    def paragraph(self, inner: str) -> str:
        return inner

    def summary(self, inner: str) -> str:
        return f"#summary[{inner}]"

    def items(self, items: Sequence[str], ordered: bool) -> str:
        kind = "enum" if ordered else "list"
        return f"#{kind}({', '.join(f'[{item}]' for item in items)})"

    def listing(self, text: str) -> str:
        return f"#raw(block: true, {_string(text.rstrip())})"

    def table(self, table: Table) -> str:
        sides = ", ".join("right" if right else "left" for right in table.right)
        widths = ", ".join(
            f"{sqrt(min(n, SENTENCE)):.1f}fr" if wide else "auto"
            for n, wide in zip(table.longest, table.wide(), strict=True)
        )
        header = ", ".join(f"[{cell}]" for cell in table.header)
        rows = ",\n  ".join(", ".join(f"[{cell}]" for cell in row) for row in table.rows)
        parts = [f"[{table.caption}]", f"({widths},)", f"({sides},)", f"({header},)", rows]
        return "#booktable(\n  " + ",\n  ".join(parts) + ",\n)"

    def figures(self, pictures: Sequence[tuple[str, str]]) -> str:
        row = ", ".join(f"({_string(file)}, [{caption}])" for file, caption in pictures)
        columns = 1 if is_wide(pictures) else 2
        if is_one(pictures):
            files = ", ".join(_string(file) for file, _ in pictures)
            return f"#panels({columns}, [{pictures[-1][1]}], {files})"
        return f"#pictures({columns}, {row})"


def _string(text: str) -> str:
    """A string literal of Typst."""
    return (
        '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    )


def document(title: str, body: str, front: Front) -> str:
    """The whole source; `paper.typ` and `sources.json` are expected beside it."""
    lines = "".join(f"{_string(line)}, " for line in front.lines)
    return (
        '#import "paper.typ": booktable, panels, paper, pictures, summary\n'
        f"#show: paper.with(title: {_string(title)}, front: ({lines}))\n"
        '#pdf.attach("sources.json", mime-type: "application/json", relationship: "data", '
        'description: "The runs behind every number")\n\n'
        f"{body}"
    )


def pages(source: Path) -> int:
    """How many pages the document has."""
    import typst

    found = typst.query(str(source), "<pages>", field="value", one=True)
    return int(json.loads(found))


def compile_pdf(source: Path) -> bytes:
    """The document as PDF, without the time of day in it: same results, same bytes."""
    import typst

    return bytes(typst.compile(str(source), format="pdf", timestamp=0))
