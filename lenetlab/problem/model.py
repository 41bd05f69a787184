"""LeNet-5 as one flat vector of 44,426 numbers, and the function it stands for.

Names and shapes are those of the starter script's `state_dict`, so weights move both ways.
The vector holds the largest tensors first, matrices before biases: `fc1.weight` and
`fc2.weight`, which scenario `sparse` constrains, are its first 40,800 entries.
"""

import math
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from lenetlab.disk import check_file
from lenetlab.errors import UserError

Layout = Mapping[str, tuple[int, ...]]  # names and shapes, in the order of the flat vector

SHAPES: Layout = {
    "fc1.weight": (120, 256),
    "fc2.weight": (84, 120),
    "conv2.weight": (16, 6, 5, 5),
    "fc3.weight": (10, 84),
    "conv1.weight": (6, 1, 5, 5),
    "fc1.bias": (120,),
    "fc2.bias": (84,),
    "conv2.bias": (16,),
    "fc3.bias": (10,),
    "conv1.bias": (6,),
}
SIZE = sum(math.prod(shape) for shape in SHAPES.values())  # 44,426
CONSTRAINED = math.prod(SHAPES["fc1.weight"]) + math.prod(SHAPES["fc2.weight"])  # 40,800

# The order in which the script's model creates, prints and initialises its parameters.
LAYERS = ("conv1", "conv2", "fc1", "fc2", "fc3")
STATE_DICT_ORDER = tuple(f"{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias"))

Parameters = Mapping[str, Tensor]


def views(w: Tensor, shapes: Layout = SHAPES) -> dict[str, Tensor]:
    """The named tensors of a layout as views of the flat vector `w`, in the layout's order;
    LeNet-5's ten of (44426,) unless told otherwise."""
    parts = torch.split(w, [math.prod(shape) for shape in shapes.values()])
    return {name: part.view(shapes[name]) for name, part in zip(shapes, parts, strict=True)}


def places(shapes: Layout = SHAPES) -> dict[str, slice]:
    """Where each named tensor lies in the flat vector."""
    ends = list(accumulate(math.prod(shape) for shape in shapes.values()))
    return dict(zip(shapes, map(slice, [0, *ends], ends), strict=False))


def state_dict(w: Tensor) -> dict[str, Tensor]:
    """Copies of the ten tensors, in the order of the script's `model.state_dict()`."""
    named = views(w.detach())
    return {name: named[name].clone() for name in STATE_DICT_ORDER}


def flatten(named: Parameters) -> Tensor:
    """The flat float32 vector of a state dict; `UserError` if a name or shape is not LeNet-5's."""
    for name in named:
        if name not in SHAPES:
            raise UserError(f"{name!r} is no parameter of LeNet-5; expected {', '.join(SHAPES)}")
    for name, shape in SHAPES.items():
        if name not in named:
            raise UserError(f"parameter {name!r} is missing; expected shape {shape}")
        if tuple(named[name].shape) != shape:
            raise UserError(f"{name} has shape {tuple(named[name].shape)}, expected {shape}")
    return torch.cat([named[name].detach().flatten().to(torch.float32) for name in SHAPES])


def weights_file(w: Tensor, about: dict[str, str] | None = None) -> bytes:
    """The net with the flat weights `w` as a safetensors file, `about` it in the file's head."""
    return save({name: tensor.cpu() for name, tensor in state_dict(w).items()}, about)


def read_weights(path: Path) -> Tensor:
    """The flat vector of the net in the safetensors file `path`; `UserError` for one that cannot be
    read, or is no LeNet-5's."""
    check_file(path)  # a pipe would be waited for
    try:
        named = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be read ({error}); train the run again") from None
    return flatten(named)


def logits(p: Parameters, x: Tensor) -> Tensor:
    """Class scores (n, 10) of images `x` (n, 1, 28, 28) in [0, 1], operation by operation the
    starter script's `forward`."""
    return pre_activations(p, x)[1]["fc3"]


def pre_activations(p: Parameters, x: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What goes into each layer, and what comes out of it before tanh; `fc3`'s are the scores."""
    inputs, outputs = {}, {}
    for layer in LAYERS:
        inputs[layer] = x
        apply = F.conv2d if layer.startswith("conv") else F.linear
        outputs[layer] = apply(x, p[f"{layer}.weight"], p[f"{layer}.bias"])
        if layer == "fc3":
            break
        x = torch.tanh(outputs[layer])
        if layer.startswith("conv"):
            x = torch.max_pool2d(x, kernel_size=2, stride=2)
        if layer == "conv2":
            x = x.view(-1, 256)
    return inputs, outputs


def initial_weights(generator: torch.Generator) -> Tensor:
    """A flat vector drawn as `nn.Conv2d` and `nn.Linear` draw theirs, in the script's order:
    every tensor uniform in ±1/√fan_in (PyTorch's default, He et al. 2015 with a = √5)."""
    w = torch.empty(SIZE, dtype=torch.float32, device="cpu")
    named = views(w)
    for layer in LAYERS:
        weight, bias = named[f"{layer}.weight"], named[f"{layer}.bias"]
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
        bound = 1 / math.sqrt(math.prod(weight.shape[1:]))
        nn.init.uniform_(bias, -bound, bound, generator=generator)
    return w
