"""What a study file tries for a record board, and whether it may."""

from collections.abc import Sequence
from dataclasses import replace

from lenetlab.analysis.record import SEEDS
from lenetlab.experiments.recipe.recipe import Recipe
from lenetlab.experiments.study.file.given import Given
from lenetlab.experiments.study.model import Study
from lenetlab.records.goal import Goal
from lenetlab.settings import WHOLE


def goal(given: Given, seeds: int, first_seed: int) -> Goal | None:
    """[record]: the bound that the finals are to beat, with seeds that the search has not had."""
    if "record" not in given.tree:
        return None
    table = given.table("record")
    words = table.get("goal")
    if not isinstance(words, str) or not words.strip():
        given.add(("record", "goal"), "record.goal is missing or no text; expected what it is "
                  'about, in words: goal = "…"')  # fmt: skip
    bounds = {
        key: given.number(("record", key), 1.0, most=most)
        for key, most in (("above", 100), ("below", WHOLE))
        if key in table
    }
    if len(bounds) != 1:
        given.add(("record",), "[record] has one bound; expected above = 90.24, percent of the "
                  "mean test accuracy, or below = 0.25, of the mean test loss")  # fmt: skip
    if seeds < SEEDS:
        given.add(("seeds",), f"seeds = {seeds}: a record needs {SEEDS}")
    if first_seed == 0:
        given.add(("record",), "a record is of seeds that no search has had, and trials have "
                  "seed 0; expected first_seed = 100, or so")  # fmt: skip
    return Goal(str(words), **bounds) if len(bounds) == 1 else None


def check_leaderboards(given: Given, study: Study, recipes: Sequence[list[Recipe]]) -> None:
    """A record has one leaderboard, or it would be tried several times."""
    titles = list(dict.fromkeys(
        replace(cell.place, terms=own[0].recorded().size).contest.title
        for cell, own in zip(study.cells, recipes, strict=True)
        if own
    ))  # fmt: skip
    if len(titles) > 1:
        given.add(("record",), "[record] is about one leaderboard; this study has "
                  f"{len(titles)}: {'; '.join(titles)}")  # fmt: skip
