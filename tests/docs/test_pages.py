"""The method pages: every formula is well-formed MathML that loses nothing, every page is made."""

import re
import sys
import textwrap
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from lenetlab.methods.constraint import constraints
from lenetlab.methods.registry import methods
from lenetlab.methods.wrappers import wrappers

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "generator"))
import curves
from formulas import _DOWN, _FRACTIONS, _UP, mathml
from method_pages import pages
from wording import docstring, prose

ENTRIES = {**methods(), **wrappers(), **constraints()}


def formulas(page: str) -> list[str]:
    return [
        textwrap.dedent(block)
        for block in re.split(r"\n\s*\n", page)
        if block.startswith("    ")
    ]  # fmt: skip


def plain(text: str) -> str:
    """The signs of a formula, whatever their place and size."""
    for table in (_UP, _DOWN):
        for sign, base in table.items():
            text = text.replace(sign, base)
    for sign, (top, bottom) in _FRACTIONS.items():
        text = text.replace(sign, top + bottom)
    text = unicodedata.normalize("NFD", text).replace("′", "'")
    text = text.replace("\u0302", "^").replace("\u0304", "¯").replace("\u0305", "¯")
    text = text.replace("\u0303", "~")
    return re.sub(r"[\s`_^{}√()]", "", text)


@pytest.mark.parametrize("name", ENTRIES)
def test_formulas_are_well_formed_and_lose_no_sign(name):
    for block in formulas(ENTRIES[name].page):
        tree = ET.fromstring(mathml(block))
        assert plain("".join(tree.itertext())) == plain(block)


def test_places_and_brackets():
    (row,) = ET.fromstring(mathml("v̂ = √(β₂ᵗ w_{t+1}) / ½")).iter("mtd")
    assert [child.tag for child in row if child.tag != "mspace"] == [
        "mover", "mo", "msqrt", "mo", "mfrac"
    ]  # fmt: skip
    (both,) = row.iter("msubsup")
    assert ["".join(part.itertext()) for part in both] == ["β", "2", "t"]
    (below,) = row.iter("msub")
    assert ["".join(part.itertext()) for part in below] == ["w", "t+1"]


def test_words_are_told_from_products():
    def leaves(text):
        return [leaf.text for leaf in ET.fromstring(mathml(text)).iter() if leaf.text]

    assert leaves("JJᵀ") == ["J", "J", "T"]
    assert leaves("a kernel's QR") == ["a", "kernel's", "QR"]
    assert leaves("Gauss-Southwell, every H-th step") == [
        "Gauss-Southwell", ",", "every", "H", "-th", "step"
    ]  # fmt: skip
    (star,) = ET.fromstring(mathml("F* + G'")).find(".//mtd").findall("msup[1]")
    assert "".join(star.itertext()) == "F*"


def test_a_root_is_over_all_that_it_is_of():
    for text, inside in [
        ("√max(1, A/B) U", "max(1, A/B)"), ("√v̂ + ε", "v^"), ("√‖g‖ x", "‖g‖"), ("√β₂ r", "β2"),
        ("√(a + b) c", "a + b"),
    ]:  # fmt: skip
        (root,) = ET.fromstring(mathml(text)).iter("msqrt")
        assert "".join(root.itertext()) == inside.replace(" ", "")


DRAWN = ("sgd", "ema+sgd")  # truly; every figure is drawn where the pages are built


@pytest.fixture
def few_figures(monkeypatch):
    one, several = curves.one, curves.several

    def seldom(spec, *given):
        return one(spec, *given) if spec in DRAWN else "<?xml"

    def rates(found):
        return several(found) if "sgd, constant" in found else "<?xml"

    monkeypatch.setattr(curves, "one", seldom)
    monkeypatch.setattr(curves, "several", rates)


def test_every_method_and_wrapper_has_a_page_and_the_overview_names_it(few_figures):
    made = pages()
    for name, entry in ENTRIES.items():
        page = made[f"{name}.md"]
        assert page.startswith(f"# {name}\n")
        assert all(f"`{key}`" in page for key in entry.defaults)
        assert f"]({name}.md)" in made["index.md"]
    for page, text in made.items():
        for figure in re.findall(r"\]\((\w+\.svg)\)", text) if page.endswith(".md") else ():
            assert made[figure].lstrip().startswith("<?xml")
    for figure in ("sgd", "sgd_rates", "ema", "families"):
        assert made[f"{figure}.svg"].rstrip().endswith("</svg>")
    assert re.search(r"n = \d+ seeds .*; [^;]*\d\d\.\d\d", made["sgd.md"])


def test_signs_of_markdown_are_taken_literally():
    assert prose("a * b_c [d] `x_y*` <e>") == r"a \* b\_c \[d\] `x_y*` \<e\>"
    assert prose("a *word*, f(w*) and w*") == r"a *word*, f(w\*) and w\*"


def test_docstrings_become_markdown():
    made = docstring(
        "A look at w_k. by : whom.\n\nParameters\n----------\nloss : in nats,\n    a mean.\n"
        "correct, images : counts. at : when.\n\n    a ← b\n\n>>> look(1)  # doctest: +SKIP\n2"
    )
    assert made == (
        "A look at w\\_k.\n\n- `by`: whom.\n\n- `loss`: in nats,\n    a mean.\n"
        "- `correct, images`: counts.\n- `at`: when.\n\n"
        "```text\na ← b\n```\n\n```python\n>>> look(1)\n2\n```"
    )
