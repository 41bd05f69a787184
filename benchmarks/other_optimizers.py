"""Optimizers of other people, tried: which of them train, what the others need, and whether those
that are among our methods too do the same.

    python benchmarks/other_optimizers.py [--out runs/other_optimizers]

Every class of PyTorch, of the packages pytorch_optimizer, schedulefree and prodigyopt, and of the
files in benchmarks/guests, by its own defaults; and pairs of a method here and its twin there. The
net sees 50,000 training images and is measured on the other 10,000. Writes docs/outside.md; what is
done is not done again.
"""

import argparse
import ast
import importlib
import statistics
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lenetlab.openmp import wait_briefly

wait_briefly()

PASSES, TWIN_PASSES, SEEDS, STEPS = 0.3, 0.5, 4, 30
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "outside.md"
FILES = "benchmarks/guests"
PACKAGES = {"torch": "torch.optim", "schedulefree": "schedulefree", "prodigyopt": "prodigyopt",
            "pytorch_optimizer": "pytorch_optimizer"}  # fmt: skip


@dataclass(frozen=True)
class Twin:
    """A method of ours and the same of somebody else's, with settings that make them equal.

    why : what is known to differ between the two; empty where the formulas are the same.
    """

    ours: str
    theirs: str
    given: Mapping[str, Any] = field(default_factory=dict)  # to ours
    settings: Mapping[str, Any] = field(default_factory=dict)  # to theirs
    why: str = ""


L2 = {"scenario": "l2", "weight_decay": 0.1}
TWINS = (
    Twin("heavy_ball", "torch.optim:SGD", {}, {"lr": 0.04, "momentum": 0.9}),
    Twin("adam", "pytorch_optimizer:Adam", {}, {"lr": 0.002}),
    Twin("adamw", "torch.optim:AdamW", L2, {"lr": 0.002, **L2}),
    Twin("nadam", "pytorch_optimizer:NAdam", {}, {"lr": 0.004}),
    Twin("radam", "pytorch_optimizer:RAdam", {}, {"lr": 0.006},
         "its first steps: it rests where ours is SGD with momentum"),
    Twin("adan", "pytorch_optimizer:Adan", {}, {"lr": 0.006}),
    Twin("lion", "pytorch_optimizer:Lion", L2, {"lr": 5e-4, **L2}),
    Twin("ademamix", "pytorch_optimizer:AdEMAMix", {"T": 0.0},
         {"lr": 0.001, "betas": (0.9, 0.999, 0.999)}),
    Twin("adafactor", f"{FILES}/adapted.py:Adafactor"),
    Twin("prodigy", "prodigyopt:Prodigy", {"d_coef": 1.0}, {}),
    Twin("schedule_free_sgd", "schedulefree:SGDScheduleFree"),
    Twin("schedule_free_adamw", "schedulefree:AdamWScheduleFree", {}, {"lr": 0.007}),
    Twin("sam+sgd", f"{FILES}/adapted.py:SAM", {"lr": 0.1}, {}),
    Twin("lookahead+sgd", f"{FILES}/adapted.py:Lookahead", {"lr": 0.05}, {},
         "its fast weights are judged, our slow ones"),
    Twin("cautious+lion", f"{FILES}/c_lion.py:CLion", {}, {},
         "the mean of the mask is bounded otherwise"),
    Twin("soap", "pytorch_optimizer:SOAP", {}, {"lr": 0.004, "betas": (0.9, 0.95)},
         "no first step; four bases for a convolution, none for a side above 10,000"),
    Twin("muon", f"{FILES}/adapted.py:Muon", {}, {},
         "biases by AdamW; Newton-Schulz in bfloat16"),
)  # fmt: skip


def classes() -> Iterator[tuple[str, str]]:
    """Every optimizer as its package or file and its name for `lenetlab run`."""
    from lenetlab.methods.guests.load import is_optimizer

    for module in PACKAGES.values():
        for name, value in sorted(vars(importlib.import_module(module)).items()):
            if is_optimizer(value):
                yield module, f"{module}:{name}"
    for path in sorted((ROOT / FILES).glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                yield FILES, f"{FILES}/{path.name}:{node.name}"


def tried(spec: str, runtime: Any) -> dict[str, Any]:
    """What became of a class: accuracy in %, or why there is none."""
    import torch

    from lenetlab import run
    from lenetlab.errors import UserError

    try:
        torch.manual_seed(0)
        found = run(spec, runtime=runtime, passes=PASSES, split="inner", eval_at=[])
    except UserError as error:
        return {"status": "refused", "why": str(error)}
    if found.status != "done":
        return {"status": found.status, "why": str(found.result.reason)}
    return {"status": "done", "accuracy": found.summary()["accuracy"]}


def apart(twin: Twin) -> float:
    """How far the weights are from each other after some steps, as a share of the way ours went."""
    import torch

    from lenetlab.experiments.recipe.recipe import recipe_from
    from lenetlab.experiments.run.in_memory import prepare
    from lenetlab.experiments.run.runtime import Runtime

    runtime = Runtime(engine="torch", threads=1)
    two = [
        prepare(recipe_from(method, {**given, "split": "inner"}), 0, runtime).training()
        for method, given in ((twin.ours, twin.given), (twin.theirs, twin.settings))
    ]
    start = two[0].weights.w.clone()
    for training in two:
        torch.manual_seed(0)
        for _ in range(STEPS):
            training.step()
    ours, theirs = (training.weights.w for training in two)
    return float((ours - theirs).norm() / (ours - start).norm())


def compared(twin: Twin, runtime: Any, seeds: int = SEEDS) -> dict[str, Any]:
    """Held-out accuracies of both by seed, in %, and how far the weights are apart."""
    from lenetlab import sweep

    shared = {"seeds": seeds, "runtime": runtime, "passes": TWIN_PASSES, "split": "inner"}
    ours, theirs = (
        [found.summary()["accuracy"] for _, found in sweep(method, **given, **shared)]
        for method, given in ((twin.ours, twin.given), (twin.theirs, twin.settings))
    )
    return {"ours": ours, "theirs": theirs, "apart": apart(twin)}


def within_noise(ours: list[float], theirs: list[float]) -> tuple[float, float]:
    """The difference of the means, and what seeds alone make of it: twice its standard error, from
    the pooled spread over the seeds of both."""
    spread = ((statistics.variance(ours) + statistics.variance(theirs)) / 2) ** 0.5
    difference = statistics.mean(theirs) - statistics.mean(ours)
    return difference, 2 * spread * (2 / len(ours)) ** 0.5


HEAD = """# Optimizers of other people

What a class can say of itself, and how it is driven: [A class of somebody else's](guests.md). Here
is what became of every class of PyTorch {torch}, pytorch_optimizer {pytorch_optimizer},
schedulefree {schedulefree} and prodigyopt {prodigyopt}, unchanged, and of the files in
`{files}`, three of them written down from papers: `lenetlab run pytorch_optimizer:NAME`.

`python benchmarks/other_optimizers.py` makes this page.

## Those that train

Held-out accuracy in % after {passes} effective passes ({steps} steps of 64 images), one seed, by
the class's own defaults, with `weight_decay` zero. It says that a class runs, not how well it
trains: many defaults are meant for other nets, and nothing is tuned here. Those with `train()` and
`eval()` are measured at their evaluation weights.
"""

REFUSED = """
## Those that do not

A sentence says what is missing, or what happened. `{files}/adapted.py` has classes of a few lines
that give it to some of them; these are in the table above.

| class | what is said |
| --- | --- |
"""

TWIN_HEAD = """
## The same methods, here and there

Where a method is among ours as well, both are given the same settings, initial weights and batches.
`apart` is how far the weights are from each other after {steps} steps, as a share of the way that
they went. Then the held-out accuracy in % after {passes} effective passes, means over {seeds}
seeds, and the difference beside twice its standard error, by the spread over seeds of both.

| ours | theirs | apart | ours, % | theirs, % | difference | seeds make | known to differ |
| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |
"""


def page(
    found: Mapping[str, Mapping[str, Any]], twins: Sequence[tuple[Twin, Mapping[str, Any]]]
) -> str:
    """The page in Markdown."""
    versions = {package: version(package).split("+")[0] for package in PACKAGES}
    lines = [HEAD.format(**versions, files=FILES, passes=PASSES,
                         steps=-(-int(PASSES * 60_000) // 64))]  # fmt: skip
    done = {spec: entry for spec, entry in found.items() if entry["status"] == "done"}
    for package in (*PACKAGES.values(), FILES):
        mine = [spec for spec in done if spec.startswith(package)]
        lines += [f"### {package}: {len(mine)}", "", "| class | % | class | % | class | % |",
                  "| --- | ---: | --- | ---: | --- | ---: |"]  # fmt: skip
        cells = [
            f"`{spec.removeprefix(package)[1:]}` | {done[spec]['accuracy']:.1f}" for spec in mine
        ]
        cells += [" | "] * (-len(cells) % 3)
        lines += [f"| {' | '.join(cells[k : k + 3])} |" for k in range(0, len(cells), 3)]
        lines.append("")
    failed = {spec: entry for spec, entry in found.items() if entry["status"] != "done"}
    text = "\n".join(lines) + REFUSED.format(files=FILES)
    for spec, entry in failed.items():
        word = "" if entry["status"] in ("refused", "error") else f"{entry['status']}: "
        why = (
            entry["why"].replace("|", "/").removeprefix(f"method {spec} refuses its own defaults: ")
        )
        text += f"| `{spec}` | {word}{why.replace(f'{spec} needs', 'it needs')} |\n"
    text += TWIN_HEAD.format(passes=TWIN_PASSES, seeds=SEEDS, steps=STEPS)
    for twin, entry in twins:
        difference, noise = within_noise(entry["ours"], entry["theirs"])
        ours, theirs = statistics.mean(entry["ours"]), statistics.mean(entry["theirs"])
        apart = f"{entry['apart']:.0e}" if entry["apart"] else "same bits"
        text += (
            f"| {twin.ours} | `{twin.theirs}` | {apart} | {ours:.2f} | {theirs:.2f} "
            f"| {difference:+.2f} | ±{noise:.2f} | {twin.why} |\n"
        )
    return text


def main() -> None:
    """Try all, write the page."""
    from lenetlab import Runtime

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/other_optimizers"))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # theirs
    runtime = Runtime(out=arguments.out, threads=1)
    found = {}
    for _, spec in classes():
        found[spec] = tried(spec, runtime)
        print(spec, found[spec], flush=True)
    twins = []
    for twin in TWINS:
        twins.append((twin, compared(twin, runtime)))
        print(twin.ours, twin.theirs, twins[-1][1], flush=True)
    PAGE.write_text(page(found, twins))


if __name__ == "__main__":
    main()
