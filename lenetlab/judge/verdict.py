"""From a path to a verdict: the rules kept, broken, or the file unreadable; and the score."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from lenetlab import records
from lenetlab.errors import UserError
from lenetlab.experiments.bench import Bench
from lenetlab.judge.claims import Claim, check, read_claims
from lenetlab.judge.files import Unreadable
from lenetlab.judge.rerun import rerun
from lenetlab.judge.rules import architecture_problems, scenario_problems
from lenetlab.judge.scoring import Score, Scorer
from lenetlab.judge.weights import read_weights
from lenetlab.problem.model import flatten

SUFFIXES = frozenset(
    ("", ".bin", ".ckpt", ".model", ".pickle", ".pkl", ".pt", ".pth", ".safetensors", ".tar",
     ".th", ".zip")
)  # fmt: skip
STATUS = {"kept": 0, "broken": 1, "unreadable": 2}  # and the exit status it gives


@dataclass(frozen=True)
class Verdict:
    """What the judge found in one file or run folder.

    outcome : `kept`, `broken` (then `problems` says how) or `unreadable`.
    score : None where the weights are not LeNet-5's or give no finite figures.
    claims : statements of a run folder, true ones and wrong ones.
    """

    name: str
    scenario: str
    outcome: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    score: Score | None = field(default=None, repr=False)

    def plain(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "checkpoint": self.name,
            "scenario": self.scenario,
            "outcome": self.outcome,
            "problems": list(self.problems),
            "notes": list(self.notes),
            "claims": [vars(claim) for claim in self.claims],
            "score": None if self.score is None else self.score.plain(),
        }


def judge(path: Path, scenario: str | None, scorer: Scorer, again: Bench | None = None) -> Verdict:
    """Judge one file or run folder.

    Without a `scenario` a run is judged by its recipe's, a file as `plain`. With `again`, whose
    data folder is used, a run is trained a second time. Never raises for a bad file.
    """
    name = str(path)
    run = None
    if (path / records.RUN).is_file():
        found = read_claims(path)
        if isinstance(found, str):
            return Verdict(name, scenario or "plain", "unreadable", (found,))
        run = found
        path = path / records.WEIGHTS
    trained = str(run.identity["recipe"].get("scenario", "plain")) if run else None
    scenario = scenario or trained or "plain"
    try:
        weights = read_weights(path)
    except Unreadable as error:
        return Verdict(name, scenario, "unreadable", (str(error),))
    problems, notes = architecture_problems(weights.named), list(weights.notes)
    if problems:
        return Verdict(name, scenario, "broken", tuple(problems), tuple(notes))
    w = flatten(weights.named)
    problems = scenario_problems(w, scenario)
    if trained not in (None, scenario):
        problems.append(f"it was trained in scenario {trained}, not {scenario}")
    score = scorer.score(w)
    if score is None:
        problems.append("its class scores overflow: accuracy and loss do not exist")
    claims: list[Claim] = []
    if run is not None and score is not None:
        claims, remarks = _claims(run, w, score, scorer, again)
        problems += [f"not true that {c.what}: {c.wrong}" for c in claims if c.wrong]
        notes += remarks
    outcome = "broken" if problems else "kept"
    return Verdict(name, scenario, outcome, tuple(problems), tuple(notes), tuple(claims), score)


def _claims(
    run: records.Run, w: Tensor, score: Score, scorer: Scorer, again: Bench | None
) -> tuple[list[Claim], list[str]]:
    """The run's claims, and remarks on what could not be checked."""
    inner = run.identity["recipe"].get("split") == "inner"
    own = scorer.score(w, "inner") if inner else score
    if own is None:
        return [Claim("the figures exist", "class scores overflow on the held-out images")], []
    claims, remarks = check(run, own, scorer.engine), []
    if inner:
        remarks.append("trained on 50,000 images (--split inner): no result of the official split")
    if again is not None:
        claim, remark = rerun(run, w, again.data)
        claims += [claim] if claim else []
        remarks += [remark] if remark else []
    return claims, remarks


def submissions(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """What to judge: files, run folders, and everything like a checkpoint inside other folders;
    and the files in those folders that are passed over for their suffix."""
    found: list[Path] = []
    passed: list[Path] = []
    for path in paths:
        if not path.is_dir() or (path / records.RUN).is_file():
            found.append(path)
            continue
        before = len(found)
        for folder, below, files in os.walk(path):
            here = Path(folder)
            if records.RUN in files:
                found.append(here)
                below.clear()
                continue
            below[:] = sorted(name for name in below if not name.startswith("."))
            for name in sorted(files):
                if not name.startswith("."):
                    kind = found if Path(name).suffix.lower() in SUFFIXES else passed
                    kind.append(here / name)
        if len(found) == before:
            raise UserError(
                f"{path} holds no checkpoint; expected files such as NAME.pt or NAME.safetensors, "
                "or run folders"
            )
    return found, passed
