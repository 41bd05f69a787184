"""The starter script against `lenetlab baseline`, the native engine and the quickest recipe.

    LENETLAB_STARTER=FOLDER python benchmarks/baseline.py [--repeats 1]

FOLDER holds fashionMNIST.py and a stand-in for torchvision. All train ten epochs by one recipe,
one after the other, each as a user would start it; each repeat does all. `lenetlab baseline` keeps
PyTorch's bits, and every digit it prints is compared with the script's; `lenetlab run` has the
native engine. Then the script's accuracy is reached by the recipe that is quickest there: a tenth
of an epoch of `muon_hyperball`, chosen on held-out images, ends near 80 %. On a busy machine the
figures mean nothing, so its load is printed with them.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from timing import LENETLAB, process_seconds

# What reaches the script's accuracy soonest, with room to spare.
QUICKEST = ["run", "muon_hyperball", "--lr", "0.02", "--epochs", "0.1", "--schedule", "cosine"]


def main() -> None:
    """Print seconds, ratio, and how many lines are equal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1)
    repeats = parser.parse_args().repeats
    if "LENETLAB_STARTER" not in os.environ:
        parser.error("LENETLAB_STARTER must name the folder with the starter script")
    starter = Path(os.environ["LENETLAB_STARTER"]).resolve()
    print(f"load before: {os.getloadavg()[0]:.2f}; {os.cpu_count()} cores")
    recipe = ["run", "sgd", "--set", "lr=0.001", "--epochs", "10", "--seed", "42"]
    ratios, native_ratios, quickest_ratios = [], [], []
    for _ in range(repeats):
        script = [sys.executable, str(starter / "fashionMNIST.py")]
        theirs, their_lines = process_seconds(script, PYTHONPATH=str(starter), MPLBACKEND="Agg")
        ours, our_lines = process_seconds([LENETLAB, "baseline", "--verbose"])
        steps = sum(line.startswith("Epoch") for line in their_lines)
        equal = sum(a == b for a, b in zip(their_lines, our_lines, strict=False))
        ratios.append(theirs / ours)
        native, lines = process_seconds([LENETLAB, *recipe, "--engine", "native"], COLUMNS="100")
        native_ratios.append(theirs / native)
        quickest, answer = process_seconds([LENETLAB, *QUICKEST, "--engine", "native", "--json"])
        reached = json.loads("".join(answer))["accuracy"]
        quickest_ratios.append(theirs / quickest)
        print(f"script {theirs:6.1f} s   lenetlab baseline {ours:6.1f} s   {ratios[-1]:.2f} times")
        print(f"{'':13} lenetlab run sgd  {native:6.1f} s   {native_ratios[-1]:.2f} times")
        print(f"{'':13} {' '.join(QUICKEST)}: {reached:.2f} % after {quickest:.2f} s, "
              f"{quickest_ratios[-1]:.1f} times")  # fmt: skip
        print("\n".join(line for line in lines if "accuracy" in line or "training" in line))
        print(
            f"{equal} of {max(len(their_lines), len(our_lines))} printed lines are equal, "
            f"{steps} of them losses of steps"
        )
    print(f"smallest ratio of {repeats}: {min(ratios):.2f}, native {min(native_ratios):.2f}, "
          f"to the script's accuracy {min(quickest_ratios):.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
