r"""Initialisations: where the weights begin, for every method alike.

The starter's weights are drawn first, whatever follows, from the stream that the data order goes on
with; so the order of the examples is the same from all of them. What others draw comes from a
generator of their own, by the seed.

    starter : as the script draws them, uniform in ±1/√fan_in
    orthogonal : Q with QᵀQ = I or QQᵀ = I, of every matrix, times `gain`; biases zero. A signal
        keeps its length through linear layers. Convolutions are matrices, a filter a row.
        Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
        linear neural networks, 2014, arXiv:1312.6120; for tanh a gain of 5/3 is usual.
    lsuv : orthogonal, and then layer by layer W ← `std` W / √Var(z), z what comes out of the layer
        before tanh, over `examples` training images, their positions and units.
        Mishkin and Matas, All you need is a good init, ICLR 2016, arXiv:1511.06422, Algorithm 1;
        biases are zero, so that its loop over a layer ends after one division. It looks at images:
        five questions about the layers, which are on the bill before the first step.
    scaled : the starter's, times `conv`, `fc` and `bias`, by kind of tensor.
    patches : the starter's but for the first layer, whose filters are the principal components of
        the 5×5 patches of `examples` training images, over their deviations: W_k ← `gain` v_k/√λ_k,
        b_k ← −W_kᵀ mean. What comes out of it has mean zero and deviation `gain`, and no two of its
        maps are correlated; the pixels' mean and variance are folded in. Coates, Ng and Lee, An
        Analysis of Single-Layer Networks in Unsupervised Feature Learning, AISTATS 2011, whiten
        patches; as first weights of a net, which there stay: Jordan, 94% on CIFAR-10 in 3.29
        Seconds on a Single GPU, 2024, arXiv:2404.00498, section 3.2. One question about the layers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from lenetlab.component import Component, look_up, page_of, registered, registering
from lenetlab.methods.interactive import source_when_imported
from lenetlab.oracle.oracle import Batch, Oracle
from lenetlab.problem.model import LAYERS, views
from lenetlab.problem.randomness import generator_from
from lenetlab.settings import NOT_NEGATIVE, Choice, Domain, Settings, parse_choice

SCALE = Domain(1e-6, 1e3)
EXAMPLES = Domain(2, 60_000, closed=True)


@dataclass(frozen=True, kw_only=True)
class InitialisationEntry(Component):
    """A registered initialisation."""

    kind: str = "initialisation"


Build = Callable[..., None]  # (oracle at the starter's weights, generator, settings)


def initialisation(
    name: str,
    defaults: Settings,
    domains: Mapping[str, Domain],
    *,
    reference: str = "",
    version: int = 1,
) -> Callable[[Build], Build]:
    """Register the decorated function, whose docstring is its page: it changes `oracle.w` in place.
    `version` is raised when the weights that it makes change, or what it asks."""

    return registering(lambda build: InitialisationEntry(
        name=name, defaults=defaults, domains=domains, reference=reference, version=version,
        page=page_of(build), build=build,
        source=source_when_imported(build),
    ))  # fmt: skip


@initialisation("starter", {}, {})
def starter(oracle: Oracle, rng: torch.Generator) -> None:
    """The script's weights stay."""


@initialisation(
    "orthogonal", {"gain": 1.0}, {"gain": SCALE}, reference="Saxe et al. 2014, arXiv:1312.6120"
)
def orthogonal(oracle: Oracle, rng: torch.Generator, *, gain: float) -> None:
    """Orthonormal rows or columns times `gain`, uniform among all such; biases zero."""
    for tensor in views(oracle.w).values():
        if tensor.dim() == 1:
            tensor.zero_()
            continue
        a = torch.randn(tensor.flatten(1).shape, generator=rng)
        wide = a.shape[0] < a.shape[1]
        q, r = oracle.linalg.qr(a.T if wide else a)
        q = q * r.diagonal().sign()  # which makes it uniform: Mezzadri 2007
        tensor.copy_(gain * (q.T if wide else q).reshape(tensor.shape))


@initialisation(
    "lsuv",
    {"std": 1.0, "examples": 256},
    {"std": SCALE, "examples": EXAMPLES},
    reference="Mishkin and Matas 2016, arXiv:1511.06422, Alg. 1",
)
def lsuv(oracle: Oracle, rng: torch.Generator, *, std: float, examples: int) -> None:
    """Orthogonal, each layer then scaled so that what comes out of it has deviation `std`."""
    orthogonal(oracle, rng, gain=1.0)
    batch = Batch(torch.randperm(oracle.order.n, generator=rng)[:examples])
    named = views(oracle.w)
    for layer in LAYERS:
        weight = named[f"{layer}.weight"]
        x = oracle.layers(batch).inputs[layer]
        z = F.conv2d(x, weight) if weight.dim() == 4 else F.linear(x, weight)
        deviation = z.std(correction=0)
        if deviation > 0:  # images without anything on them have none
            weight.mul_(std / deviation)


@initialisation(
    "scaled",
    {"conv": 1.0, "fc": 1.0, "bias": 1.0},
    {"conv": NOT_NEGATIVE, "fc": NOT_NEGATIVE, "bias": NOT_NEGATIVE},
)
def scaled(oracle: Oracle, rng: torch.Generator, *, conv: float, fc: float, bias: float) -> None:
    """The script's weights, multiplied: convolutions, linear layers, biases."""
    for name, tensor in views(oracle.w).items():
        tensor.mul_(bias if tensor.dim() == 1 else conv if name.startswith("conv") else fc)


@initialisation(
    "patches",
    {"gain": 1.0, "examples": 256},
    {"gain": SCALE, "examples": EXAMPLES},
    reference="Coates, Ng and Lee 2011; Jordan 2024, arXiv:2404.00498, sec. 3.2",
)
def patches(oracle: Oracle, rng: torch.Generator, *, gain: float, examples: int) -> None:
    """The script's weights, but that the first layer whitens patches of the images."""
    batch = Batch(torch.randperm(oracle.order.n, generator=rng)[:examples])
    named = views(oracle.w)
    weight, bias = named["conv1.weight"], named["conv1.bias"]
    seen = F.unfold(oracle.layers(batch).inputs["conv1"], weight.shape[2:]).transpose(0, 1)
    x = seen.flatten(1).double()  # (25, patches)
    mean = x.mean(1)
    values, vectors = oracle.linalg.eigh(torch.cov(x, correction=0))
    first = vectors[:, -len(weight) :].flip(1).T
    first *= first.gather(1, first.abs().argmax(1, keepdim=True)).sign()  # one of the two there are
    deviations = values[-len(weight) :].flip(0).clamp(min=1e-12).sqrt()
    filters = gain * first / deviations.unsqueeze(1)
    weight.copy_(filters.view_as(weight))
    bias.copy_(-filters @ mean)


def initialisations() -> Mapping[str, InitialisationEntry]:
    """All registered initialisations by name."""
    return registered(InitialisationEntry)


def find_initialisation(name: str) -> InitialisationEntry:
    """The initialisation called `name`."""
    return look_up("initialisation", name, initialisations())


def choose_initialisation(text: str, settings: Settings) -> Choice:
    """`"scaled:fc=0.5"` and further `settings` of it as a checked choice."""
    name, given = parse_choice(text)
    return find_initialisation(name).settings({**given, **settings})


@torch.no_grad()
def initialise(choice: Choice, oracle: Oracle, seed: int) -> None:
    """Move the weights of `oracle`, which are the starter's, to where `choice` begins."""
    rng = generator_from(f"lenetlab initialisation {seed}")
    find_initialisation(choice.name).build(oracle, rng, **choice.settings)
