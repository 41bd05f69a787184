"""A script that was handed in, run as it is: the net that it leaves is judged, beside what it
printed.

Nothing else of the judge runs anybody's code. This does, with all the rights of who asks for it.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lenetlab.errors import UserError, one_line
from lenetlab.experiments.starter.recipe import TestLine
from lenetlab.experiments.starter.scripts.lines import parse_test_lines
from lenetlab.experiments.starter.scripts.recipe import Described, describe
from lenetlab.experiments.starter.scripts.run import Ran, run_script
from lenetlab.experiments.starter.scripts.source import read_source
from lenetlab.judge.scoring import Score, Scorer
from lenetlab.judge.verdict import SCRIPTS, Verdict, judge, printable

ROUNDING = 3  # images that another engine may call otherwise


def is_script(path: Path) -> bool:
    """Whether it is named like one."""
    return path.suffix.lower() in SCRIPTS


def judge_script(
    path: Path,
    scenario: str | None,
    scorer: Scorer,
    data: Path | None = None,
    limit: float | None = None,
) -> Verdict:
    """Run a script or notebook, for at most `limit` seconds, and judge the net that its longest
    training left. Without a `scenario` it is that of its recipe, if it has one. Never raises for a
    bad script."""
    name = printable(path)
    try:
        ran = run_script(read_source(path), data, None, lambda line: None, limit)
    except UserError as error:
        said = str(error).removeprefix(f"--script {path} ")
        return Verdict(name, scenario or "plain", "unreadable", (one_line(said),))
    described = describe(ran.record)
    found = longest(ran, described)
    if scenario is None and found is not None and found.recipe is not None:
        scenario = found.recipe.scenario
    if not any(it.net is not None and it.net.starter for it in ran.record.trained):
        problem = (
            "its script trains no net that computes what LeNet-5 computes" if ran.record.trained
            else "its script trains nothing by an optimizer of PyTorch's, or ends unseen"
        )  # fmt: skip
        return Verdict(name, scenario or "plain", "broken", (problem,), tuple(_recipe(found)))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "net.pt"
        file.write_bytes(ran.net)
        verdict = judge(file, scenario, scorer)
    notes = [
        *verdict.notes,
        *_recipe(found),
        *others(ran, described),
        *_printed(parse_test_lines(ran.output), verdict.score),
    ]
    return replace(verdict, name=name, notes=tuple(map(one_line, notes)))


def longest(ran: Ran, described: Sequence[Described]) -> Described | None:
    """The training of most steps, the last of equals, whose net it is."""
    pairs = list(zip(ran.record.trained, described, strict=True))
    return max(reversed(pairs), key=lambda pair: pair[0].steps)[1] if pairs else None


def others(ran: Ran, described: Sequence[Described]) -> Iterator[str]:
    """That there are other trainings: before it, after it, or of nets that were compared."""
    found = longest(ran, described)
    rest = [f"{it.name} of {it.steps:,} steps"
            for it, one in zip(ran.record.trained, described, strict=True)
            if one is not found]  # fmt: skip
    if rest:
        listed = ", ".join(rest[:3]) + (f" and {len(rest) - 3} more" if len(rest) > 3 else "")
        yield (
            f"its script trains more than once: judged and described is the training of most "
            f"steps, the last of equals, not {listed}, which may be of the same net"
        )


def _recipe(found: Described | None) -> Iterator[str]:
    if found is None:
        return
    yield f"its script: {'; '.join(found.words)}"
    if found.recipe is not None:
        nearest = "the nearest recipe" if found.others else "as a recipe"
        yield f"{nearest}: {found.recipe.recorded().command(found.seed)}"
    yield from (f"but {other}" for other in found.others)


def _printed(lines: Sequence[TestLine], score: Score | None) -> Iterator[str]:
    if not lines:
        yield "it printed no line with an average loss and a count out of 10,000 test images"
    elif score is not None and abs(lines[-1].correct - score.evaluation.correct) > ROUNDING:
        yield (
            f"it last printed {lines[-1].correct / 100:.2f} %, which is not of the net it left: "
            "look where it measures"
        )
