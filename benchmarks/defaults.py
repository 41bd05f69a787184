"""What every method reaches with its registered defaults: accuracy and loss after 1 and 5 passes.

    python benchmarks/defaults.py [NAME…] [--seeds 3] [--out runs/defaults]

Scenario plain, constant rate, trained on all 60,000 images; nothing is chosen by what is seen
here. Wrappers go around sgd; the basic methods have stepwise and 1/t rates as well. Two processes
with one thread each. Writes `results/defaults.json`, which the method pages are made from; what is
done is not done again, and NAME… replaces those entries alone.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from lenetlab.openmp import wait_briefly

wait_briefly()

PROCESSES = 2
PASSES = 5
EVAL_AT = (0.1, 0.25, 0.5, 1, 2, 3, 4, 5)
BASIC = ("full_batch", "sgd", "single_sample")
RATES = ("step", "1/t")
RESULTS = Path(__file__).parents[1] / "results" / "defaults.json"


def entry(spec: str, seeds: int, out: Path) -> dict[str, Any]:
    """The curve of `spec` over its seeds; a failed run stays in it, with its reason."""
    from lenetlab import Runtime, run

    runtime = Runtime(out=out, threads=1)
    name, _, rate = spec.partition(", ")
    found = [
        run(name, seed=s, runtime=runtime, eval_at=EVAL_AT, passes=PASSES,
            schedule=rate or "constant")
        for s in range(seeds)
    ]  # fmt: skip
    evaluations = [
        {round(evaluation["at"], 9): evaluation for evaluation in f.evaluations} for f in found
    ]
    at = [x for x in EVAL_AT if all(x in seen for seen in evaluations)]
    return {
        "seeds": seeds,
        "failed": [f.result.reason for f in found if f.status != "done"],
        "at": at,
        "accuracy": [[seen[x]["accuracy"] for seen in evaluations] for x in at],
        "loss": [[round(seen[x]["loss"], 6) for seen in evaluations] for x in at],
        "steps": found[0].result.steps,
        "runs": [f.identity["id"] for f in found],
    }


def main() -> None:
    """Run, record, print."""
    from lenetlab.disk import read_json, replace_json
    from lenetlab.methods.registry import methods
    from lenetlab.methods.wrappers import wrappers

    every = [*methods(), *(f"{name}+sgd" for name in wrappers())]
    every += [f"{name}, {rate}" for name in BASIC for rate in RATES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=every)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/defaults"))
    given = parser.parse_args()
    RESULTS.parent.mkdir(exist_ok=True)
    kept = read_json(RESULTS) if RESULTS.exists() else {"methods": {}}
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        started = {pool.submit(entry, name, given.seeds, given.out): name for name in given.names}
        for done in as_completed(started):
            name, found = started[done], done.result()
            kept["methods"][name] = found
            last = dict(zip(found["at"], found["accuracy"], strict=True))
            shown = "  ".join(f"{sum(last[x]) / len(last[x]):6.2f} %" if x in last else "     —"
                              for x in (1, PASSES))  # fmt: skip
            print(f"{name:24} {shown}", *found["failed"], flush=True)
            kept["methods"] = {k: kept["methods"][k] for k in every if k in kept["methods"]}
            replace_json(RESULTS, kept)


if __name__ == "__main__":
    main()
