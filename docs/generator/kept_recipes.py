"""The recipes that come with the package, of the committed study; those of methods that it has not
reached stay.

    python docs/generator/kept_recipes.py      writes lenetlab/tuned.json
"""

from dataclasses import replace
from pathlib import Path

from lenetlab.experiments.tuning.tuned_recipes import PACKAGE, Tuned, kept_of, save_tuned
from lenetlab.records.cells import Results
from lenetlab.records.rows import read_results

STUDIED = Path(__file__).parents[2] / "results" / "course"


def kept(results: Results) -> dict[tuple[str, str], Tuned]:
    """By method and scenario, of the cells that have finals: what those were trained by."""
    return kept_of(replace(results, cells=tuple(cell for cell in results.cells if cell.finals)))


if __name__ == "__main__":
    save_tuned(PACKAGE, kept(read_results(STUDIED)))
