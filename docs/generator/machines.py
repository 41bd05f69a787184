"""The table of docs/why_machines_differ.md, from what benchmarks/why_machines_differ.py measured.

    python docs/generator/machines.py      writes it between the marks

A test holds the table to the results.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import marks
from markdown_table import markdown_table

from lenetlab.report.formats import points

ROOT = Path(__file__).parents[2]
PAGE, RESULTS = ROOT / "docs" / "why_machines_differ.md", ROOT / "results" / "machines.json"
HEADS = ("what differs", ">epochs", ">runs", ">standard deviation, points", ">range, points")
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
    measured = _table(found, found["epochs"], found["short"])
    said = (
        f"With seed 42 and nothing changed the accuracy is {found['baseline']:.2f} %, with other "
        f"seeds {found['spread']['seed']['mean']:.2f} % on average. The range is "
        "around the mean of the runs\nin the first four lines, and in the others that of the "
        "differences seed for seed. 0.01 points are one\ntest image."
    )
    return f"{measured}\n\n{said}\n{_larger(found)}"


def _larger(found: Mapping[str, Any]) -> str:
    """The same for a larger rate, where it was measured."""
    if "larger" not in found:
        return ""
    larger = found["larger"]
    mean = larger["spread"]["seed"]["mean"]
    said = (
        f"The same with a learning rate of {larger['rate']:g}, which ends at {mean:.2f} % on "
        "average over seeds:"
    )
    return f"\n{said}\n\n{_table(larger, found['epochs'], found['epochs'])}\n"


def _table(found: Mapping[str, Any], epochs: float, short: float) -> str:
    """The table of one recipe; what PyTorch computed took `short` epochs."""
    rows = []
    for name, one in found["spread"].items():
        # around the mean of the same runs: how far two of them lie apart
        apart = {key: one[key] - one["mean"] for key in ("least", "most")}
        rows.append(_row(name, epochs, one | apart))
    for name, one in found["pairs"].items():
        rows.append(_row(name, epochs if name == "instruction set" else short, one))
    return markdown_table(HEADS, rows)


def _row(name: str, epochs: float, one: Mapping[str, Any]) -> list[str]:
    ends = f"{points(one['least'])} to {points(one['most'])}"
    return [CHANGED[name], f"{epochs:g}", str(one["n"]), f"{one['sd']:.2f}", ends]


if __name__ == "__main__":
    marks.write(PAGE, {"machines": table()})
