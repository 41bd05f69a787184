"""From Markdown to another language: a walk over markdown-it's tokens that calls a writer.

Three conventions beyond CommonMark with tables: a paragraph `Table: …` before a table is its
caption, a paragraph that begins with a picture is a row of figures, their texts the captions (if
the last alone has one it is one figure's), and a quotation is the paper's summary.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from lenetlab.report.paper.writer import Table, Writer

CAPTION = "Table: "


def translate(markdown: str, writer: Writer) -> str:
    """`markdown` in the writer's language. Raw HTML is shown as text."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    root = SyntaxTreeNode(reader.parse(markdown))
    return "\n\n".join(_blocks(root.children, writer)) + "\n"


def _blocks(nodes: Sequence[SyntaxTreeNode], writer: Writer) -> Iterator[str]:
    caption = ""
    for node in nodes:
        if node.type == "paragraph":
            inline = node.children[0]
            if inline.content.startswith(CAPTION):
                caption = _inline(inline, writer, skip=CAPTION)
                continue
            if inline.content.startswith("!["):
                pictures = [child for child in inline.children if child.type == "image"]
                yield writer.figures(
                    [(unquote(str(p.attrs["src"])), _inline(p, writer)) for p in pictures]
                )
            else:
                yield writer.paragraph(_inline(inline, writer))
        elif node.type == "table":
            yield writer.table(_table(node, caption, writer))
            caption = ""
        elif node.type == "heading":
            yield writer.heading(_inline(node.children[0], writer), int(node.tag[1]))
        elif node.type in ("bullet_list", "ordered_list"):
            items = ["\n\n".join(_blocks(item.children, writer)) for item in node.children]
            yield writer.items(items, node.type == "ordered_list")
        elif node.type in ("fence", "code_block"):
            yield writer.listing(node.content)
        elif node.type == "blockquote":
            yield writer.summary("\n\n".join(_blocks(node.children, writer)))
        else:
            yield writer.paragraph(writer.text(node.content))


def _table(node: SyntaxTreeNode, caption: str, writer: Writer) -> Table:
    head, *body = node.children
    first = head.children[0].children
    right = ["right" in str(cell.attrs.get("style", "")) for cell in first]
    rows = [line.children for part in body for line in part.children]
    longest = [
        max(len(line[i].children[0].content) for line in (first, *rows)) for i in range(len(first))
    ]
    return Table(
        caption,
        right,
        longest,
        [_inline(cell.children[0], writer) for cell in first],
        [[_inline(cell.children[0], writer) for cell in row] for row in rows],
    )


def _inline(node: SyntaxTreeNode, writer: Writer, skip: str = "") -> str:
    return "".join(_inlines(node.children, writer, skip))


def _inlines(nodes: Sequence[SyntaxTreeNode], writer: Writer, skip: str) -> Iterator[str]:
    for node in nodes:
        if node.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif node.type == "code_inline":
            yield writer.code(node.content)
        elif node.type == "em":
            yield writer.emphasis(_inline(node, writer))
        elif node.type == "strong":
            yield writer.strong(_inline(node, writer))
        elif node.type == "link":
            yield writer.link(_inline(node, writer), str(node.attrs["href"]))
        elif node.content:
            yield writer.text(node.content.removeprefix(skip))
            skip = ""
