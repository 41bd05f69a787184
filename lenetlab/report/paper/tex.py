"""The paper in LaTeX with booktabs, for LuaLaTeX or XeLaTeX, which read Unicode."""

import re
from collections.abc import Sequence

from lenetlab.report.paper.front import Front
from lenetlab.report.paper.picture_rows import is_one, is_wide
from lenetlab.report.paper.writer import Table, printable

_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "$": r"\$", "&": r"\&",
    "#": r"\#", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}",
    '"': r"\textquotedbl{}", "[": "{[}", "]": "{]}",
}  # fmt: skip
_SPECIAL = re.compile("|".join(re.escape(c) for c in _ESCAPES))


def escape(text: str) -> str:
    """`text` so that TeX shows it as it is."""
    escaped = _SPECIAL.sub(lambda m: _ESCAPES[m[0]], printable(text))
    return re.sub("([-'])(?=\\1)", r"\1{}", escaped)  # two would be a dash, or a quotation mark


class Tex:
    """A `Writer`."""

    def text(self, text: str) -> str:
        return escape(text)

    def code(self, text: str) -> str:
        # a name may break after what joins its parts
        return r"\texttt{" + re.sub(r"([+:=,./]|\\_)", r"\1\\allowbreak{}", escape(text)) + "}"

    def emphasis(self, inner: str) -> str:
        return rf"\emph{{{inner}}}"

    def strong(self, inner: str) -> str:
        return rf"\textbf{{{inner}}}"

    def link(self, inner: str, target: str) -> str:
        return rf"{inner} (\texttt{{{escape(target)}}})"

    def heading(self, inner: str, level: int) -> str:
        return rf"\{'section' if level <= 2 else 'subsection'}{{{inner}}}"

    def paragraph(self, inner: str) -> str:
        return inner

    def summary(self, inner: str) -> str:
        return f"\\begin{{abstract}}\n{inner}\n\\end{{abstract}}"

    def items(self, items: Sequence[str], ordered: bool) -> str:
        kind = "enumerate" if ordered else "itemize"
        lines = "\n".join(rf"  \item {item}" for item in items)
        return f"\\begin{{{kind}}}\n{lines}\n\\end{{{kind}}}"

    def listing(self, text: str) -> str:
        lines = r" \\".join(rf"\texttt{{{escape(line)}}}" for line in text.rstrip().split("\n"))
        return f"\\begin{{quote}}\n{lines}\n\\end{{quote}}"

    def table(self, table: Table) -> str:
        if any(table.wide()):  # sentences are broken; other tables are made narrower as they are
            sides = "".join(
                r">{\raggedright\arraybackslash}X" if wide else "r" if right else "l"
                for wide, right in zip(table.wide(), table.right, strict=True)
            )
            begin, end = rf"\begin{{tabularx}}{{\linewidth}}{{{sides}}}", r"\end{tabularx}"
        else:
            sides = "".join("r" if right else "l" for right in table.right)
            fit = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
            begin, end = f"{fit}\n\\begin{{tabular}}{{{sides}}}", r"\end{tabular}}"
        lines = [" & ".join(row) + r" \\" for row in table.rows]
        return "\n".join(
            [r"\begin{table}[htbp]", r"\centering\small", rf"\caption{{{table.caption}}}",
             begin, r"\toprule", " & ".join(table.header) + r" \\", r"\midrule", *lines,
             r"\bottomrule", end, r"\end{table}"]
        )  # fmt: skip

    def figures(self, pictures: Sequence[tuple[str, str]]) -> str:
        width, gap = (0.98, "\\par\n") if is_wide(pictures) else (0.49, "\\hfill\n")
        shared = is_one(pictures)
        parts = [
            f"\\begin{{minipage}}[t]{{{width}\\linewidth}}\n\\centering\n"
            f"\\includegraphics[width=\\linewidth]{{\\detokenize{{{file}}}}}\n"
            + ("" if shared else f"\\caption{{{caption}}}\n")
            + "\\end{minipage}"
            for file, caption in pictures
        ]
        below = f"\n\\caption{{{pictures[-1][1]}}}" if shared else ""
        return "\\begin{figure}[htbp]\n" + gap.join(parts) + below + "\n\\end{figure}"


PREAMBLE = r"""% for LuaLaTeX or XeLaTeX: names may have any letter of Unicode
\documentclass[a4paper,10pt]{article}
\usepackage[margin=2.1cm]{geometry}
\usepackage{fontspec}
\usepackage{booktabs,graphicx,tabularx,textcomp}
\usepackage[font=small,labelfont=bf]{caption}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5em}
\setlength{\emergencystretch}{4em}
"""


def document(title: str, body: str, front: Front) -> str:
    """The whole file."""
    authors = r" \\ ".join(map(escape, front.lines))
    return (
        f"{PREAMBLE}\\title{{{escape(title)}}}\n\\author{{{authors}}}\n\\date{{}}\n"
        f"\\begin{{document}}\n\\maketitle\n\n{body}\n\\end{{document}}\n"
    )
