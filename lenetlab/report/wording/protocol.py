"""By which rules a study was made: how methods were tuned, how long a run is, what is charged."""

from collections.abc import Iterator

from lenetlab.phrases import count, joined, passes
from lenetlab.problem.problems import title_of
from lenetlab.records.cells import Results
from lenetlab.report.wording.experiment import problems_of, usual


def tuning(results: Results) -> str:
    """Where the settings are from."""
    return " ".join(_tuning(results))


def _tuning(results: Results) -> Iterator[str]:
    begun = [cell for cell in results.cells if cell.begun]
    if not results.planned:
        yield (
            "These are single runs and no study: how settings were chosen is known only of recipes "
            "that --tuned took from a search."
        )
        held = sum(len(cell.trials) for cell in begun)
        if held:
            yield (
                f"{count(held, 'run')} on held-out training images (--split inner) "
                f"{'is' if held == 1 else 'are'} shown beside them and ranked nowhere."
            )
        return
    if not results.tuned:
        yield (
            "Nothing was tuned in this study: a method has the settings that the study’s file "
            "gives, and else its own defaults."
        )
        return
    yield (
        f"A method is tuned by {count(results.trials, 'trial')} of "
        f"{passes(results.tuning_passes)} in every scenario{_everywhere(results)}, no matter how "
        f"many settings it has. "
        f"Trials train on {_inner(results)}; the test set is not opened."
    )
    carried = dict.fromkeys(cell.place.tuned_on for cell in results.cells if cell.place.tuned_on)
    if carried:
        others = [name for name in problems_of(results) if name not in carried]
        yield (
            f"On {joined([title_of(name) for name in others])} nothing is tuned: a method has the "
            f"recipe that was found on {joined([title_of(name) for name in carried])}, unchanged."
        )
    confirm = results.stages.confirm
    if confirm:
        yield (
            f"The best {confirm} are run again for {passes(results.passes)} with "
            f"{count(results.stages.confirm_seeds, 'fresh seed')} each; the best mean decides, and "
            "a run that fails or collapses disqualifies its recipe."
        )
    if results.seeds:
        which = "that was chosen so" if confirm else "of the best trial"
        everything = "all 60,000" if usual(results) else "all training images"
        yield f"The recipe {which} is then trained on {everything} and measured on the test set."
    begun = [cell for cell in begun if not cell.place.tuned_on]
    short = sum(0 < len(cell.trials) < results.trials for cell in begun)
    if short:
        yield (
            f"{short} of {count(len(begun), 'pair')} of method and scenario begun have not all of "
            "their trials yet."
        )
    without = list(dict.fromkeys(cell.place.name for cell in begun if not cell.trials))
    if without:
        yield f"Run with settings as they were given, without trials: {', '.join(without)}."


def _everywhere(results: Results) -> str:
    """Where tuning was done on more problems than one."""
    tuned = {cell.place.problem for cell in results.cells if not cell.place.tuned_on}
    return " of every problem" if len(tuned) > 1 else ""


def _inner(results: Results) -> str:
    if usual(results):
        return "the first 50,000 training images and are scored on the other 10,000"
    return "the first five sixths of the training images and are scored on the others"


def budget(results: Results) -> str:
    """How long a run is, and what is ranked together."""
    said = []
    if results.planned and results.seeds:
        said.append(
            f"Every run behind a leaderboard ends at {passes(results.passes)}, fixed beforehand, "
            "and its last point is what counts, never its best."
        )
    elif not results.planned:
        shared = "scenario" if usual(results) else "problem, scenario"
        said.append(
            "A run ends at the budget in its recipe, and its last point is what counts, never its "
            f"best. Only runs of the same {shared}, rules and budget are ranked together."
        )
    terms = [contest.terms for contest in results.contests()]
    if any("epoch" in text for text in terms):
        said.append("A budget is in epochs where an epoch did not cost one effective pass.")
    if any("weights" in text for text in terms):
        said.append("On a frontier, only nets that may keep as many weights are ranked together.")
    return " ".join(said)


def prices(results: Results) -> str:
    """What is charged beside gradients, as the rows were: one without prices is of the first."""
    forwards = {(row.numerics.get("prices") or {}).get("forwards") for row in results.rows()}
    if not forwards:
        return ""
    ordered = sorted(forwards, key=lambda price: price or 0)
    counts = joined(["a third" if price is None else f"{price:g}" for price in ordered])
    return (
        f"A forward pass alone counts {counts}{', by when it ran' * (len(forwards) > 1)}, products"
        " with the curvature what they take, and factorizations are counted apart."
    )
