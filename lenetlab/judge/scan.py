"""A pickle looked through before it is loaded: which globals it names, how deep its tuples nest.

Hashing a tuple takes C stack for every tuple inside of it, so a dictionary key of a million nested
ones would end the process. The stack machine of the pickle is followed with depths for values.
"""

import io
import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

from lenetlab.judge.files import PICKLE_LIMIT, SAVE, Unreadable

NESTED = 100  # tuples in each other; torch's own nest four deep
MARK = -1  # on the stack, among depths


def globals_in(stream: io.BytesIO, pickles: int) -> set[str]:
    """All globals that the next `pickles` pickles name, as torch's loader spells them.

    Raises `Unreadable` for pickles that are broken, too long or too deep.
    """
    names: set[str] = set()
    for _ in range(pickles):
        try:
            _follow(stream, names)
        except (ValueError, UnicodeError, EOFError, OverflowError, IndexError) as error:
            reason = " ".join(str(error).split())[:100]
            raise Unreadable(f"is cut short or damaged: its pickle breaks off ({reason})") from None
    return names


def _follow(stream: io.BytesIO, names: set[str]) -> None:
    start = stream.tell()
    stack: list[int] = []
    memo: dict[int, int] = {}
    for code, argument, position in pickletools.genops(stream):
        if position is not None and position - start > PICKLE_LIMIT:
            raise Unreadable(f"has a pickle of more than {PICKLE_LIMIT >> 20} MB; {SAVE}")
        if code.name == "GLOBAL":
            names.add(_spelled(str(argument)))
        if code.name == "MARK":
            stack.append(MARK)
        elif code.name.endswith("PUT"):
            memo[int(str(argument))] = stack[-1]
        elif code.name.endswith("GET"):
            stack.append(memo.get(int(str(argument)), 0))
        else:
            inside = _take(stack, code.stack_before)
            depth = 1 + max(inside, default=0) if code.name.startswith("TUPLE") else 0
            if depth > NESTED:
                raise Unreadable(f"has more than {NESTED} tuples inside each other; {SAVE}")
            stack += [depth] * len(code.stack_after)


def _take(stack: list[int], wanted: list[pickletools.StackObject]) -> list[int]:
    """Remove what an operation takes from the stack: so many values, or all down to the mark and
    what it takes below that."""
    taken: list[int] = []
    if pickletools.markobject in wanted:
        while (depth := stack.pop()) != MARK:
            taken.append(depth)
        wanted = wanted[: wanted.index(pickletools.markobject)]
    return taken + [stack.pop() for _ in wanted]


def _spelled(argument: str) -> str:
    module, name = argument.split(" ", 1)
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    return f"{IMPORT_MAPPING.get(module, module)}.{name}"
