"""A challenge's answer in words: what the terminal prints, and a challenge's folder keeps."""

from collections.abc import Iterator, Mapping, Sequence

from lenetlab.analysis.challenge import Answer, Arrival, Challenge, Effect, Middle, Resident
from lenetlab.analysis.intervals import Summary
from lenetlab.analysis.targets import TARGETS
from lenetlab.plural import count
from lenetlab.records.test_set import Looks
from lenetlab.report import formats
from lenetlab.report.metrics import half

WIDTH = 19  # of what a line is about
ANSWERS: dict[Answer, str] = {
    "better": "better than",
    "tied": "tied with",
    "borderline": "borderline to",
    "worse": "worse than",
    "not compared": "not compared with",
}


def sentence(found: Challenge) -> str:
    """Better than the leader or not, by how much, how surely."""
    name = f"{found.guest.name} in {found.scenario}"
    if found.accuracy is None:
        return f"{name}: not tested: {found.untested or 'all seeds differ by the same amount'}"
    how = "paired by seed" if found.paired else "Welch’s test, the numerics differ"
    said = {"better": "better than", "worse": "worse than"}.get(
        found.verdict, "no difference found to"
    )
    return (
        f"{name}: {said} {found.leader.name}, the study’s leader: "
        f"{effect(found.accuracy, formats.points, ' points of accuracy')}, {how}"
    )


def lines(
    found: Challenge, looks: Looks, alone: Mapping[str, float | None], remarks: Sequence[str] = ()
) -> Iterator[str]:
    """All of it. `looks` : how often the guest was taken to the test set. `alone` : seconds of a
    run by itself, by name. `remarks` : in what the terms were not the study's."""
    yield sentence(found)
    for remark in remarks:
        yield _line("note", remark)
    guest, leader = found.guest, found.leader
    if guest.accuracy is not None:
        yield _line("test accuracy", _both(found, guest.accuracy, leader.accuracy, 2, " %"))
    if guest.loss is not None:
        yield _line("mean test loss", _both(found, guest.loss, leader.loss, 4, ""))
    if found.loss is not None:
        yield _line("  difference", effect(found.loss, formats.signed_four))
    if guest.held_out is not None:
        yield _line("held-out images", f"{guest.held_out:.2f} %{_leads(found)}")
    for failure in found.failures:
        yield _line("failed", failure)
    yield from _residents(found)
    yield from _targets(found)
    yield from _price(found, alone)
    yield _line("test set", _looks(looks))
    yield _line("record", _record(found))
    if guest.words is not None:
        yield _line("recipe", guest.words)


def effect(found: Effect, write: formats.Write, unit: str = "") -> str:
    """`+0.12, 95 % interval −0.03 … +0.27 (n = 10, p = 0.1)`."""
    return (f"{write(found.mean)}{unit}, 95 % interval {write(found.low)} … {write(found.high)} "
            f"(n = {found.n}, p = {found.p:.2g})")  # fmt: skip


def _line(what: str, said: str) -> str:
    return f"  {what:{WIDTH}}{said}"


def _both(found: Challenge, guest: Summary, leader: Summary | None, digits: int, unit: str) -> str:
    other = "" if leader is None else f"; {found.leader.name} {_mean(leader, digits)}{unit}"
    return f"{_mean(guest, digits)}{unit}{other}"


def _mean(of: Summary, digits: int) -> str:
    width = half(of)
    return f"{of.mean:.{digits}f}" + ("" if width is None else f" ± {width:.{digits}f}")


def _leads(found: Challenge) -> str:
    """Whether held-out images prefer it to the leader; nothing where the searches differ."""
    if found.leads is None or found.leader.held_out is None:
        return ""
    would = "would lead" if found.leads else "would not lead"
    return f"; {found.leader.name} {found.leader.held_out:.2f} %: it {would}"


def _residents(found: Challenge) -> Iterator[str]:
    """Every method of the leaderboard by what came of it, the nearest first."""
    if len(found.residents) < 2:
        return
    counts = ((answer, len(found.answered(answer))) for answer in ANSWERS)
    said = [f"{ANSWERS[answer]} {n}" for answer, n in counts if n]
    yield _line("residents", f"{', '.join(said)}, corrected for all by Holm’s rule")
    for answer in ANSWERS:
        for one in sorted(found.answered(answer), key=_nearness):
            yield f"    {answer:12} {one.name:{_widest(found)}}  {_resident(one)}"


def _widest(found: Challenge) -> int:
    return max(len(one.name) for one in found.residents)


def _nearness(one: Resident) -> float:
    return 0.0 if one.effect is None else abs(one.effect.mean)


def _resident(one: Resident) -> str:
    if one.effect is None:
        return one.reason or ""
    d = one.effect
    return (f"{formats.points(d.mean)}  {formats.points(d.low)} … {formats.points(d.high)}  "
            f"p {d.p:.2g}")  # fmt: skip


def _targets(found: Challenge) -> Iterator[str]:
    for there in found.reached:
        guest, leader = there.guest, there.leader
        if not guest.runs:
            continue
        said = f"reached by {_share(guest)}"
        if guest.passes.median is not None:
            said += f"; median {middle(guest.passes)} passes, {middle(guest.cpu_seconds)} CPU s"
        if leader.runs and leader.passes.median is not None:
            said += f"; {found.leader.name} {middle(leader.passes)} passes, "
            said += f"{middle(leader.cpu_seconds)} CPU s"
        elif leader.runs:
            said += f"; {found.leader.name} by {_share(leader)}"
        yield _line(f"to {there.target.accuracy:g} %", said)
    if found.reached and found.reached[0].guest.runs < FEWEST:
        yield _line("", f"(an interval of a median needs {FEWEST} seeds)")


FEWEST = 6  # values of which a median has an interval of 95 %


def _share(of: Arrival) -> str:
    return f"{of.reached} of {count(of.runs, 'seed')}"


def middle(of: Middle) -> str:
    """A median and its interval: `3.25 (2.75 … 3.5)`."""
    assert of.median is not None
    if of.low is None:
        return formats.amount(of.median)
    high = "never" if of.high is None else formats.amount(of.high)
    return f"{formats.amount(of.median)} ({formats.amount(of.low)} … {high})"


def _price(found: Challenge, alone: Mapping[str, float | None]) -> Iterator[str]:
    for what, cost in (("tuning", found.guest.tuning), ("finals", found.guest.finals)):
        if cost is not None and cost.passes is not None and cost.cpu_seconds is not None:
            passes, cpu = map(formats.amount, (cost.passes, cost.cpu_seconds))
            said = f"{count(cost.runs, 'run')}, {passes} passes, {cpu} CPU s"
            yield _line(f"price of {what}", said)
    known = [f"{name} {seconds:.1f} s" for name, seconds in alone.items() if seconds is not None]
    if known:
        yield _line("a run by itself", f"{', '.join(known)}, timed here")


def _looks(looks: Looks) -> str:
    times = "once" if looks.same == 1 else f"{looks.same} times"
    if looks.named == looks.same:
        return f"taken there {times} in this scenario by challenges, as recorded in this folder"
    return (
        f"taken there {times} in this scenario by challenges; under this name {looks.named} times, "
        f"in {count(looks.versions, 'version')}: what was changed in between saw test results"
    )


def _record(found: Challenge) -> str:
    beaten = [(t, r) for t, r in zip(TARGETS, found.records, strict=False) if r.beaten]
    if beaten:
        target, verdict = beaten[-1]
        return f"beats {target.accuracy:g} %, {target.whose} ({verdict.reason})"
    return f"none: {found.records[0].reason}" if found.records else "none"
