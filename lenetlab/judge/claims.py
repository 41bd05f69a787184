"""What a run folder says of itself, held against what can be computed again.

Nothing named by the folder is run: a method from outside the package stays unchecked.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.run.curve import SLACK
from lenetlab.experiments.run.identity import digest
from lenetlab.experiments.run.in_memory import FIGURES
from lenetlab.judge.child import Losses, Recorded
from lenetlab.judge.scoring import Score
from lenetlab.oracle.ledger import PASS, Ledger
from lenetlab.problem.problems import FASHION_MNIST, held_out
from lenetlab.records import run_folder

T = TypeVar("T")
# Two engines agree to rounding: an image on the border of two classes may fall to either side.
IMAGES = 3
RELATIVE = 1e-4  # of the mean loss
TINY = 1e-8  # of a mean loss that is nearly nothing: last bits of a few images
# What comes of a record with fields that are missing or of another kind.
DAMAGES = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)


@dataclass(frozen=True)
class Claim:
    """One statement of a run folder; `wrong` says what is the case instead, None if it holds."""

    what: str
    wrong: str | None = None


def wrong_claims(claims: Iterable[Claim]) -> list[str]:
    """A sentence for every claim that does not hold."""
    return [f"not true that {claim.what}: {claim.wrong}" for claim in claims if claim.wrong]


def data_name(inner: bool) -> str:
    """What a run's identity calls Fashion-MNIST's training images; `inner` those before the ones
    that are held out."""
    name = (FASHION_MNIST.train[0].sha256 or "")[:16]
    return f"{name}[0:{PASS - held_out(PASS)}]" if inner else name


def check(found: Recorded, score: Score, engine: str) -> list[Claim]:
    """Every claim of a run; `score` is of its weights, measured just now by `engine`."""
    run = found.run
    try:
        return [*_identity(run), *_ledger_counts(run, found.losses), *_figures(run, score, engine)]
    except DAMAGES as error:
        reason = f"a field is missing or no value of its kind ({type(error).__name__}: {error})"
        return [Claim("the records are complete", reason)]


def recipe_of(run: run_folder.Run) -> Recipe:
    """The recipe that run.json describes, validated again; `UserError` if it is none."""
    try:
        return recall(run.identity["recipe"])
    except DAMAGES as error:
        raise UserError(f"its recipe cannot be read ({type(error).__name__}: {error})") from None


def _there(figure: T | None) -> T:
    """A figure that a run which is done must have; a damage where it is missing."""
    if figure is None:
        raise ValueError("there is none")
    return figure


def _identity(run: run_folder.Run) -> Iterator[Claim]:
    """Recipe, seed, data and numerics are those that the name of the run was made from."""
    said = run.identity
    if not run.recorded.from_outside:  # whose code the judge does not import
        try:
            recipe = recipe_of(run)
        except UserError as error:
            yield Claim("the recipe is valid", str(error))
            return
        plain = json.loads(json.dumps(recipe.canonical()))
        wrong = None if plain == said["recipe"] else "this version would write it differently"
        yield Claim("the recipe is valid", wrong)
    again = digest({key: said[key] for key in ("recipe", "seed", "data", "numerics")})
    wrong = None if again == said["id"] else f"run.json says {said['id']}, its content is {again}"
    yield Claim("recipe, seed, data and numerics hash to the run's identity", wrong)
    if type(said["seed"]) is not int or not 0 <= said["seed"] < 2**63:
        yield Claim("the seed is a whole number from 0 to 2^63 - 1", f"it is {said['seed']!r}")
    data = data_name(run.held_out)
    wrong = None if said["data"] == data else f"trained on {said['data']}, expected {data}"
    yield Claim("trained on Fashion-MNIST's training images", wrong)


def _ledger_counts(run: run_folder.Run, losses: Losses) -> Iterator[Claim]:
    """Steps, passes and budget belong together."""
    steps = len(losses)
    counts = dict(_there(run.result.ledger_counts))
    passes, claimed = _there(run.result.passes), _there(run.result.steps)
    ledger = Ledger()
    # counts that an older version did not keep were zero
    ledger.restore(ledger.counts() | counts)
    wrong = None
    if abs(ledger.passes - passes) > SLACK:
        wrong = f"{passes:.6g} passes claimed, the ledger comes to {ledger.passes:.6g}"
    elif min(counts.values()) < 0:
        wrong = "the ledger has negative counts"
    yield Claim("passes are those of the ledger", wrong)
    unit, amount = run.recorded.budget
    spent = _there(run.result.passes if unit == "passes" else run.result.epochs)
    wrong = f"{spent:.6g} {unit} of {amount:g}" if not 0 < spent <= amount + SLACK else None
    yield Claim("the budget is kept", wrong)
    wrong = None
    if steps != claimed:
        wrong = f"{claimed} steps claimed, {steps} losses recorded"
    elif not np.isfinite(losses).all():
        wrong = "training losses are not finite"
    yield Claim("every step has its loss", wrong)


def _figures(run: run_folder.Run, score: Score, engine: str) -> Iterator[Claim]:
    """The recorded figures are those of the weights, and of the last evaluation."""
    final, again = run.result, score.evaluation
    correct, loss, accuracy = map(_there, (final.correct, final.loss, final.accuracy))
    exact = engine == run.identity["numerics"]["engine"]
    apart = abs(correct - again.correct)
    drift = abs(loss - again.loss)
    wrong = None
    if apart > IMAGES or drift > RELATIVE * again.loss + TINY:
        wrong = (
            f"{correct:,} correct and loss {loss:.6f} recorded, "
            f"the weights give {again.correct:,} and {again.loss:.6f}"
        )
    elif abs(accuracy - 100 * correct / again.images) > SLACK:
        wrong = f"accuracy {accuracy} is not that of {correct:,} correct images"
    elif exact and apart:
        wrong = f"{correct:,} correct recorded, {again.correct:,} by the same engine"
    yield Claim("accuracy and loss are those of the weights", wrong)
    last = run.curve["evaluations"][-1]
    differ = [key for key in FIGURES if last[key] != getattr(final, key)]
    yield Claim(
        "they end the curve", f"the last evaluation differs in {differ[0]}" if differ else None
    )
    wrong = None
    if run.result.nonzeros != score.constrained:
        wrong = f"{run.result.nonzeros} recorded, the weights have {score.constrained}"
    yield Claim("the count of nonzeros is that of the weights", wrong)
