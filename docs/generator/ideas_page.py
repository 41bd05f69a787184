"""The page of what was tried on the way to the record boards, from results/ideas/.

python docs/generator/ideas_page.py docs/ideas.md
"""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, variance
from typing import Any

from markdown_table import markdown_table

from lenetlab.analysis.intervals import LEVEL, quantile_of_t
from lenetlab.report.formats import MISSING, points

ROOT = Path(__file__).parents[2]
IDEAS, RESULTS = ROOT / "studies" / "ideas", ROOT / "results" / "ideas"
HEAD = """\
# What was tried

The record boards begin with ideas: one thing changed at a time, trained on 50,000 training images
and measured once, at its end, on the 10,000 others. The test set is not looked at. What helped went
into the search space of its board in `studies/records/`; what did not stands here all the same.

Accuracies (%) are means over `n` seeds. *Change* is the difference *to* the idea of that number,
with its 95 % interval by one standard deviation for all ideas of a table. It is not corrected for
how many were tried, and the best of many looks better than it is: these are leads. Loss is held-out
too, *train* the accuracy on training images, and passes and seconds are of one run.
A dash stands where no run finished or nothing is compared. `studies/ideas/` has the recipes, and
`python benchmarks/ideas.py` runs what is new in it.
"""
HEADS = (">", "idea", ">to", ">change, points", ">%", ">n", ">loss", ">train, %", ">passes",
         ">CPU, s")  # fmt: skip
Entry = Mapping[str, Any]


def page(folder: Path = RESULTS) -> str:
    """The page of all ideas in `folder`."""
    files = sorted(folder.glob("*.json"))
    read = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}
    parts = [HEAD, *(_part(name, ideas) for name, ideas in read.items())]
    return "\n".join(parts if read else [HEAD, "There is none yet.\n"])


def deviation(groups: Iterable[Sequence[float]]) -> tuple[float, int]:
    """One standard deviation for all, from within the groups, and its degrees of freedom."""
    known = [group for group in groups if len(group) > 1]
    df = sum(len(group) - 1 for group in known)
    squares = sum((len(group) - 1) * variance(group) for group in known)
    return (math.sqrt(squares / df), df) if df else (math.nan, 0)


def _part(name: str, ideas: Sequence[Entry]) -> str:
    accuracies = {idea["name"]: _values(idea, "accuracy") for idea in ideas}
    sd, df = deviation(accuracies.values())
    runs = [run for idea in ideas for run in idea["runs"]]
    numbers = {idea["name"]: str(i) for i, idea in enumerate(ideas, 1)}
    rows = [_row(idea, numbers, accuracies, sd, df) for idea in ideas]
    said = (
        f"{len(ideas)} ideas, {len(runs)} runs, "
        f"{sum(run['passes'] or 0 for run in runs):,.0f} effective passes, "
        f"{sum(run['cpu_seconds'] or 0 for run in runs) / 60:,.0f} minutes of one core. "
        f"The standard deviation over seeds is {sd:.2f} points."
    )
    wrapped = f'<div class="prose" markdown="1">\n\n{markdown_table(HEADS, rows)}\n\n</div>'
    return f"## {name}\n\n{_purpose(name)}{said}\n\n{wrapped}\n"


def _purpose(name: str) -> str:
    """What the ideas are for: the first line of their file, a comment."""
    path = IDEAS / f"{name}.toml"
    if not path.exists():
        return ""
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") + " "


def _row(
    idea: Entry, numbers: Mapping[str, str], accuracies: Mapping[str, Sequence[float]],
    sd: float, df: int,
) -> list[str]:  # fmt: skip
    name, against = idea["name"], idea["against"] or ""
    own = accuracies[name]
    figures = [_mean(_values(idea, key), digits) for key, digits in
               (("loss", 4), ("train_accuracy", 1), ("passes", 1), ("cpu_seconds", 1))]  # fmt: skip
    return [numbers[name], f"**{name}** {_words(idea['changed'])}", numbers.get(against, ""),
            _change(own, accuracies.get(against, ()), sd, df), _mean(own, 2), str(len(own)),
            *figures]  # fmt: skip


def _change(own: Sequence[float], against: Sequence[float], sd: float, df: int) -> str:
    if not own or not against or not df:
        return MISSING
    mean = fmean(own) - fmean(against)
    half = quantile_of_t((1 + LEVEL) / 2, df) * sd * math.sqrt(1 / len(own) + 1 / len(against))
    said = f"{points(mean)} [{points(mean - half)}, {points(mean + half)}]"
    return said.replace(" ", "\N{NO-BREAK SPACE}")


def _words(changed: Mapping[str, Any]) -> str:
    return " ".join(f"`{key}={value}`" for key, value in changed.items())


def _values(idea: Entry, key: str) -> list[float]:
    return [run[key] for run in idea["runs"] if run["status"] == "done" and run[key] is not None]


def _mean(values: Sequence[float], digits: int) -> str:
    return f"{fmean(values):.{digits}f}" if values else MISSING


if __name__ == "__main__":
    to = Path(sys.argv[1])
    to.write_text(page(), encoding="utf-8")
