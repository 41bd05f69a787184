"""Do the two engines train equally well? AdamW, ten epochs, rate decayed to zero, 20 seeds.

    python benchmarks/engines_agree.py [--seeds 20] [--out runs/engines]

The engines differ in rounding, so single runs differ by luck. Printed is the mean over seeds of
the difference of their test accuracies with its 90 % interval (Student's t); they count as equal
if it lies within ±0.2 points. Two processes with one thread each; what is done is not done again.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, stdev

from lenetlab.analysis.intervals import mean_interval

MARGIN = 0.2  # points of accuracy


def accuracy(engine: str, seed: int, out: Path) -> float:
    """Test accuracy in percent of one run."""
    from lenetlab import Runtime, run

    runtime = Runtime(out=out, engine=engine, device="cpu", threads=1)
    found = run("adamw", seed=seed, runtime=runtime, eval_at=[10], epochs=10, batch_size=256,
                schedule="cosine", lr=0.005, warmup=0.1)  # fmt: skip
    return float(found.summary()["accuracy"])


def main() -> None:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("runs/engines"))
    given = parser.parse_args()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        started = {
            engine: [pool.submit(accuracy, engine, seed, given.out) for seed in range(given.seeds)]
            for engine in ("native", "torch")
        }
        found = {engine: [one.result() for one in all_] for engine, all_ in started.items()}
    for engine, values in found.items():
        print(f"{engine:6} {fmean(values):.3f} %, sd over seeds {stdev(values):.3f} "
              f"(n = {len(values)})")  # fmt: skip
    differences = [a - b for a, b in zip(found["native"], found["torch"], strict=True)]
    interval = mean_interval(differences, 0.9)
    if interval is None:
        return
    within = interval.low >= -MARGIN and interval.high <= MARGIN
    print(f"native − torch: {fmean(differences):+.3f}, 90 % interval [{interval.low:+.3f}, "
          f"{interval.high:+.3f}], {'within' if within else 'not within'} ±{MARGIN}")  # fmt: skip


if __name__ == "__main__":
    main()
