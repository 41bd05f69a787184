"""What the experiment is: who trains what, on which images, in which scenarios, what may differ."""

from lenetlab.phrases import count, joined
from lenetlab.problem.problems import DEFAULT, title_of
from lenetlab.problem.scenarios import recorded_scenario
from lenetlab.records.cells import Results
from lenetlab.records.contest import Contest


def subject(results: Results) -> str:
    """Who trains what."""
    if not results.cells:
        return "No method has been planned."
    begun = results.begun()
    methods = len({cell.place.method for cell in begun})
    settings = len({cell.place.name for cell in begun})
    families = {cell.place.family for cell in begun} - {""}
    of = f" of {len(families)} families" if len(families) > 1 else ""
    at = f" at {count(settings, 'setting')}" if settings > methods else ""
    train = "trains" if methods == 1 else "train"
    planned = len({cell.place.method for cell in results.cells})
    begun_of = f"{methods} of {count(planned, 'planned method')}"
    who = begun_of if planned > methods else count(methods, "method")
    return (
        f"{who}{of}{at} {train} one fixed LeNet-5 (44,426 parameters) on "
        f"{_on(results)}, in {_where(results)}."
    )


def problems_of(results: Results) -> list[str]:
    """The problems of the leaderboards, in their order; the usual one where there is none."""
    return list(dict.fromkeys(contest.problem for contest in results.contests())) or [DEFAULT]


def usual(results: Results) -> bool:
    """Whether all of it is on the usual problem."""
    return problems_of(results) == [DEFAULT]


def _on(results: Results) -> str:
    return joined([title_of(name) for name in problems_of(results)])


def _where(results: Results) -> str:
    scenarios = list(dict.fromkeys(contest.scenario for contest in results.contests()))
    return f"scenario {scenarios[0]}" if len(scenarios) == 1 else f"{len(scenarios)} scenarios"


def images(results: Results) -> str:
    """What is trained on, and what is measured on."""
    finals = any(cell.finals for cell in results.cells) or results.seeds
    if not usual(results):
        trained = "all training images" if finals else "the first five sixths of training images"
        measured = "on the test images" if finals else "on the others; the test set is not opened"
        return f"It is trained on {trained} of {_on(results)} and measured {measured}."
    if finals:
        return (
            "It is trained on the 60,000 training images of Fashion-MNIST and measured on its "
            "10,000 test images."
        )
    return (
        "It is trained on the first 50,000 training images of Fashion-MNIST and measured on the "
        "other 10,000 of them; the test set is not opened."
    )


def scenarios(results: Results) -> list[tuple[str, str]]:
    """What is minimised and what is allowed, by scenario and rules."""
    pairs = dict.fromkeys((c.scenario, c.rules) for c in results.contests())
    more = {"strict": "", "open": "; augmentation of the training images allowed"}
    return [
        (Contest(scenario, rules).title,
         recorded_scenario(scenario).description + more.get(rules, f"; rules {rules}"))
        for scenario, rules in pairs
    ]  # fmt: skip


def freedoms(results: Results) -> str:
    """What changes beside optimizer, settings, batch size and schedule."""
    recipes = [row.recorded for row in results.rows()]
    more = []
    if any(recipe.augmentation for recipe in recipes):
        more.append("the augmentation of the training images")
    if any(recipe.constraint is not None for recipe in recipes):
        more.append("which weights are kept")
    if any(recipe.initialisation.name != "starter" for recipe in recipes):
        more.append("the first weights")
    return f"; beside these, {joined(more)}" if more else ""
