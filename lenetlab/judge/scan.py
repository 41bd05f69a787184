"""Which globals a pickle names, found without loading it."""

import io
import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

from lenetlab.judge.files import Unreadable


def globals_in(stream: io.BytesIO, pickles: int) -> set[str]:
    """All globals that the next `pickles` pickles name, as torch's loader spells them.

    Raises `Unreadable` for pickles that are broken.
    """
    try:
        return {
            _spelled(str(argument))
            for _ in range(pickles)
            for code, argument, _ in pickletools.genops(stream)
            if code.name == "GLOBAL"
        }
    except (ValueError, UnicodeError, EOFError, OverflowError, IndexError) as error:
        reason = " ".join(str(error).split())[:100]
        raise Unreadable(f"is cut short or damaged: its pickle breaks off ({reason})") from None


def _spelled(argument: str) -> str:
    module, name = argument.split(" ", 1)
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    return f"{IMPORT_MAPPING.get(module, module)}.{name}"
