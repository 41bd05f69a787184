"""A challenge's answer in words: what the terminal prints, and a challenge's folder keeps."""

from collections.abc import Iterator, Mapping, Sequence

from lenetlab.analysis.challenge import Arrival, Challenge, Effect, Middle, Resident
from lenetlab.analysis.intervals import Summary
from lenetlab.analysis.targets import TARGETS
from lenetlab.phrases import count, p_equals
from lenetlab.records.test_set_looks import Looks
from lenetlab.report import formats
from lenetlab.report.wording.standings import ANSWERS

WIDTH = 19  # of what a line is about


def sentence(challenge: Challenge) -> str:
    """Better than the leader or not, by how much, how surely."""
    name = f"{challenge.guest.name} in {challenge.scenario}"
    if challenge.accuracy is None:
        return f"{name}: not tested: {challenge.untested or 'all seeds differ by the same amount'}"
    differs = {"better": ANSWERS["better"], "worse": ANSWERS["worse"]}
    said = differs.get(challenge.verdict, "no significant difference from")
    return (
        f"{name}: {said} {challenge.leader.name}, the study’s leader: "
        f"{effect(challenge.accuracy, formats.points, ' points of accuracy')}, paired by seed"
    )


def lines(
    challenge: Challenge,
    looks: Looks,
    alone: Mapping[str, float | None],
    remarks: Sequence[str] = (),
) -> Iterator[str]:
    """All of it. `looks` : how often the guest was taken to the test set. `alone` : seconds of a
    run by itself, by name. `remarks` : in what the terms were not the study's."""
    yield sentence(challenge)
    for remark in remarks:
        yield _line("note", remark)
    guest, leader = challenge.guest, challenge.leader
    if guest.accuracy is not None:
        means = _both(challenge, guest.accuracy, leader.accuracy, formats.two, " %")
        yield _line("test accuracy", means)
    if guest.loss is not None:
        yield _line("mean test loss", _both(challenge, guest.loss, leader.loss, formats.four))
    if challenge.loss is not None:
        yield _line("  difference", effect(challenge.loss, formats.signed_four))
    if guest.held_out is not None:
        yield _line("held-out images", f"{guest.held_out:.2f} %{_leads(challenge)}")
    for failure in challenge.failures:
        yield _line("failed", failure)
    yield from _residents(challenge)
    yield from _targets(challenge)
    yield from _price(challenge, alone)
    yield _line("test set", _looks(looks))
    yield _line("record", _record(challenge))
    if guest.words is not None:
        yield _line("recipe", guest.words)


def effect(effect: Effect, write: formats.Write, unit: str = "") -> str:
    """`+0.12, 95 % interval −0.03 … +0.27 (n = 10, p = 0.1000)`."""
    return (f"{write(effect.mean)}{unit}, 95 % interval {write(effect.low)} … {write(effect.high)} "
            f"(n = {effect.n}, {p_equals(effect.p)})")  # fmt: skip


def _line(what: str, said: str) -> str:
    return f"  {what:{WIDTH}}{said}"


def _both(
    challenge: Challenge,
    guest: Summary,
    leader: Summary | None,
    write: formats.Write,
    unit: str = "",
) -> str:
    mine, theirs = (f"{formats.plus_minus(one, write)}{unit}" for one in (guest, leader))
    return mine if leader is None else f"{mine}; {challenge.leader.name} {theirs}"


def _leads(challenge: Challenge) -> str:
    """Whether held-out images prefer it to the leader; nothing where the searches differ."""
    if challenge.leads is None or challenge.leader.held_out is None:
        return ""
    would = "would lead" if challenge.leads else "would not lead"
    return f"; {challenge.leader.name} {challenge.leader.held_out:.2f} %: it {would}"


def _residents(challenge: Challenge) -> Iterator[str]:
    """Every method of the leaderboard by what came of it, the nearest first."""
    if len(challenge.residents) < 2:
        return
    counts = ((answer, len(challenge.answered(answer))) for answer in ANSWERS)
    said = [f"{ANSWERS[answer]} {n}" for answer, n in counts if n]
    yield _line("residents", f"{', '.join(said)}, corrected for all by Holm’s rule")
    for answer in ANSWERS:
        for one in sorted(challenge.answered(answer), key=_nearness):
            yield f"    {answer:12} {one.name:{_widest(challenge)}}  {_resident(one)}"


def _widest(challenge: Challenge) -> int:
    return max(len(one.name) for one in challenge.residents)


def _nearness(one: Resident) -> float:
    return 0.0 if one.effect is None else abs(one.effect.mean)


def _resident(one: Resident) -> str:
    if one.effect is None:
        return one.reason or ""
    d = one.effect
    return (f"{formats.points(d.mean)}  {formats.points(d.low)} … {formats.points(d.high)}  "
            f"{p_equals(d.p)}")  # fmt: skip


def _targets(challenge: Challenge) -> Iterator[str]:
    for there in challenge.reached:
        guest, leader = there.guest, there.leader
        if not guest.runs:
            continue
        said = f"reached by {_share(guest)}"
        if guest.passes.median is not None:
            said += f"; median {middle(guest.passes)} passes, {middle(guest.cpu_seconds)} CPU s"
        if leader.runs and leader.passes.median is not None:
            said += f"; {challenge.leader.name} {middle(leader.passes)} passes, "
            said += f"{middle(leader.cpu_seconds)} CPU s"
        elif leader.runs:
            said += f"; {challenge.leader.name} by {_share(leader)}"
        yield _line(f"to {there.target.accuracy:g} %", said)
    if challenge.reached and challenge.reached[0].guest.runs < FEWEST:
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


def _price(challenge: Challenge, alone: Mapping[str, float | None]) -> Iterator[str]:
    for what, cost in (("tuning", challenge.guest.tuning), ("finals", challenge.guest.finals)):
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


def _record(challenge: Challenge) -> str:
    beaten = [(t, r) for t, r in zip(TARGETS, challenge.records, strict=False) if r.beaten]
    if beaten:
        target, verdict = beaten[-1]
        return f"beats {target.accuracy:g} %, {target.whose} ({verdict.reason})"
    return f"none: {challenge.records[0].reason}" if challenge.records else "none"
