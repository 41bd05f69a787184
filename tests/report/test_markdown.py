"""Names of every kind come through Markdown, Typst and TeX as they are."""

import json
import re

import pytest
from markdown_it import MarkdownIt

from lenetlab.report.paper.markdown import Markdown, code, environment, escape, figures, table
from lenetlab.report.paper.tex import Tex
from lenetlab.report.paper.tex import escape as tex_escape
from lenetlab.report.paper.translate import translate
from lenetlab.report.paper.typst import Typst

NAMES = [
    "plain", "a|b|c", "*bold* _it_ `code` ``two``", "<script>alert(1)</script>", "\\ \\\\ \\| \\*",
    "[link](http://x) ![pic](y) [a]: b", "# head", "1. list", "- item", "+ item", "=== under",
    "$x^2$ #let x = 1; @ref <label> ~", "&amp; &lt; &", "{{ 7 * 7 }} {% raw %}", "100 % {}^~#&_",
    "é 漢字 🎉 ﷽", "``` fence", "a\nb\tc\u2028d", "--x ---y ''z", "x" * 300, '"quoted" \'too\'',
    "`", "> quote", "Table: no caption", "!", "//comment /* c */", "\\input{/etc/passwd}",
    "#(1+1) #[x]",
]  # fmt: skip
FLAT = [re.sub(r"\s+", " ", name) for name in NAMES]
BOTH = list(zip(NAMES, FLAT, strict=True))


def text_of(markdown):
    """What a reader of the rendered Markdown sees, and the kinds of tokens in it."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    inner = [child for token in tokens for child in token.children or []]
    return "".join(child.content for child in inner), {child.type for child in inner}


@pytest.mark.parametrize(("name", "shown"), BOTH)
def test_markdown_shows_a_name_as_it_is(name, shown):
    for written in (str(escape(name)), f"before {escape(name)} after"):
        text, kinds = text_of(written)
        assert text.removeprefix("before ").removesuffix(" after") == shown
        assert kinds <= {"text", "text_special"}
    text, kinds = text_of(f"x {code(name, 1000)}")
    assert text.removeprefix("x ") == shown.replace("|", "¦")
    assert kinds == {"text", "code_inline"}


@pytest.mark.parametrize(("name", "shown"), BOTH)
def test_a_table_has_its_cells_whatever_is_in_them(name, shown):
    tokens = MarkdownIt("commonmark").enable("table").parse(table(name, ["a", ">b"], [[name, 1]]))
    cells = [
        tokens[i + 1] for i, token in enumerate(tokens) if token.type in ("th_open", "td_open")
    ]
    seen = ["".join(child.content for child in cell.children) for cell in cells]
    assert seen == ["a", "b", shown, "1"]


def test_a_name_is_escaped_once_and_markdown_is_not():
    assert escape(escape("a*b")) == r"a\*b"
    jinja = environment()
    given = jinja.from_string("{{ a }} {{ b }} {{ c|code }}").render(a="*", b=Markdown("*"), c="*")
    assert given == r"\* * `*`"


def test_the_typst_of_any_name_compiles_to_that_name(tmp_path):
    typst = pytest.importorskip("typst")
    names = "\n\n".join(f"{escape(name)} {code(name, 1000)}" for name in NAMES)
    rows = table("all of them", ["name"], [[name] for name in NAMES])
    source = translate(f"## {escape(NAMES[2])}\n\n{names}\n\n{rows}\n", Typst())
    head = "#let booktable(caption, widths, sides, header, ..cells) = for c in cells.pos() "
    (tmp_path / "x.typ").write_text(f"{head}[#metadata(c)<cell>]\n{source}")
    assert typst.compile(str(tmp_path / "x.typ"), format="pdf").startswith(b"%PDF")
    cells = json.loads(typst.query(str(tmp_path / "x.typ"), "<cell>", field="value"))
    assert [cell["text"] for cell in cells] == FLAT


def test_tex_leaves_nothing_special_unescaped():
    assert tex_escape("a_b & 50% {x} #1 $y$ ^ ~ \\input") == (
        r"a\_b \& 50\% \{x\} \#1 \$y\$ \textasciicircum{} \textasciitilde{} \textbackslash{}input"
    )
    words = "backslash|asciicircum|asciitilde|less|greater|bar|asciigrave|quotedbl"
    known = rf"\\text({words})\{{\}}|\\[{{}}%$&#_]|\{{[\[\]]\}}|[-']\{{\}}"
    for name in NAMES:
        rest = re.sub(known, "", tex_escape(name))
        assert not set(rest) & set("\\{}%$&#_^~<>|`[]"), name
        assert not re.search("--|''", tex_escape(name))


MARKDOWN = """## A *head*

Some **bold** text with `a_b` and [a link](https://x.org/a_b).

> In short.

Table: What *is* seen.

| left | right |
| --- | ---: |
| a | 1 |
| b | 2 |

![one](a.svg) ![two](b.svg)

    a command

1. first
2. second
"""


def test_the_same_paper_in_typst_and_in_tex():
    typst, tex = translate(MARKDOWN, Typst()), translate(MARKDOWN, Tex())
    assert typst.split("\n\n") == [
        '#heading(level: 1)[#"A ";#emph[#"head";];]',
        '#"Some ";#strong[#"bold";];#" text with ";#raw("a_b");#" and ";'
        '#link("https://x.org/a_b")[#"a link";];#".";',
        '#summary[#"In short.";]',
        '#booktable(\n  [#"What ";#emph[#"is";];#" seen.";],\n  (auto, auto,),\n  '
        "(left, right,),\n  "
        '([#"left";], [#"right";],),\n  [#"a";], [#"1";],\n  [#"b";], [#"2";],\n)',
        '#pictures(2, ("a.svg", [#"one";]), ("b.svg", [#"two";]))',
        '#raw(block: true, "a command")',
        '#enum([#"first";], [#"second";])\n',
    ]
    assert r"\section{A \emph{head}}" in tex
    assert r"\caption{What \emph{is} seen.}" in tex
    assert "\\begin{tabular}{lr}\n\\toprule\nleft & right \\\\\n\\midrule\na & 1 \\\\" in tex
    assert tex.count(r"\includegraphics") == 2
    assert sorted(re.findall(r"\\begin\{(\w+)\}", tex)) == sorted(
        re.findall(r"\\end\{(\w+)\}", tex)
    )


def test_pictures_without_a_file_are_left_out():
    assert figures(("", "none"), ("a.svg", "one")) == "![one](a.svg)"
    assert figures() == ""


def test_a_column_of_sentences_is_broken_into_lines():
    rows = table("what they do", ["name", "in a sentence"], [["sgd", "a step " * 20]])
    assert "(auto, 8.5fr,)" in translate(rows, Typst())
    tex = translate(rows, Tex())
    assert r"\begin{tabularx}{\linewidth}{l>{\raggedright\arraybackslash}X}" in tex
    assert "resizebox" not in tex


def test_sentences_are_not_squeezed_by_long_names():
    """While they have no room, the longest of the other columns are broken too; no number is."""
    names = ["method", ">rate", "schedule", "other settings", "chosen"]
    row = ["ema+a_folder/of/mine/my_method.py:MyOptimizer", "0.00123", "cosine:warmup=0.106",
           "a step " * 20, "13 trials, course"]  # fmt: skip
    assert "(auto, auto, auto, 8.5fr, auto,)" in translate(
        table("", names, [["sgd", *row[1:]]]), Typst()
    )
    made = translate(table("", names * 2, [row * 2]), Typst())
    assert "(6.9fr, auto, 4.4fr, 8.5fr, 4.1fr, 6.9fr, auto, 4.4fr, 8.5fr, 4.1fr,)" in made
