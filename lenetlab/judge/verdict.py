"""From a path to a verdict: the rules kept, broken, or the file unreadable; and the score."""

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from lenetlab.errors import UserError, escaped, one_line
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.judge.child import Recorded, open_folder, open_net
from lenetlab.judge.claims import Claim, check, wrong_claims
from lenetlab.judge.files import Unreadable
from lenetlab.judge.folder import MARKS, is_run
from lenetlab.judge.rerun import rerun
from lenetlab.judge.rules import scenario_problems
from lenetlab.judge.scoring import Score, Scorer
from lenetlab.problem.problems import DEFAULT
from lenetlab.problem.scenarios import BOUND, find_scenario
from lenetlab.records import run_folder
from lenetlab.records.challenge import is_challenge
from lenetlab.records.recipe import RecordedRecipe

SUFFIXES = frozenset(
    ("", ".bin", ".ckpt", ".model", ".pickle", ".pkl", ".pt", ".pth", ".safetensors", ".tar",
     ".th", ".zip")
)  # fmt: skip
SCRIPTS = frozenset((".py", ".ipynb"))  # of what is judged where its code may be run
Outcome = Literal["kept", "broken", "unchecked", "unreadable"]
STATUS: Mapping[Outcome, int] = {  # and the exit status it gives
    "kept": 0, "broken": 1, "unchecked": 2, "unreadable": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What the judge found in one file or run folder.

    outcome : `kept`, `broken` (then `problems` says how), `unchecked` (it was to be trained again,
        and could not be) or `unreadable`.
    score : None where the weights are not LeNet-5's or give no finite figures.
    claims : statements of a run folder, true ones and wrong ones.
    digest, w : SHA-256 of the weights, and they themselves (44426,); empty and None where they are
        not LeNet-5's.
    """

    name: str
    scenario: str
    outcome: Outcome
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    score: Score | None = field(default=None, repr=False)
    digest: str = ""
    w: Tensor | None = field(default=None, repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "checkpoint": self.name,
            "scenario": self.scenario,
            "outcome": self.outcome,
            "problems": list(self.problems),
            "notes": list(self.notes),
            "claims": [vars(claim) for claim in self.claims],
            "score": None if self.score is None else self.score.as_json(),
        }


def judge(
    path: Path, scenario: str | None, scorer: Scorer, again: Runtime | None = None
) -> Verdict:
    """Judge one file or run folder.

    Without a `scenario` a run is judged by its recipe's, a file as `plain`. With `again`, whose
    data folder is used, a run is trained a second time; what cannot be has not passed. Never raises
    for a bad file.
    """
    try:
        found = open_folder(path) if is_run(path) else None
    except Unreadable as error:
        return _unreadable(path, scenario, error)
    return _judge(path, found, scenario, scorer, again)


def judge_run(found: Recorded, scorer: Scorer) -> Verdict:
    """Judge a run folder that is open already."""
    return _judge(found.run.path, found, None, scorer, None)


def _unreadable(path: Path, scenario: str | None, error: Unreadable) -> Verdict:
    hint = "; --script runs scripts" if path.suffix.lower() in SCRIPTS else ""
    said = (one_line(f"{error}{hint}"),)
    return Verdict(printable(path), scenario or "plain", "unreadable", said)


def _judge(
    path: Path,
    found: Recorded | None,
    scenario: str | None,
    scorer: Scorer,
    again: Runtime | None,
) -> Verdict:
    name = printable(path)
    try:
        net = open_net(path if found is None else path / run_folder.WEIGHTS)
    except Unreadable as error:
        return _unreadable(path, scenario, error)
    claims: list[Claim] = []
    if found is not None and (damage := _damage(found)):
        claims, found, again = [damage], None, None
    if found is not None and (problem := found.run.recorded.problem) != DEFAULT:
        why = f"it is a run on {one_line(problem)}; the judge knows Fashion-MNIST alone"
        return Verdict(name, scenario or found.run.recorded.scenario, "unchecked", (why,))
    trained = found.run.recorded.scenario if found else None
    scenario = scenario or trained or "plain"
    if net.w is None:
        return Verdict(name, scenario, "broken", net.problems, net.notes)
    problems, notes = scenario_problems(net.w, scenario), list(net.notes)
    if trained not in (None, scenario):
        problems.append(f"it was trained in scenario {trained}, not {scenario}")
    score = scorer.score(net.w)
    unbound = found is None and find_scenario(scenario).bound is None
    if unbound and score is not None and score.constrained <= BOUND:
        notes.append(f"it has {score.constrained:,} nonzeros in fc1 and fc2, so it would fit the "
                     "scenario sparse: judge it there by --scenario sparse")  # fmt: skip
    if score is None:
        problems.append("its class scores overflow: accuracy and loss do not exist")
    if found is not None and score is not None:
        claims, remarks = _claims(found, net.w, score, scorer)
        notes += remarks
    unchecked = []
    if again is not None and score is not None:
        same = "it is no run folder" if found is None else rerun(found, net.w, again.data)
        if isinstance(same, Claim):
            claims.append(same)
        else:
            unchecked.append(f"not trained again: {same}")
    problems += wrong_claims(claims)
    outcome = outcome_of(problems, unchecked)
    said = tuple(map(one_line, problems + unchecked))
    digest = hashlib.sha256(net.w.numpy().tobytes()).hexdigest()
    return Verdict(name, scenario, outcome, said, tuple(notes), tuple(claims), score, digest, net.w)


def outcome_of(problems: Sequence[str], unchecked: Sequence[str]) -> Outcome:
    """`broken` where there are problems, `unchecked` where something could not be trained again,
    else `kept`."""
    return "broken" if problems else "unchecked" if unchecked else "kept"


def printable(path: Path) -> str:
    """A path as text that can be printed and written anywhere, whatever bytes are in it."""
    return escaped(os.fsencode(path).decode("utf-8", "backslashreplace"))


def _damage(found: Recorded) -> Claim | None:
    """What is wrong with a recipe of which a part cannot be read; then no more of it is asked."""
    try:
        RecordedRecipe.read(found.run.recipe)
    except UserError as error:
        return Claim("the recipe is valid", str(error))
    return None


def _claims(
    found: Recorded, w: Tensor, score: Score, scorer: Scorer
) -> tuple[list[Claim], list[str]]:
    """The run's claims, and remarks on what could not be checked."""
    inner = found.run.held_out
    own = scorer.score(w, "inner") if inner else score
    if own is None:
        return [Claim("the figures exist", "class scores overflow on the held-out images")], []
    claims, remarks = check(found, own, scorer.engine), []
    if inner:
        remarks.append("trained on 50,000 images (--split inner): no result of the official split")
    if (rules := found.run.recorded.rules) != "strict":
        remarks.append(f"trained by the rules {rules}, on changed images: no result of strict ones")
    if found.run.recorded.from_outside:
        remarks.append("the recipe's method is from outside the package and was not checked")
    return claims, remarks


def submissions(paths: Sequence[Path], also: Collection[str] = ()) -> tuple[list[Path], list[Path]]:
    """What to judge: files, run folders, challenges, and everything like a checkpoint inside other
    folders, or with a suffix among `also`; and what is passed over there: files for their suffix,
    and links to folders, which may lead anywhere."""
    found: list[Path] = []
    passed: list[Path] = []
    for path in paths:
        if not os.path.isdir(path) or is_run(path) or is_challenge(path):
            found.append(path)
            continue
        before = len(found)
        for folder, below, files in os.walk(path):
            here = Path(folder)
            if MARKS & {*files, *below} or is_challenge(here):
                found.append(here)
                below.clear()
                continue
            below[:] = sorted(name for name in below if not name.startswith("."))
            passed += [here / name for name in below if (here / name).is_symlink()]
            for name in sorted(files):
                if not name.startswith("."):
                    suffix = Path(name).suffix.lower()
                    kind = found if suffix in SUFFIXES or suffix in also else passed
                    kind.append(here / name)
        if len(found) == before:
            raise UserError(
                f"{path} holds no checkpoint; expected files such as NAME.pt or NAME.safetensors, "
                f"or run folders{_links(passed)}"
            )
    return found, passed


def _links(passed: Sequence[Path]) -> str:
    n = sum(path.is_symlink() for path in passed)
    return (
        f"; {n} in it {'is a link' if n == 1 else 'are links'} to folders: name those" if n else ""
    )
