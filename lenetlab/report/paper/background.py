"""What the paper says of the study besides its results: methods, machines, failures."""

from lenetlab.errors import letters
from lenetlab.records.cells import Results, RunRow
from lenetlab.records.finished import ended
from lenetlab.report.attachments import Attachments
from lenetlab.report.paper.markdown import Markdown, code, escape, table
from lenetlab.report.paper.numbers import Numbers

REASON = 110  # characters of a reason that a table shows


def method_rows(results: Results, attachments: Attachments) -> list[list[object]]:
    """A family and its methods with a run, in the order of the study: each as people call it, and
    its name where that is another."""
    families: dict[str, dict[str, Markdown]] = {}
    for cell in results.begun():
        method = cell.place.method
        family = cell.place.family or _family(method, attachments)
        families.setdefault(family.replace("_", " "), {})[method] = _called(method, attachments)
    return [[family, Markdown(", ".join(of.values()))] for family, of in families.items()]


def _called(method: str, attachments: Attachments) -> Markdown:
    title = attachments.methods.get(method, {}).get("title", "")
    if not title or letters(title) == letters(method):
        return code(method, 40)
    return Markdown(f"{escape(title)} ({code(method, 40)})")


def _family(method: str, attachments: Attachments) -> str:
    """Single runs do not record it."""
    return attachments.methods.get(method, {}).get("family", "")


def wrapped(results: Results) -> str:
    """What a name with a plus in it means, where there is one."""
    if not any("+" in cell.place.method for cell in results.begun()):
        return ""
    return " A name like `ema+sgd` is a method inside wrappers, the outer first."


def waiting(results: Results) -> Markdown:
    """The methods that were planned and have no run; empty where all have one."""
    begun = {cell.place.method for cell in results.begun()}
    names = dict.fromkeys(cell.place.method for cell in results.cells) if begun else {}
    left = [code(name) for name in names if name not in begun]
    return Markdown(f"Planned, without a run yet: {', '.join(left)}." if left else "")


def failures(results: Results, figure: Numbers, most: int | None) -> Markdown:
    """Who has no result, or not all, and why, in at most `most` lines; empty where nothing failed.
    Single trials that failed while others of their method did not are counted in the caption."""
    if not figure.has("failed") or not figure.fact("failed").value:
        return Markdown("")
    lines: list[list[object]] = []
    single: list[str] = []
    for cell in results.cells:
        trials = [row for row in cell.trials if not row.done]
        finals = [row for row in cell.finals if not row.done]
        if finals or (trials and len(trials) == len(cell.trials)):
            lines.append(
                [code(cell.place.contest.title), code(cell.place.name, 34), str(len(trials)),
                 str(len(finals)), _reason((finals or trials)[0])]
            )  # fmt: skip
        elif trials:
            single.append(
                f"{code(cell.place.name, 34)} in {code(cell.place.contest.title)}, {len(trials)} "
                f"of {len(cell.trials)} (the first: {escape(_reason(trials[0]))})"
            )
    if not lines:
        return Markdown(
            f"{figure('failed')} of {figure('runs')} runs failed, all of them trials of methods "
            f"that other trials carried: {'; '.join(single[:most])}."
        )
    cut = f" The first {most} of {len(lines)}." if most and len(lines) > most else ""
    others = " Those not counted here are single trials." if single else ""
    caption = (
        f"Methods without a result, or not from every seed. In all, {figure('failed')} of "
        f"{figure('runs')} runs failed.{others}{cut}"
    )
    held = ">failed trials" if results.planned else ">failed held-out runs"
    return table(
        caption,
        ["leaderboard", "method", held, ">failed seeds", "reason of the first"],
        lines[:most],
    )


def _reason(row: RunRow) -> str:
    text = ended(row.status, row.reason)
    return text if len(text) <= REASON else text[: REASON - 1] + "…"
