"""Scenarios × methods, and the frontier: accuracy against the number of nonzeros.

    python benchmarks/scenarios.py table --split inner             # settings are chosen on this
    python benchmarks/scenarios.py table --seeds 5                 # the test set, once
    python benchmarks/scenarios.py table --methods adamw,muon,soap
    python benchmarks/scenarios.py frontier --split inner --constraints magnitude,rigl,iht,units

Runs are kept in --out and found again, so a second call with more methods computes only those.
"""

import argparse
import json
import sys
from pathlib import Path

from lenetlab.openmp import wait_briefly

wait_briefly()

from lenetlab.analysis.tables import SummaryRow, tabulate
from lenetlab.experiments.jobs import jobs
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.methods.lookup import find
from lenetlab.problem.model import CONSTRAINED
from lenetlab.records.run_folder import Run

METHODS = "sgd,heavy_ball,nesterov,adamw,nadam,radam,adamax,rmsprop"
SCENARIOS = ("plain", "l2", "sparse")
CONSTRAINTS = "magnitude,l1,iht,rigl,units"
SHARES = (0.6, 0.4, 0.2, 0.1, 0.05, 0.02, 0.01)
# λ of scenario l2: that of a method which decays beside its step is multiplied by the rate.
DECAY = {"coupled": 1e-4, "decoupled": 0.02, "none": 1e-4}


def settings(method: str, scenario: str) -> dict[str, object]:
    """What a scenario adds to a method's defaults."""
    if scenario == "l2":
        return {"scenario": "l2", "weight_decay": DECAY[find(method).decay], "decay": "weights"}
    if scenario == "sparse":
        return {"scenario": "sparse", "constraint": "magnitude"}
    return {}


def compute(method: str, label: str, options: argparse.Namespace, **given: object) -> SummaryRow:
    """The runs of one cell."""
    runtime = Runtime(out=options.out, threads=options.threads)
    common = {"passes": options.passes, "schedule": "cosine", "split": options.split}
    labelled: list[tuple[str, Run]] = []
    for job in jobs([method], {}, options.seeds, {**common, **given}):
        labelled.append((label, execute(job.recipe, job.seed, runtime, eval_at=[])))
    (row,) = tabulate(labelled)
    print(f"{label}: {cell(row)}", file=sys.stderr, flush=True)
    return row


def cell(row: SummaryRow) -> str:
    """Accuracy, its deviation over seeds, and the failures if any."""
    found = row.figures.get("accuracy")
    text = "–" if found is None else f"{found.mean:.2f}"
    if found is not None and found.deviation is not None:
        text += f" ± {found.deviation:.2f}"
    return text + (f" ({len(row.failures)} failed)" if row.failures else "")


def nonzeros(row: SummaryRow) -> str:
    """The largest count among the runs."""
    counts = [n for run in row.runs if (n := run.result.nonzeros) is not None]
    return f"{max(counts):,}" if counts else "–"


def table(options: argparse.Namespace) -> list[dict[str, object]]:
    """Methods down, scenarios across."""
    print(f"| method | {' | '.join(SCENARIOS)} | nonzeros |")
    print("|---" * (len(SCENARIOS) + 2) + "|")
    plain = []
    for method in options.methods.split(","):
        rows = [
            compute(method, f"{method}, {scenario}", options, **settings(method, scenario))
            for scenario in SCENARIOS
        ]
        print(f"| {method} | {' | '.join(map(cell, rows))} | {nonzeros(rows[-1])} |", flush=True)
        plain += [row.as_json() for row in rows]
    return plain


def frontier(options: argparse.Namespace) -> list[dict[str, object]]:
    """Share of nonzeros down, constraints across."""
    constraints = options.constraints.split(",")
    method = options.methods.split(",")[0] if options.methods != METHODS else "adamw"
    print(f"| nonzeros | {' | '.join(constraints)} |")
    print("|---" * (len(constraints) + 1) + "|")
    plain = []
    for share in SHARES:
        keep = round(share * CONSTRAINED)
        rows = [
            compute(
                method, f"{constraint} {share:.0%}", options,
                scenario="frontier", constraint=constraint, **{"constraint.keep": keep},
            )
            for constraint in constraints
        ]  # fmt: skip
        print(f"| {share:.0%}, {keep:,} | {' | '.join(map(cell, rows))} |", flush=True)
        plain += [row.as_json() for row in rows]
    return plain


def main() -> None:
    """Parse, compute, print Markdown; `--json FILE` keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("table", "frontier"))
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--constraints", default=CONSTRAINTS)
    parser.add_argument("--passes", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--split", default="official")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--out", type=Path, default=Path("runs/scenarios"))
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    rows = {"table": table, "frontier": frontier}[options.what](options)
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
