r"""A masked net as the smaller dense net that it is.

Hidden units of fc1 and fc2 without effect are left out, and the outputs stay the same:

- no weight leads out of the unit: its output is not used;
- none leads into it: its output is the constant tanh(b), which is worth W[:, j] tanh(b_j) in the
  bias of the next layer. With the bias masked as well the constant is tanh(0) = 0.

Removing a unit can leave another one unused, so this is repeated until nothing changes. Outputs
are the same sums in another order: equal to float32 rounding, not to the bit.
"""

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from lenetlab.problem.model import CONSTRAINED, SIZE, flatten, logits

NEXT = {"fc1": "fc2", "fc2": "fc3"}

Net = dict[str, Tensor]


def smaller(net: Net) -> Net:
    """`net` without the hidden units of fc1 and fc2 that are dead; the names stay LeNet-5's."""
    net = dict(net)
    while True:
        before = units(net)
        for layer, after in NEXT.items():
            weight, bias = net[f"{layer}.weight"], net[f"{layer}.bias"]
            outgoing = net[f"{after}.weight"]
            used = outgoing.count_nonzero(dim=0) > 0
            constant = used & (weight.count_nonzero(dim=1) == 0)
            folded = outgoing[:, constant] @ torch.tanh(bias[constant])
            kept = used & ~constant
            if not kept.any():  # a layer without units has no shape; one unit of no effect has
                kept[0] = True
                net[f"{after}.weight"] = torch.zeros_like(outgoing)
            net[f"{layer}.weight"], net[f"{layer}.bias"] = weight[kept], bias[kept]
            net[f"{after}.weight"] = net[f"{after}.weight"][:, kept]
            net[f"{after}.bias"] = net[f"{after}.bias"] + folded
        if units(net) == before:
            return {name: w.contiguous() for name, w in net.items()}


def units(net: Net) -> tuple[int, int]:
    """How many hidden units fc1 and fc2 have."""
    return len(net["fc1.bias"]), len(net["fc2.bias"])


def parameters(net: Net) -> int:
    """How many numbers the net consists of."""
    return sum(w.numel() for w in net.values())


@dataclass(frozen=True)
class Comparison:
    """The full net and the smaller one, over the same images.

    difference : the largest between their class scores, absolute; scale : the largest score.
    seconds : of a forward pass by PyTorch over all images, (full, smaller); the least of several.
    one : the same for a single image.
    """

    units: tuple[int, int]
    parameters: tuple[int, int]
    nonzeros: int
    difference: float
    scale: float
    disagreements: int
    seconds: tuple[float, float]
    one: tuple[float, float]


def compare(full: Net, images: Tensor, repeats: int = 5) -> tuple[Net, Comparison]:
    """The smaller net of `full`, and what it is worth on uint8 `images` (n, 28, 28)."""
    small = smaller(full)
    x = images.unsqueeze(1).to(torch.float32) / 255
    nets = (full, small)
    with torch.no_grad():
        a, b = (torch.cat([logits(net, part) for part in torch.split(x, 1000)]) for net in nets)
        many = _least(nets, x, 250, repeats)
        one = _least(nets, x[:1], 1, 200 * repeats)
    comparison = Comparison(
        units(small),
        (SIZE, parameters(small)),
        int(flatten(full)[:CONSTRAINED].count_nonzero()),
        float((a - b).abs().max()),
        float(a.abs().max()),
        int((a.argmax(1) != b.argmax(1)).sum()),
        many,
        one,
    )
    return small, comparison


def _least(nets: tuple[Net, Net], x: Tensor, size: int, repeats: int) -> tuple[float, float]:
    """Seconds of a forward pass over `x` in batches of `size`, the least of `repeats` each, taken
    in turns so that a busy moment hits both."""
    best = [float("inf"), float("inf")]
    for _ in range(repeats):
        for k, net in enumerate(nets):
            begin = time.perf_counter()
            for part in torch.split(x, size):
                logits(net, part)
            best[k] = min(best[k], time.perf_counter() - begin)
    return best[0], best[1]
