"""What an error of somebody else's code means here, on one line, with the line of their file."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lenetlab.errors import UserError, message_of, one_line
from lenetlab.methods.sources import is_own

# What optimizers raise that need more than parameters and `.grad`, and what it means.
_NEEDS = {
    "does not require grad": "it differentiates the gradient, and .grad comes without its graph; "
    "a method of this laboratory asks oracle.hessian for products with the Hessian",
    "object has no attribute 'parameters'": "it wants the model; methods get its parameters alone",
    "object has no attribute 'named_parameters'": "it wants the model; methods get its parameters "
    "alone",
    "'list' object has no attribute": "it goes around another optimizer, and gets parameters; "
    "a class of your own can build both",
    "'dict' object has no attribute": "it takes parameters one by one, and where the biases are "
    "spared the decay, as in a search of scenario l2, each comes in a group of its own, "
    '{"params": [p]}, those of biases with "weight_decay": 0.0',
    "need to pass `params`": "it goes around another optimizer, and gets parameters alone; "
    "a class of your own can build both",
    "Tensor.__contains__ only supports": "it wants parameter groups with keys of its own, and "
    "gets the ten parameters; a class of your own can sort them into groups",
    "process group": "it wants several processes; here is one",
    "mat1 and mat2 shapes cannot be multiplied": "it wants parameters of other shapes than "
    "LeNet-5's ten",
}


@contextmanager
def told(make: Callable[[BaseException], Exception]) -> Iterator[None]:
    """Around somebody else's code: what it raises, whatever that is, is raised as what `make` makes
    of it. Ctrl-C and mistakes that are told already pass."""
    try:
        yield
    except (UserError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise make(error) from error


def named(error: BaseException) -> str:
    """The error's kind, and what `explain_error` says."""
    return f"{one_line(type(error).__name__)}: {explain_error(error)}"


def explain_error(error: BaseException) -> str:
    """An error on one line: what the optimizer needs, where it is known to mean that, and why;
    with the line of the user's own code in which it was raised, or from which."""
    message = message_of(error)
    meaning = next((means for sign, means in _NEEDS.items() if sign in message), None)
    return (f"{meaning} (it said: {message})" if meaning else message) + where(error)


def where(error: BaseException) -> str:
    """` (own.py:37)`; nothing if no code of the user's had a part in it."""
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    own = [(Path(name), line) for name, line in frames if is_own(Path(name))]
    return f" ({own[-1][0].name}:{own[-1][1]})" if own else ""
