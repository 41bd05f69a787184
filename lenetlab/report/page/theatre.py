"""Runs that walk on a plane of weights as far as a slider says: what theatre.js draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lenetlab.phrases import count
from lenetlab.report.page.html import TEMPLATES

_WHERE = {  # what plane it is, and where runs begin and end
    "start": "The plane through the common initial weights{} and both final ones{}",
    "ends": "The plane through the three final weights{1}; runs begin at the initial ones{0}",
    "principal": "The plane nearest to all points, from the initial weights{} to the final ones{}",
}


@dataclass(frozen=True)
class Theatre:
    """What plane.json holds, and its runs' names and colours."""

    found: Mapping[str, Any]
    names: Sequence[str]
    colours: Sequence[str]

    @property
    def plane(self) -> dict[str, Any]:
        """What the script draws."""
        runs = [{key: run[key] for key in ("passes", "x", "y", "loss")}
                for run in self.found["runs"]]  # fmt: skip
        ground = {key: self.found[key] for key in ("x", "y", "loss")}
        return {**ground, "runs": runs, "colours": list(self.colours)}

    @property
    def about(self) -> str:
        """What is seen, for those who see nothing else of it."""
        runs = self.found["runs"]
        seeds = sorted({run["seed"] for run in runs})
        seed = f" with seed {seeds[0]}" if len(seeds) == 1 else ""
        trained = f"{count(len(runs), 'training')}{seed}, as far on their way as the slider says"
        return f"{trained}. {where(self.found)}. Shades are {ground(self.found)}"


def script() -> str:
    """The theatre's own."""
    return (TEMPLATES / "theatre.js").read_text(encoding="utf-8")


def where(found: Mapping[str, Any], begin: str = "", end: str = "") -> str:
    """Which plane it is, in words without a full stop; `begin` and `end` say how those are
    marked."""
    said = _WHERE[found["kind"]].format(begin and f" ({begin})", end and f" ({end})")
    if found["share"] is not None:
        said += f"; {100 * found['share']:.0f} % of their variance lies in it"
    return said


def ground(found: Mapping[str, Any]) -> str:
    """What shades mean, and points that are off the plane."""
    return (
        f"the loss on the first {found['examples']:,} training images. Points that lie off the "
        "plane are drawn where they are nearest to it, and have other losses than the ground there."
    )
