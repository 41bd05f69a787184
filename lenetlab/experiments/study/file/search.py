"""How a study file has recipes searched, and what follows on the trials."""

from lenetlab.errors import unknown
from lenetlab.experiments.recipe.recipe import LONGEST
from lenetlab.experiments.study.file.given import Given
from lenetlab.experiments.tuning.trials import SAMPLERS, Tuning
from lenetlab.records.selection import CONFIRMING, LEADING, Stages

MOST_SEEDS = LEADING - CONFIRMING  # in a stage: no two stages have a seed in common


def tuning(given: Given) -> Tuning | None:
    """[tune]: how the cells are searched; None where recipes are as given."""
    if "tune" not in given.tree:
        return None
    table = given.table("tune")
    sampler = table.get("sampler", "sobol")
    if sampler not in SAMPLERS:
        given.add(("tune", "sampler"), str(unknown("sampler", str(sampler), SAMPLERS)))
        sampler = "sobol"
    trials = given.count(("tune", "trials"), 12)
    return Tuning(trials, given.number(("tune", "passes"), 5.0, most=LONGEST), sampler)


def stages(given: Given, tune: Tuning | None, passes: float, seeds: int) -> Stages:
    """What follows on the trials: nothing that is not asked for. `passes` are those of finals,
    whose seeds are below `seeds`."""
    usual = Stages()
    found = Stages(
        confirm=_asked(given, "tune", "confirm", 3),
        confirm_seeds=_count(given, "tune", "confirm_seeds", usual.confirm_seeds),
        leaders=_asked(given, "leader", "best", 5),
        leader_seeds=_count(given, "leader", "seeds", usual.leader_seeds),
        lucky=_asked(given, "luck", "best", 8),
        searches=_count(given, "luck", "searches", usual.searches),
    )
    for table in ("leader", "luck"):
        if table in given.tree and not found.confirm:
            given.add((table,), f"[{table}] is about the methods that are best when confirmed; "
                      "expected confirm = 3, or so, in [tune]")  # fmt: skip
    if tune and found.confirm and passes < tune.passes:
        given.add(("tune", "confirm"), f"trials have {tune.passes:g} passes, which cannot be "
                  f"confirmed by the {passes:g} of the final runs")  # fmt: skip
    if found.confirm and max(seeds, found.confirm_seeds, found.leader_seeds) > MOST_SEEDS:
        given.add(("tune", "confirm"), "a study that confirms has at most "
                  f"{MOST_SEEDS:,} seeds in each of its stages")  # fmt: skip
    return found


def _asked(given: Given, table: str, key: str, usual: int) -> int:
    """How many of the best have a stage: a table asks for it, [tune] by its `confirm`."""
    asked = table in given.tree and (table != "tune" or key in given.table(table))
    return given.count((table, key), usual) if asked else 0


def _count(given: Given, table: str, key: str, usual: int) -> int:
    return given.count((table, key), usual) if table in given.tree else usual
