"""What a command that reads results was pointed at, and the results there."""

from pathlib import Path
from typing import TYPE_CHECKING

from lenetlab.errors import UserError

if TYPE_CHECKING:
    from lenetlab.results import Results

WORK = Path("runs/studies")  # where `lenetlab study` works unless told otherwise
RESULTS = "results"  # in a study's working folder


def results_at(target: Path) -> "tuple[Path, Results]":
    """The folder of the results that `target` stands for, and the results.

    A study file stands for what `lenetlab study` made of it in this folder; a study's working
    folder for the results in it; a folder of `lenetlab run` runs for a study of them, untuned.
    """
    from lenetlab.records import RESULT
    from lenetlab.results import STUDY, from_runs, read_results

    folder = WORK / target.stem / RESULTS if target.suffix == ".toml" else target
    for place in (folder, folder / RESULTS):
        if (place / STUDY).exists():
            return place, read_results(place)
    if target.suffix == ".toml":
        raise UserError(
            f"no results of {target} in {folder}; run `lenetlab study {target}` here first, or "
            "name the folder that has them"
        )
    if any(target.glob(f"*/{RESULT}")):
        return target, from_runs(target)
    raise UserError(
        f"no results in {target}; expected a study file, the folder of a study, one with "
        f"{STUDY}, or the --out folder of `lenetlab run`"
    )
