"""Why two machines get different baselines."""

from collections.abc import Mapping
from typing import Any

from findings.finding import Finding, missing, table
from findings.sources import Sources
from lenetlab.report.formats import points, two

KEY = "machines"
COMMAND = "python benchmarks/why_machines_differ.py"
PAGE = "why_machines_differ.md"


def finding(sources: Sources, page: str = PAGE) -> Finding:
    """How much of the baseline's spread one bit explains; `page`, where there is one, has more."""
    more = [f"More: [why machines differ]({page})."] if page else []
    found = sources.machines
    if found is None or not {"seed", "one bit"} <= found.get("spread", {}).keys():
        return missing(KEY, "Why two machines get different baselines", COMMAND, more)
    seed, bit = found["spread"]["seed"], found["spread"]["one bit"]
    text = [
        f"The starter’s recipe ends at {two(found['baseline'])} % with seed 42. With other seeds "
        f"it ends at {two(seed['mean'])} % on average, from {two(seed['least'])} to "
        f"{two(seed['most'])} (n = {seed['n']}, standard deviation {two(seed['sd'])}). With seed "
        f"42 and one weight changed by its last bit it ends from {two(bit['least'])} to "
        f"{two(bit['most'])} (n = {bit['n']}, standard deviation {two(bit['sd'])}).",
        *_larger(found),
        *more,
    ]
    return Finding(KEY, _title(seed, bit), text, tables=(_table(found),), shown_by=(COMMAND,))


def _title(seed: Mapping[str, float], bit: Mapping[str, float]) -> str:
    if bit["most"] == bit["least"]:
        return (f"One bit changes nothing in the baseline, and another seed moves it by "
                f"{two(seed['sd'])} points")  # fmt: skip
    share = bit["sd"] / seed["sd"] if seed["sd"] else 0.0
    return (f"One bit of one weight moves the baseline by {two(bit['sd'])} points, "
            f"{share:.0%} of what a seed does".replace("%", " %"))  # fmt: skip


def _larger(found: Mapping[str, Any]) -> list[str]:
    """What a larger rate makes of the same differences, where it was measured."""
    if "larger" not in found:
        return []
    larger = found["larger"]
    seed, bit = larger["spread"]["seed"], larger["spread"]["one bit"]
    other = larger["pairs"]["instruction set"]
    return [
        f"With a learning rate of {larger['rate']:g} it ends at {two(seed['mean'])} % on average "
        f"(n = {seed['n']}, standard deviation over seeds {two(seed['sd'])}); one bit moves that "
        f"by {two(bit['sd'])} points (n = {bit['n']}), another instruction set by "
        f"{two(other['sd'])} (n = {other['n']} pairs)."
    ]


def _table(found: Mapping[str, Any]) -> str:
    rows = [[name, two(one["mean"]), two(one["sd"]), f"{two(one['least'])} to {two(one['most'])}",
             str(one["n"])] for name, one in found["spread"].items()]  # fmt: skip
    rows += [[f"{name}, difference", points(one["mean"]), two(one["sd"]),
              f"{points(one['least'])} to {points(one['most'])}", str(one["n"])]
             for name, one in found.get("pairs", {}).items()]  # fmt: skip
    return table(["what is changed", "mean", "sd", "least to most", "n"], rows)
