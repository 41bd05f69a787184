"""The tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) by Optuna, as an option.

It looks at trials that have ended, so what it asks for depends on them. It is asked in rounds of
`ROUND`, each once the round before has ended whole: then the trials are the same however many
workers there are, and a search that was stopped goes on with the same ones.
"""

import hashlib
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from lenetlab.errors import UserError
from lenetlab.experiments.tuning.search_space import Dimension, Pick, Space, ends, near
from lenetlab.settings import Value

ROUND = 4


def ask(seed: str, space: Space, scores: Sequence[float | None], n: int) -> list[dict[str, Value]]:
    """The settings of the next `n` trials, at most `ROUND`, after trials with `scores`: accuracy
    on held-out images, None for a trial that failed.

    A function of its arguments: the rounds before are asked for and told again.
    """
    optuna = _optuna()
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    # As many random ones first as two rounds have; the rest is drawn from what is known by then.
    sampler = optuna.samplers.TPESampler(seed=number, n_startup_trials=2 * ROUND)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    names = optuna.trial.TrialState
    for begin in range(0, len(scores), ROUND):
        known = scores[begin : begin + ROUND]
        for trial, score in zip(_round(optuna, study, space, len(known)), known, strict=True):
            if score is None:
                study.tell(trial[0], state=names.FAIL)
            else:
                study.tell(trial[0], score)
    return [settings for _, settings in _round(optuna, study, space, min(n, ROUND))]


def _round(optuna: Any, study: Any, space: Space, n: int) -> list[tuple[Any, dict[str, Value]]]:
    domains = {name: _domain(optuna, dim) for name, dim in space.items()}
    asked = [study.ask(domains) for _ in range(n)]
    return [(trial, _settings(space, trial.params)) for trial in asked]


def _domain(optuna: Any, dim: Dimension) -> Any:
    if isinstance(dim, Pick):
        return optuna.distributions.CategoricalDistribution(dim.values)
    low, high = ends(dim)
    return optuna.distributions.FloatDistribution(low, high, log=dim.log)


def _settings(space: Space, chosen: dict[str, Any]) -> dict[str, Value]:
    """Numbers as in the other searches."""
    return {
        name: chosen[name] if isinstance(dim, Pick) else near(dim, chosen[name])
        for name, dim in space.items()
    }


def _optuna() -> Any:
    try:
        optuna: Any = import_module("optuna")
    except ImportError:
        raise UserError(
            'sampler "tpe" needs Optuna; install it with: pip install "lenetlab[tpe]"'
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
