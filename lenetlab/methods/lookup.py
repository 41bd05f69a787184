"""What is meant by `adamw`, `ema+svrg+sgd` or `own.py:Own`: a method by name, inside wrappers."""

from itertools import takewhile
from pathlib import Path

from lenetlab.component import look_up
from lenetlab.errors import UserError
from lenetlab.methods.constraint import constraints
from lenetlab.methods.guests.load import load
from lenetlab.methods.names import called
from lenetlab.methods.registry import Method, Norms, methods
from lenetlab.methods.wrappers import find_wrapper, wrappers


def find(name: str) -> Method:
    """The method called `name`, or one from outside written `file.py:Class`, `module:Class`, or
    `file.py` where there is one optimizer in it.
    Raises: `UserError` for a name that does not exist, with the nearest one that does."""
    if ":" in name or name.endswith(".py"):
        return load(name)
    return look_up("method", name, methods(), "`lenetlab methods` lists them all")


def split(spec: str) -> tuple[list[str], str]:
    """`"ema+svrg+sgd"` as the wrappers' names, outer first, and the method's, as they are
    registered; a name that nobody knows stays as it is."""
    *names, method = (word.strip() for word in _words(spec))
    if ":" not in method and not method.endswith(".py"):
        method = called(method, methods())
        alone = wrappers().get(called(method, wrappers()))
        if method not in methods() and alone is not None and alone.reduces_variance:
            names, method = [*names, method], "sgd"
        _refuse_part(method)
    return [called(name, wrappers()) for name in names], method


def _words(spec: str) -> list[str]:
    """`spec` apart at every plus, but for those in a path."""
    words = spec.split("+")
    if ":" in words[0]:
        return [spec]
    if ":" not in spec and not spec.endswith(".py"):
        return words
    around = list(takewhile(_is_wrapper, words[:-1]))
    base = "+".join(words[len(around) :])
    place = Path(base.rpartition(":")[0] or base)
    misspelt = all(word.strip().isidentifier() for word in words[:-1]) and not place.is_file()
    return words if misspelt else [*around, base]


def _is_wrapper(word: str) -> bool:
    return called(word.strip(), wrappers()) in wrappers()


def _refuse_part(method: str) -> None:
    """Say where a wrapper or a constraint belongs that stands where a method should."""
    if method in methods():
        return
    if (around := called(method, wrappers())) in wrappers():
        raise UserError(f"{around} goes around a method, as in {around}+sgd")
    if (beside := called(method, constraints())) in constraints():
        raise UserError(
            f"{beside} is a constraint and stands beside a method, as in sgd --scenario sparse "
            f"--constraint {beside}"
        )


def canonical(spec: str) -> str:
    """`spec` with every name as it is registered: `SGD` is `sgd`, `svrg` is `svrg+sgd`, `own.py`
    with one optimizer in it `own.py:Own`. Raises `UserError` for an unknown method."""
    names, method = split(spec)
    return "+".join([*names, find(method).name])


def norms_of(spec: str) -> Norms:
    """What a method with its wrappers does to the norms of weights where `weight_decay` is 0: what
    the method itself does, or if it leaves them free the outermost wrapper that does not."""
    around, own = split(spec)
    parts = [find(own).norms, *(find_wrapper(name).norms for name in around)]
    return next((norms for norms in parts if norms != "free"), "free")


def family_of(spec: str) -> str:
    """The family of a method with its wrappers: averaging and variance reduction reduce noise,
    whatever they are put around."""
    names, base = split(spec)
    around = [find_wrapper(name) for name in names]
    if any(entry.reduces_variance or entry.kind == "average" for entry in around):
        return "noise_reduction"
    return find(base).family
