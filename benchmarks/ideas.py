"""What was tried on the way to the record boards: one thing changed at a time, on held-out images.

    python benchmarks/ideas.py [studies/ideas/NAME.toml ...] [--workers 2] [--out runs]

A file has ideas for one board, in the order in which they were had. Each is a recipe: that of the
idea it is held `against`, with what it changes.

    scenario = "l2"             # settings of all, as in `lenetlab run`
    passes = 20

    [[idea]]
    name = "spheres"
    method = "muon_hyperball"
    lr = 0.03
    seeds = 2                   # 0 and 1; 2 unless it says so

    [[idea]]
    name = "an average over the end"
    against = "spheres"
    method = "ema+muon_hyperball"

They train on 50,000 training images and are measured once, at their end, on the other 10,000. The
test set is not looked at. What they came to is kept in results/ideas/NAME.json. A second call
trains what is new: no idea whose command is kept there; delete the file to try all of them anew.
`docs/generator/ideas_page.py` makes docs/ideas.md of it.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.progress import track

from lenetlab.disk import read_json, replace_json
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import Recipe, recipe_from
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.records.cells import TRIAL
from lenetlab.records.rows import row_of
from lenetlab.records.run_folder import Run

ROOT = Path(__file__).parents[1]
IDEAS, RESULTS = ROOT / "studies" / "ideas", ROOT / "results" / "ideas"
SEEDS = 2
FIGURES = ("seed", "status", "accuracy", "loss", "train_accuracy", "nonzeros", "passes",
           "cpu_seconds")  # fmt: skip
OWN = ("name", "against", "seeds")  # all else is of the recipe


@dataclass(frozen=True)
class Idea:
    """`changed` : what it says itself. `given` : that, what it has from the one it is held
    `against`, and the settings of all. `seeds` : how many, from 0."""

    name: str
    against: str | None
    seeds: int
    changed: Mapping[str, Any]
    given: Mapping[str, Any]

    def recipe(self) -> Recipe:
        """On the inner split; `UserError` for a wrong name or value."""
        settings = {key: value for key, value in self.given.items() if key != "method"}
        return recipe_from(self.given["method"], {**settings, "split": "inner"})


def read_ideas(path: Path) -> list[Idea]:
    """The ideas of a file, in its order; `UserError` for one that is not clear."""
    with path.open("rb") as file:
        found = tomllib.load(file)
    ideas: dict[str, Idea] = {}
    for entry in found.pop("idea", []):
        name, against = entry.get("name"), entry.get("against")
        if not name:
            raise UserError(f"{path}: an idea has no name; each needs one of its own")
        if name in ideas:
            raise UserError(f"{path}: two ideas are called {name!r}; each needs a name of its own")
        if against is not None and against not in ideas:
            raise UserError(f"{path}: {name!r} is against {against!r}, which is not above it")
        changed = {key: value for key, value in entry.items() if key not in OWN}
        before = found if against is None else ideas[against].given
        given = {key: value for key, value in {**before, **changed}.items() if value != ""}
        if "method" not in given:
            raise UserError(f"{path}: {name!r} has no method, and none to take over")
        ideas[name] = Idea(name, against, entry.get("seeds", SEEDS), changed, given)
    return list(ideas.values())


@cache
def _runtime(out: Path) -> Runtime:
    return Runtime(out=out, threads=1)


def _train(job: tuple[Recipe, int, Path]) -> Run:
    recipe, seed, out = job
    return execute(recipe, seed, _runtime(out), eval_at=())


def _kept(run: Run) -> dict[str, Any]:
    """What is kept of a run: its figures, where it was trained, by which code."""
    row = row_of(run, TRIAL, run.seed)
    where = {"processor": row.machine["processor"], "git": row.machine["git"]}
    return {key: getattr(row, key) for key in FIGURES} | where


def _said(idea: Idea) -> str:
    return idea.recipe().recorded().command(0, idea.seeds)


def kept(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The runs that the results in `path` have, by the command they are of."""
    return {idea["command"]: idea["runs"] for idea in read_json(path)} if path.exists() else {}


def tried(
    ideas: Sequence[Idea], before: Mapping[str, Any], runs: Iterator[Run]
) -> Iterator[dict[str, Any]]:
    """Every idea with its runs: those that were kept `before`, or the next ones of `runs`."""
    for idea in ideas:
        command = _said(idea)
        yield {
            "name": idea.name,
            "against": idea.against,
            "changed": dict(idea.changed),
            "command": command,
            "runs": before.get(command) or [_kept(run) for run in islice(runs, idea.seeds)],
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="Try ideas on held-out images.")
    parser.add_argument("files", nargs="*", type=Path, default=sorted(IDEAS.glob("*.toml")))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    given = parser.parse_args()
    read = [(RESULTS / f"{path.stem}.json", read_ideas(path)) for path in given.files]
    before = {target: kept(target) for target, _ in read}
    jobs = [
        (idea.recipe(), seed, given.out)
        for target, ideas in read for idea in ideas if _said(idea) not in before[target]
        for seed in range(idea.seeds)
    ]  # fmt: skip
    RESULTS.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        runs = iter(track(pool.map(_train, jobs), "ideas", len(jobs)))
        for target, ideas in read:
            replace_json(target, list(tried(ideas, before[target], runs)))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
