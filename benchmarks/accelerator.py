"""Does an accelerator give the CPU's results, how fast, and the same bits twice?

    python benchmarks/accelerator.py [--device cuda] [--seeds 20] [--epochs 10] [--minutes 8]

Four questions, eight minutes in all. One step of every method, on the device and on the CPU, from
the same weights, batch and random numbers. Ten epochs of the baseline for 20 seeds, on the CPU by
the native engine and on the device, paired by seed, as many as fit into the time. Two hundred
steps twice: equal bits. A step of SGD at batch 64 as PyTorch launches it, and as a CUDA graph. With
`--device cpu` PyTorch's engine on the CPU takes the device's place, to see that the script works.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from lenetlab.openmp import wait_briefly

wait_briefly()

import torch
from timing import Work, block

from lenetlab import Runtime, run
from lenetlab.analysis.intervals import mean_interval
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.training import Diverged, StepError, Training
from lenetlab.methods.registry import methods
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.data import Split, load
from lenetlab.problem.model import SIZE, initial_weights

STEPS = 200
IMAGES = 600  # for the steps: a full batch of them is small too
# Of a step, in the Euclidean norm. Sums of float32 in another order differ by 1e-6 to 1e-5 of a
# gradient's norm. Where a step divides by the gradient's own size, or takes its sign, entries that
# are nearly zero go another way: of 44,426 some tens, so sqrt(4 · 10 / 44426) or 3 %.
TOLERANCE = 0.03
CPU = torch.device("cpu")


def one_step(name: str, split: Split, device: torch.device) -> torch.Tensor:
    """How a step of a method moves the weights (44426,)."""
    recipe = make_recipe(name, batch_size=min(methods()[name].batch_size, IMAGES))
    engine = TorchEngine(split, device)
    training = Training(recipe, 0, IMAGES, engine, device, engine)
    before = training.weights.w.clone()
    training.step()
    return (training.weights.w - before).cpu()


def steps(device: torch.device) -> Iterator[str]:
    """A line for every method that is not within the tolerance, and one for all."""
    split, worst = load("train").take(0, IMAGES), (0.0, "")
    for name in methods():
        try:
            ours, theirs = one_step(name, split, device), one_step(name, split, CPU)
        except (Diverged, StepError) as error:
            yield f"{name}: {error}"
            continue
        apart = float((ours - theirs).norm() / theirs.norm().clamp_min(1e-12))
        worst = max(worst, (apart, name))
        if apart > TOLERANCE:
            yield f"{name}: the device's step differs by {apart:.1%} of its length"
    yield f"{len(methods())} methods, a step each; furthest apart {worst[1]}, {worst[0]:.2g}"


def baseline(device: str, engine: str, seed: int, epochs: float) -> tuple[float, float]:
    """Test accuracy in percent, and seconds, of the starter's recipe."""
    with TemporaryDirectory() as out:
        runtime = Runtime(out=Path(out), engine=engine, device=device, resume=False)
        found = run("sgd", lr=0.001, batch_size=64, epochs=epochs, seed=seed, eval_at=[epochs],
                    runtime=runtime).summary()  # fmt: skip
    return float(found["accuracy"]), float(found["train_seconds"])


def pairs(device: str, seeds: int, epochs: float, end: float) -> Iterator[str]:
    """The baseline on both, seed by seed, until `end` of the clock."""
    found = []
    for seed in range(seeds):
        if time.monotonic() > end:
            yield f"the time was over after {seed} of {seeds} seeds"
            break
        found.append((baseline("cpu", "native", seed, epochs),
                      baseline(device, "torch", seed, epochs)))  # fmt: skip
    if not found:
        return
    for column, where in enumerate(("cpu, native", f"{device}, torch")):
        accuracies, seconds = zip(*(pair[column] for pair in found), strict=True)
        yield (f"{where:14} {fmean(accuracies):.3f} %, {fmean(seconds):.2f} s a run, least "
               f"{min(seconds):.2f} (n = {len(found)})")  # fmt: skip
    apart = [theirs[0] - ours[0] for ours, theirs in found]
    if interval := mean_interval(apart, 0.9):
        half = (interval.high - interval.low) / 2
        yield f"accuracy, {device} less cpu: {fmean(apart):+.3f} ± {half:.3f} (90 %)"


def twice(device: torch.device) -> str:
    """Whether `STEPS` steps end with the same bits when they are repeated."""
    split = load("train")
    ends = []
    for _ in range(2):
        engine = TorchEngine(split, device)
        training = Training(make_recipe("adamw", epochs=1), 0, len(split), engine, device, engine)
        for _ in range(STEPS):
            training.step()
        ends.append(training.weights.w.clone())
    return f"{STEPS} steps of adamw twice: {'equal' if torch.equal(*ends) else 'OTHER'} bits"


def graph(device: torch.device) -> Iterator[str]:
    """Milliseconds of a step of SGD at batch 64; a CUDA graph launches its kernels in one call."""
    engine, count = TorchEngine(load("train").take(0, IMAGES), device), STEPS
    w, g = initial_weights(torch.Generator().manual_seed(0)).to(device), torch.empty(SIZE)
    g, batch = g.to(device), torch.arange(64, device=device)

    def step() -> None:
        engine.gradient(w, batch, g)
        w.sub_(g, alpha=0.001)

    yield f"a step as it is launched: {milliseconds(step, count, device):.3f} ms"
    if device.type != "cuda":
        return
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        step()
    torch.cuda.current_stream().wait_stream(side)
    recorded = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recorded):
        step()
    yield f"the same as a CUDA graph: {milliseconds(recorded.replay, count, device):.3f} ms"


def milliseconds(work: Work, count: int, device: torch.device) -> float:
    """Of one call, in a block of `count` after a first."""
    work()
    if device.type == "cpu":
        return 1e3 * block(work, count)
    return 1e3 * block(work, count, torch.accelerator.synchronize)


def main() -> None:
    """Ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    parser.add_argument("--device", default=here.type if here else None)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=float, default=10)
    parser.add_argument("--minutes", type=float, default=8, help="after which no seed is begun")
    given = parser.parse_args()
    if given.device is None:
        parser.error("no accelerator is here; --device cpu shows that the script works")
    begun, device = time.monotonic(), torch.device(given.device)
    if device.type == "cuda":  # float32 as the CPU has it, and one order of sums
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        print(torch.cuda.get_device_name(device))
    end = begun + 60 * given.minutes
    answers = (steps(device), [twice(device)], graph(device),
               pairs(given.device, given.seeds, given.epochs, end))  # fmt: skip
    for lines in answers:
        for line in lines:
            print(line, flush=True)
    print(f"{time.monotonic() - begun:.0f} s in all, torch {torch.__version__}")


if __name__ == "__main__":
    main()
