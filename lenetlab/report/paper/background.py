"""What the paper says of the study besides its results: methods, machines, failures."""

from itertools import groupby

from lenetlab.report.beside import Beside
from lenetlab.report.paper.markdown import Markdown, code, table
from lenetlab.report.paper.numbers import Numbers
from lenetlab.results import Results, Row

REASON = 110  # characters of a reason that a table shows


def method_rows(results: Results, beside: Beside) -> list[list[object]]:
    """Family, method and what it does of the methods with a run, family by family in the order of
    the study; a family is named once."""
    places = dict.fromkeys((cell.place.family, cell.place.method) for cell in results.begun())
    families = list(dict.fromkeys(family for family, _ in places))
    ordered = sorted(places, key=lambda place: families.index(place[0]))
    lines: list[list[object]] = []
    for family, group in groupby(ordered, key=lambda place: place[0]):
        for i, (_, method) in enumerate(group):
            summary = beside.methods.get(method, {}).get("summary", "–")
            lines.append(["" if i else family.replace("_", " "), code(method, 40), summary])
    return lines


def waiting(results: Results) -> Markdown:
    """The methods that were planned and have no run; empty where all have one."""
    begun = {cell.place.method for cell in results.begun()}
    names = dict.fromkeys(cell.place.method for cell in results.cells) if begun else {}
    left = [code(name) for name in names if name not in begun]
    return Markdown(f"Planned, without a run yet: {', '.join(left)}." if left else "")


def devices(results: Results) -> list[str]:
    """A line for each kind of machine that computed finals, that of most runs first."""
    lines = [_device(row) for cell in results.cells for row in cell.finals]
    return sorted(dict.fromkeys(lines), key=lambda line: -lines.count(line))


def _device(row: Row) -> str:
    at, by = row.machine, row.numerics
    threads = "1 thread" if at.get("threads") == 1 else f"{at.get('threads')} threads"
    return (
        f"{at.get('processor')}, {at.get('cores')} cores, {at.get('system')}; {threads} a run; "
        f"lenetlab {at.get('lenetlab')}, Python {at.get('python')}, torch {by.get('torch')}, "
        f"engine {by.get('engine')} on {by.get('device')} ({by.get('capability')})"
    )


def failures(results: Results, figure: Numbers, most: int | None) -> Markdown:
    """Who has no result, or not all, and why, in at most `most` lines; empty where nothing failed.
    Single trials that failed while others of their method did not are counted in the caption."""
    if not figure.has("failed") or not figure.fact("failed").value:
        return Markdown("")
    lines: list[list[object]] = []
    for cell in results.cells:
        trials = [row for row in cell.trials if not row.done]
        finals = [row for row in cell.finals if not row.done]
        if finals or (trials and len(trials) == len(cell.trials)):
            lines.append(
                [code(cell.place.scenario), code(cell.place.name, 34), str(len(trials)),
                 str(len(finals)), _reason((finals or trials)[0])]
            )  # fmt: skip
    if not lines:
        return Markdown(
            f"{figure('failed')} of {figure('runs')} runs failed, all of them trials of methods "
            "that other trials carried."
        )
    cut = f" The first {most} of {len(lines)}." if most and len(lines) > most else ""
    caption = (
        f"Methods without a result, or not from every seed. In all, {figure('failed')} of "
        f"{figure('runs')} runs failed; those not counted here are single trials.{cut}"
    )
    return table(
        caption,
        ["scenario", "method", ">failed trials", ">failed seeds", "reason of the first"],
        lines[:most],
    )


def _reason(row: Row) -> str:
    text = f"{row.status}: {row.reason}" if row.reason else row.status
    return text if len(text) <= REASON else text[: REASON - 1] + "…"
