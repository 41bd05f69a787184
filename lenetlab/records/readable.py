"""Text that others wrote, fit to be shown: in a terminal, a page, a chart, a paper.

A name, a title or the reason of a failure comes from whoever made the runs. Control characters in
it move a terminal's cursor, end the chart library with a panic and are no XML; those that turn
the direction of writing turn what stands beside the name as well; half a surrogate pair, which is
how a byte of a path that is not UTF-8 is kept, cannot be written at all.
"""

import re
from collections.abc import Mapping
from typing import Any

SHOWN_FOR = "\ufffd"
_SPACES = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def readable(value: Any) -> Any:
    """`value` as JSON has it, every text in it on one line and without what cannot be shown: line
    breaks and tabs are a space, other control characters and halves of pairs a question mark."""
    if isinstance(value, str):
        if value.isprintable():  # most are, and this is told many times faster
            return value
        return _UNFIT.sub(SHOWN_FOR, _SPACES.sub(" ", value))
    if isinstance(value, Mapping):
        return {readable(key): readable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(readable(part) for part in value)
    return value
