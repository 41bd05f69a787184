"""The table of docs/why_machines_differ.md, from what benchmarks/why_machines_differ.py measured.

    python docs/generator/machines.py      writes it between the marks

A test holds the table to the results.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import marks

from lenetlab.report.formats import points

ROOT = Path(__file__).parents[2]
PAGE, RESULTS = ROOT / "docs" / "why_machines_differ.md", ROOT / "results" / "machines.json"
NONE = "It has not been measured yet.\n"
CHANGED = {
    "seed": "the seed: first weights and order of the data",
    "first weights": "the first weights alone",
    "order": "the order of the data alone",
    "one bit": "one of the 44,426 first weights, by its last bit",
    "instruction set": "the instruction set: AVX2 instead of AVX-512",
    "PyTorch": "the engine: PyTorch's kernels instead of ours",
    "threads": "threads: two instead of one, in PyTorch",
}


def table(results: Path = RESULTS) -> str:
    """A line for each thing that was changed: by how much accuracies differ, in points."""
    if not results.exists():
        return NONE
    found = json.loads(results.read_text(encoding="utf-8"))
    lines = _lines(found, found["epochs"], found["short"])
    said = (
        f"With seed 42 and nothing changed the accuracy is {found['baseline']:.2f} %, with other "
        f"seeds {found['spread']['seed']['mean']:.2f} % on average. The range is "
        "around the mean of the runs\nin the first four lines, and in the others that of the "
        "differences seed for seed. 0.01 points are one\ntest image."
    )
    return "\n".join(lines) + f"\n\n{said}\n" + _larger(found)


def _larger(found: Mapping[str, Any]) -> str:
    """The same for a larger rate, where it was measured."""
    if "larger" not in found:
        return ""
    larger = found["larger"]
    lines = _lines(larger, found["epochs"], found["epochs"])
    mean = larger["spread"]["seed"]["mean"]
    said = (
        f"The same with a learning rate of {larger['rate']:g}, which ends at {mean:.2f} % on "
        "average over seeds:"
    )
    return f"\n{said}\n\n" + "\n".join(lines) + "\n"


def _lines(found: Mapping[str, Any], epochs: float, short: float) -> list[str]:
    """The table of one recipe; what PyTorch computed took `short` epochs."""
    lines = [
        "| what differs | epochs | runs | standard deviation, points | range, points |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, one in found["spread"].items():
        # around the mean of the same runs: how far two of them lie apart
        apart = {key: one[key] - one["mean"] for key in ("least", "most")}
        lines.append(_line(name, epochs, one | apart))
    for name, one in found["pairs"].items():
        lines.append(_line(name, epochs if name == "instruction set" else short, one))
    return lines


def _line(name: str, epochs: float, one: Mapping[str, Any]) -> str:
    ends = f"{points(one['least'])} to {points(one['most'])}"
    return f"| {CHANGED[name]} | {epochs:g} | {one['n']} | {one['sd']:.2f} | {ends} |"


if __name__ == "__main__":
    marks.write(PAGE, {"machines": table()})
