"""A chart of the page, ready to stand: Vega-Lite's JSON, its picture, its numbers, and its data
apart, so that charts of the same data carry it once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from lenetlab.report.charts.render import spec
from lenetlab.report.page.still import still

HEIGHT = 300  # of a plot, in pixels
NAME = 230  # … of a method's name


@dataclass(frozen=True)
class Number:
    """A column of a chart's table: a field of its data, and digits after the point (None: text)."""

    field: str
    title: str
    digits: int | None = None
    unit: str = ""

    @property
    def classes(self) -> str:
        """As of a `Column`."""
        return "t" if self.digits is None else ""


@dataclass(frozen=True)
class Drawn:
    """A chart: Vega-Lite's JSON, one for each axis (and scenario) where the reader chooses it, and
    its numbers.

    still : the first of them as a picture, and `description` what it shows.
    follows : whether it changes with what the reader chooses above it.
    missing : what is said where there is nothing to draw.
    tall : whether it needs the height of two. legend : pixels that a name in its legend needs.
    """

    id: str
    title: str
    caption: str
    specs: Mapping[str, Any] = field(default_factory=dict)
    numbers: Sequence["Number"] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    follows: bool = False
    missing: str = ""
    still: str = ""
    description: str = ""
    tall: bool = False
    legend: int = NAME


def extract_datasets(found: Any, datasets: dict[str, Any]) -> Any:
    """The JSON `found` with its named data moved to `datasets`: charts may share data. Other data
    of a name that is taken, as of a board of some methods beside that of all, gets a number."""
    if isinstance(found, list):
        return [extract_datasets(part, datasets) for part in found]
    if not isinstance(found, dict):
        return found
    data = found.get("data")
    if isinstance(data, dict) and "name" in data and "values" in data:
        names = (data["name"] if i == 1 else f"{data['name']} ({i})" for i in count(1))
        name = next(n for n in names if datasets.setdefault(n, data["values"]) == data["values"])
        found = found | {"data": {"name": name}}
    return {key: extract_datasets(part, datasets) for key, part in found.items()}


def drawn(
    id: str,
    title: str,
    caption: str,
    charts: Mapping[str, Any],
    datasets: dict[str, Any],
    numbers: Sequence[Number] = (),
    source: str = "",
    follows: bool = False,
    tall: bool = False,
    picture: Any = None,
    height: float = HEIGHT,
    legend: int = NAME,
) -> Drawn:
    """A chart for each axis. The numbers are those of its data whose name begins with `source`.
    `picture` is the chart that is shown without scripts, where it is not the first one."""
    specs = {axis: spec(chart, "container", height) for axis, chart in charts.items()}
    first = next(iter(charts.values())) if picture is None else picture
    description = next(iter(specs.values())).get("description", title)
    extracted = extract_datasets(specs, datasets)
    data = {axis: next(n for n in _names(found) if n.startswith(source))
            for axis, found in extracted.items()}  # fmt: skip
    return Drawn(
        id, title, caption, extracted, numbers, data, follows, "", still(first, height, id),
        description, tall, legend,
    )  # fmt: skip


def _names(found: Any) -> Iterator[str]:
    """The names given to data in a chart's JSON; Altair names the rest `data-…`."""
    if isinstance(found, dict):
        data = found.get("data")
        if isinstance(data, dict) and "name" in data and not data["name"].startswith("data-"):
            yield data["name"]
        for key, part in found.items():
            if key != "data":
                yield from _names(part)
    elif isinstance(found, list):
        for part in found:
            yield from _names(part)
