"""Effects in words: what is said changes with what the tests say."""

from collections.abc import Sequence

from findings.effects import Effect, Split
from lenetlab.analysis.comparison import Difference
from lenetlab.analysis.intervals import Summary
from lenetlab.phrases import in_units, joined, p_value
from lenetlab.report.formats import MISSING, plus_minus, points, two

FEW, MANY = 3, 12  # of a kind: up to which intervals, and the names of ties, are listed


def mean(found: Summary | None) -> str:
    """`90.67 ± 0.16`, half the 95 % interval; without one the mean alone."""
    return plus_minus(found, two)


def gap(found: Difference | None) -> str:
    """`+0.71 [+0.33, +1.09]`."""
    if found is None:
        return MISSING
    return f"{points(found.mean)} [{points(found.low)}, {points(found.high)}]"


def p(found: Difference | None) -> str:
    """After Holm's correction."""
    return MISSING if found is None else p_value(found.adjusted)


def tested(effect: Effect) -> list[str]:
    """Difference, p and n, for a table."""
    d = effect.difference
    return [gap(d), p(d), str(d.n if d else 0)]


def size(effects: Sequence[Effect]) -> str:
    """`0.71 points`, `0.71 to 1.12 points`: means without their sign."""
    means = sorted(abs(one.difference.mean) for one in effects if one.difference)
    least, most = two(means[0]), two(means[-1])
    return f"{least} points" if least == most else f"{least} to {most} points"


def beyond(effects: Sequence[Effect], limit: float) -> int:
    """How many are larger than `limit`."""
    return sum(abs(one.difference.mean) > limit for one in effects if one.difference)


def headline(found: Split, who: str, than: str) -> str:
    """Where `who` (`matrix methods`, say) stand to `than`, of whom some were tested."""
    n = found.tested
    if n == len(found.above):
        return f"{who} end {size(found.above)} above {than}"
    if n == len(found.below):
        return f"{who} end {size(found.below)} below {than}"
    if n == len(found.undecided):
        return f"{who} cannot be told from {than}"
    parts = []
    if found.above:
        parts.append(f"{_ends(found.above)} above {than}")
    if found.below:
        parts.append(f"{_ends(found.below)} below{'' if found.above else f' {than}'}")
    if found.undecided:
        than = "it" if parts else than
        parts.append(f"{len(found.undecided)} cannot be told from {than}")
    return f"of {n} {who}, {joined(parts)}"


def _ends(effects: Sequence[Effect]) -> str:
    return f"{len(effects)} end{'s' if len(effects) == 1 else ''}"


def listing(found: Split, than: str, brief: bool = False) -> str:
    """Who is above, below, tied and untested, each with its difference; where it is to be `brief`,
    for a table is near, without the intervals of many."""
    sentences = []
    for effects, said in ((found.above, f"above {than}"), (found.below, f"below {than}"),
                          (found.borderline, "borderline"),
                          (found.tied, f"no significant difference from {than}")):  # fmt: skip
        if effects is found.tied and len(effects) > MANY:
            sentences.append(f"{sentence(said)}: {len(effects)} others.")
        elif effects:
            many, ties = len(effects) > FEW, effects is found.tied
            each = [f"`{one.name}`{_size(one, ties, many, brief)}" for one in effects]
            sentences.append(f"{sentence(said)}: {', '.join(each)}.")
    for reason in dict.fromkeys(one.reason for one in found.untested):
        each = [f"`{one.name}`" for one in found.untested if one.reason == reason]
        sentences.append(f"Not compared ({reason}): {', '.join(each)}.")
    return " ".join(sentences)


def _size(one: Effect, tie: bool, many: bool, brief: bool) -> str:
    if one.difference is None or (tie and many):
        return ""
    return f" {points(one.difference.mean) if many and brief else gap(one.difference)}"


def dated(budget: float, title: str) -> str:
    """A claim that holds after so many passes."""
    return f"After {in_units(budget)}, {title}"


def counted(effects: Sequence[Effect]) -> str:
    """`n = 10 seeds`, `n = 8 to 10 seeds`."""
    each = sorted({one.difference.n for one in effects if one.difference})
    if not each:
        return "n = 0"
    return f"n = {each[0]} seeds" if len(each) == 1 else f"n = {each[0]} to {each[-1]} seeds"


def sentence(text: str) -> str:
    """With a capital letter."""
    return f"{text[0].upper()}{text[1:]}"
