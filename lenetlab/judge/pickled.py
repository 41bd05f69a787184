"""What torch.save wrote, read without running any code of whoever wrote it.

PyTorch's weights-only loader does the reading. Of the globals that a pickle names it knows those
that rebuild tensors; every other one is replaced by an inert class of the same name, which is
never imported. So a whole model comes back as a tree of inert objects with the model's
attributes, its parameters among them. A pickle that *calls* such a global would need code to
run, and is refused.
"""

import io
import pickle
import warnings
from typing import Any

import torch

from lenetlab.judge.files import SAVE, Unreadable
from lenetlab.judge.scan import globals_in

# Plain values that get beside the weights of a training loop; their calls give an inert object.
HARMLESS = frozenset(
    f"{module}.{name}"
    for module, names in {
        "numpy": ("dtype", "ndarray"),
        "numpy.core.multiarray": ("scalar", "_reconstruct"),
        "numpy._core.multiarray": ("scalar", "_reconstruct"),
        "pathlib": ("Path", "PosixPath", "WindowsPath"),
        "datetime": ("datetime", "date", "timedelta"),
    }.items()
    for name in names
)
# The loader would really make one, of any size that the pickle says.
REFUSED = frozenset({"builtins.bytearray"})
# No class of anybody's model is in these; the loader refuses them with less to the point.
SYSTEM = ("builtins.eval", "builtins.exec", "nt.", "os.", "posix.", "subprocess.", "sys.")


class _NotCalled(type):
    """Makes classes that a pickle can name and instantiate, and cannot call."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.__name__ in HARMLESS:
            return super().__call__()
        raise Unreadable(f"would run code: it calls {cls.__name__}; {SAVE}")


class Inert(metaclass=_NotCalled):
    """Stands for an instance of some class; has its attributes and no behaviour."""

    def __new__(cls, *args: Any) -> "Inert":
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                self.__dict__.update(part)


def load(content: bytes, pickled: bytes | None) -> Any:
    """The object that `content`, a whole file of torch.save, holds; on the CPU.

    `pickled` is the pickle inside, where the file is a zip archive; an old file is a sequence of
    pickles with the numbers after them. Raises `Unreadable`.
    """
    names = (
        globals_in(io.BytesIO(content), 5)
        if pickled is None
        else globals_in(io.BytesIO(pickled), 1)
    )
    if refused := [name for name in names if name in REFUSED or name.startswith(SYSTEM)]:
        raise Unreadable(f"would run code: it calls {min(refused)}; {SAVE}")
    inert: list[Any] = [(_NotCalled(name, (Inert,), {}), name) for name in sorted(names)]
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(inert):
            warnings.simplefilter("ignore")  # of old protocols, quantisation, sparse layouts
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = f"is refused by the weights-only loader: {_reason(error)}"
        if "persistent_load of storage" in reason:
            reason = "is a whole model in torch.save's old format, which holds its source code"
        raise Unreadable(f"{reason}; {SAVE}") from None
    except Unreadable:
        raise
    except Exception as error:  # of a hostile file, the loader may raise anything
        raise Unreadable(f"is damaged: the loader says {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """The first sentence of the loader's explanation."""
    text = str(error).rpartition("WeightsUnpickler error: ")[2].strip()
    first = text.splitlines()[0].split(". ")[0].strip().rstrip(".") if text else ""
    kind = "" if isinstance(error, pickle.UnpicklingError) else f"{type(error).__name__}: "
    return kind + (first[:140] or "no more")
