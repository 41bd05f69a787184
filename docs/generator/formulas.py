"""The formulas of a method's page, written as plain Unicode text, as MathML.

    m̂ = m / (1 − β₁ᵗ)      →  letters in italics, ₁ below, ᵗ above, the hat over its letter

Browsers show MathML by themselves, so no page needs a script. One line of text is one line of
mathematics; three or more spaces are a gap; two or more Latin letters in a row are a word, but
two of which the first is a capital, as in JJᵀ, are a product.
"""

import re
import unicodedata
from html import escape

_UP = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵀᵗⁿᵏⁱᵇ", "0123456789+−()Ttnkib", strict=True))
_DOWN = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₖₜₙᵢⱼₘ", "0123456789+−ktnijm", strict=True))
_OVER = {"\u0302": "^", "\u0304": "¯", "\u0303": "~", "\u0305": "¯"}
_FRACTIONS = {"½": ("1", "2"), "¼": ("1", "4"), "¾": ("3", "4"), "⅓": ("1", "3"), "⅔": ("2", "3")}
_TOKEN = re.compile(
    r"(?P<gap>\s{3,})|(?P<space>\s+)|`(?P<code>[^`]*)`|(?P<number>\d+(?:[.,]\d+)*(?:e[-−]?\d+)?)"
    r"|(?P<word>QR|CG|-th\b|(?![A-Z][A-Za-z](?![A-Za-z]))[A-Za-z]{2,}(?:-[A-Za-z]+)*(?:'s)?"
    r"(?: a(?= [a-z]{2}))?)|(?P<one>.)",
    re.DOTALL,
)


def mathml(text: str) -> str:
    """Lines of formulas as one displayed `<math>` block."""
    rows = (f"<mtr><mtd>{_Line(line).all()}</mtd></mtr>" for line in text.splitlines())
    table = f'<mtable columnalign="left">{"".join(rows)}</mtable>'
    return f'<div class="formula"><math display="block">{table}</math></div>'


class _Line:
    """A line, read from left to right: an atom, then what stands over, below and above it."""

    def __init__(self, line: str) -> None:
        normal = unicodedata.normalize("NFC", line.strip())
        # composed letters such as ŵ are taken apart, so that the hat can be set properly
        text = "".join(
            unicodedata.normalize("NFD", c) if len(unicodedata.normalize("NFD", c)) == 2
            and unicodedata.normalize("NFD", c)[1] in _OVER else c
            for c in normal
        )  # fmt: skip
        self._tokens = [(m.lastgroup or "one", m.group(m.lastgroup or "one"))
                        for m in _TOKEN.finditer(text)]  # fmt: skip
        self._at = 0

    def all(self, until: str = "") -> str:
        """Everything up to the bracket `until`, which is taken as well."""
        out = []
        while self._at < len(self._tokens):
            if until and self._peek() == until:
                self._at += 1
                break
            out.append(self._scripted())
        return "".join(out)

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _applied(self) -> str:
        """What a root without a bracket of its own is over: `max(a, b)` as a whole, else one letter
        with its scripts, or what stands between two bars."""
        kind, text = self._tokens[self._at]
        if text in ("‖", "|"):
            self._at += 1
            return f"{_leaf(text)}{self.all(text)}{_leaf(text)}"
        base = self._scripted()
        return base + self._scripted() if kind == "word" and self._peek() == "(" else base

    def _scripted(self) -> str:
        base = self._atom()
        while self._peek() and self._peek() in _OVER:
            base = f"<mover>{base}<mo>{_OVER[self._peek()]}</mo></mover>"
            self._at += 1
        below, above = "", ""
        while self._peek():
            here = self._peek()
            if here in _DOWN:
                below += self._run(_DOWN)
            elif here in _UP:
                above += self._run(_UP)
            elif here in ("'", "′", "*"):
                self._at += 1
                above += "<mo>*</mo>" if here == "*" else "<mo>′</mo>"
            elif here in "_^" and here and base:
                self._at += 1
                if here == "_":
                    below += self._argument()
                else:
                    above += self._argument()
            else:
                break
        if below and above:
            return f"<msubsup>{base}<mrow>{below}</mrow><mrow>{above}</mrow></msubsup>"
        if below:
            return f"<msub>{base}<mrow>{below}</mrow></msub>"
        return f"<msup>{base}<mrow>{above}</mrow></msup>" if above else base

    def _run(self, table: dict[str, str]) -> str:
        out = ""
        while self._peek() and self._peek() in table:
            out += _leaf(table[self._peek()])
            self._at += 1
        return out

    def _argument(self) -> str:
        if self._peek() == "{":
            self._at += 1
            return self.all("}")
        return self._atom()

    def _atom(self) -> str:
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "gap":
            return '<mspace width="2em"/>'
        if kind == "space":
            return '<mspace width="0.25em"/>'
        if kind == "code":
            return f"<mtext><code>{escape(text)}</code></mtext>"
        if kind == "number":
            return f"<mn>{text}</mn>"
        if kind == "word":
            return f"<mtext>{text}</mtext>"
        if text in _FRACTIONS:
            top, bottom = _FRACTIONS[text]
            return f"<mfrac><mn>{top}</mn><mn>{bottom}</mn></mfrac>"
        if text == "√":
            if self._peek() == "(":
                self._at += 1
                return f"<msqrt>{self.all(')')}</msqrt>"
            return f"<msqrt>{self._applied()}</msqrt>"
        if text == "(":
            return f"<mrow><mo>(</mo>{self.all(')')}<mo>)</mo></mrow>"
        return _leaf(text)


def _leaf(text: str) -> str:
    if text.isdigit():
        return f"<mn>{text}</mn>"
    if text.isalpha():
        return f"<mi>{escape(text)}</mi>"
    fence = ' stretchy="false"' if text in "‖|[]{}⌊⌋⟨⟩" else ""
    if text in "‖|":  # neither opens nor closes by itself, and would have room on both sides
        fence += ' lspace="0" rspace="0"'
    return f"<mo{fence}>{escape(text)}</mo>"
