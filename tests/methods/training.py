"""A method, inside wrappers or not, on a small problem: the loop without a run around it."""

from collections.abc import Iterator

from torch import Tensor

from lenetlab.methods.lookup import find, split
from lenetlab.methods.wrappers import Composed, compose, find_wrapper
from tests.problems import Setting


def build(spec: str, s: Setting, **given) -> Composed:
    """`spec` over the setting's weights; `given` are hyperparameters, `svrg_alpha` a wrapper's."""
    names, name = split(spec)
    around = []
    for wrapper in names:
        own = {k.removeprefix(f"{wrapper}_"): given.pop(k) for k in list(given)
               if k.startswith(f"{wrapper}_")}  # fmt: skip
        around.append(find_wrapper(wrapper).settings(own))
    entry = find(name)
    settings = entry.settings(given).settings
    optimizer = entry.optimizer(s.weights.params(entry.form), settings)
    return compose(optimizer, around, s.weights)


def steps(spec: str, s: Setting, n: int, **given) -> Iterator[Tensor]:
    """The answer after each of `n` steps, a copy."""
    optimizer = build(spec, s, **given)
    for k in range(n):
        s.oracle.next_step()
        s.oracle.progress = k / n
        optimizer.step(s.oracle)
        optimizer.observe(s.weights.w, (k + 1) / n)
        yield optimizer.eval_weights(s.weights.w).clone()


def last(spec: str, s: Setting, n: int, **given) -> Tensor:
    """The answer after `n` steps."""
    *_, w = steps(spec, s, n, **given)
    return w


def excess(s: Setting, w: Tensor) -> float:
    """F(w) − min F."""
    return float(s.problem.value(w, s.oracle.full.indices)) - s.problem.least
