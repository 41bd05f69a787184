"""Standard streams as they are found: closed, full, or with an alphabet that lacks our signs."""

import codecs
import errno
import io
import os
import sys
import unicodedata

# What stands for a sign of ours where the terminal cannot show it. Greek letters are spelt and
# subscripts are digits. Of other letters stands the escape: the name of a file must not become
# that of another.
PLAIN = {
    "–": "-", "—": "-", "−": "-", "…": "...", "·": "*", "→": "->", "←": "<-", "×": "x", "±": "+-",
    "≥": ">=", "≤": "<=", "≈": "~", "≠": "!=", "√": "sqrt", "∞": "inf", "∇": "grad ", "∑": "sum ",
    "∈": "in", "∘": "*", "⟨": "<", "⟩": ">", "✓": "yes", "✗": "no", "‖": "||", "µ": "u",
    "“": '"', "”": '"', "‘": "'", "’": "'",
}  # fmt: skip
# What a stream says that is full, or whose reader has gone. Files have a name in their errors.
GONE = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


def prepare() -> bool:
    """Make the streams take every character; whether there is a stdout at all.

    A number that a closed stream leaves free would be the next file's, and prints would go there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")
    return sys.stdout is not None


def lost(error: OSError) -> bool:
    """Whether `error` says that what is printed cannot leave: stdout is full, or its reader has
    gone. What is left then goes nowhere, so that Python does not try again at the end."""
    if error.filename is not None or error.errno not in GONE:
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _plain(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: the characters that cannot be encoded, in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_spelt(sign) for sign in error.object[error.start : error.end]), error.end


def _spelt(sign: str) -> str:
    if sign in PLAIN:
        return PLAIN[sign]
    if "\udc80" <= sign <= "\udcff":  # a byte of a file's name that is not UTF-8
        return f"\\x{ord(sign) - 0xDC00:02x}"
    if (name := unicodedata.name(sign, "")).startswith("GREEK"):
        return name.split(" WITH ")[0].split()[-1].lower()
    plain = unicodedata.normalize("NFKD", sign)
    return plain if plain.isascii() else ascii(sign)[1:-1]
