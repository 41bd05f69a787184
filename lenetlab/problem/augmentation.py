r"""Augmentation of the training images, for the rule set `open`: new views of the same clothes.

For every sweep over the data each image is changed once, by the seed, the sweep and its index. So
a question about the same batch has the same answer within an epoch, however often and in whatever
order it is asked, and a resumed run sees the same images.

    flip : mirrored left to right, with probability `p`
    shift : moved by up to `pixels` in each direction, black coming in
    cutout : a black square of `size` × `size` around a random pixel (DeVries and Taylor, Improved
        Regularization of Convolutional Neural Networks with Cutout, 2017, arXiv:1708.04552)
    brightness : pixels times a factor in 1 ± `amount`, cut off at white

Written one after the other, `flip+shift:pixels=2`. Labels and loss stay as they are: what changes
those (mixup, label smoothing) no scenario allows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lenetlab.component import Component, look_up, page_of, registered, registering
from lenetlab.problem.data import Split
from lenetlab.problem.randomness import generator_from
from lenetlab.problem.scenarios import refuse_other_loss
from lenetlab.settings import UNIT, Choice, Domain, Settings, parse_choice

SIDE = 28


@dataclass(frozen=True, kw_only=True)
class AugmentationEntry(Component):
    """A registered change of the images."""

    kind: str = "augmentation"


Change = Callable[..., Tensor]  # (images, generator, settings) -> images


def augmentation(
    name: str, defaults: Settings, domains: Mapping[str, Domain], *, version: int = 1
) -> Callable[[Change], Change]:
    """Register the decorated function, whose docstring is its page. `version` is raised when the
    images that it makes change; all of them, when those of all do."""

    return registering(lambda build: AugmentationEntry(
        name=name, defaults=defaults, domains=domains, version=version, page=page_of(build),
        build=build,
    ))  # fmt: skip


@augmentation("flip", {"p": 0.5}, {"p": UNIT})
def flip(x: Tensor, rng: torch.Generator, *, p: float) -> Tensor:
    """Images (n, 28, 28), some of them mirrored."""
    chosen = torch.rand(len(x), generator=rng) < p
    x[chosen] = x[chosen].flip(2)
    return x


@augmentation("shift", {"pixels": 2}, {"pixels": Domain(1, 8, closed=True)})
def shift(x: Tensor, rng: torch.Generator, *, pixels: int) -> Tensor:
    """Images moved by −pixels … pixels down and to the right."""
    moves = torch.randint(-pixels, pixels + 1, (len(x), 2), generator=rng)
    padded = F.pad(x, (pixels, pixels, pixels, pixels))
    for down in range(-pixels, pixels + 1):
        for right in range(-pixels, pixels + 1):
            at = ((moves[:, 0] == down) & (moves[:, 1] == right)).nonzero().squeeze(1)
            top, left = pixels - down, pixels - right
            x[at] = padded[at, top : top + SIDE, left : left + SIDE]
    return x


@augmentation("cutout", {"size": 8}, {"size": Domain(1, SIDE, closed=True)})
def cutout(x: Tensor, rng: torch.Generator, *, size: int) -> Tensor:
    """Images with a black square, which may lie partly outside."""
    corner = torch.randint(SIDE, (2, len(x), 1), generator=rng) - size // 2
    covered = (torch.arange(SIDE) >= corner) & (torch.arange(SIDE) < corner + size)
    return x.mul_(~(covered[0].unsqueeze(2) & covered[1].unsqueeze(1)))


@augmentation("brightness", {"amount": 0.2}, {"amount": UNIT})
def brightness(x: Tensor, rng: torch.Generator, *, amount: float) -> Tensor:
    """Images darker or brighter."""
    factor = 1 + amount * (2 * torch.rand(len(x), generator=rng) - 1)
    for part, f in zip(
        torch.split(x, 4096), torch.split(factor, 4096), strict=True
    ):  # float32 is four times x
        part.copy_(part.mul(f.view(-1, 1, 1)).clamp_(max=255).round_())
    return x


def augmentations() -> Mapping[str, AugmentationEntry]:
    """All registered changes of the images by name."""
    return registered(AugmentationEntry)


def choose_augmentation(text: str) -> tuple[Choice, ...]:
    """`"flip+shift:pixels=2"` as checked choices; `"none"` as none."""
    chosen = []
    for part in text.split("+") if text != "none" else ():
        name, given = parse_choice(part)
        refuse_other_loss(name)
        chosen.append(look_up("augmentation", name, augmentations()).settings(given))
    return tuple(chosen)


class Augmented:
    """A split whose images change from sweep to sweep, in place, so that no engine need be told.

    The images lie in memory of their own, on `device`; those of the split are not touched.
    """

    def __init__(
        self, original: Split, choices: Sequence[Choice], seed: int, device: torch.device
    ) -> None:
        copy = torch.empty_like(original.images, device=device)
        self.split = Split(
            copy,
            original.labels.to(device),
            original.checksum,
            original.source,
            original.folder,
        )
        self._original, self._choices, self._seed = original, choices, seed
        self.sweep = -1
        self.go_to(0)

    def go_to(self, sweep: int) -> bool:
        """Make the images those of the `sweep`-th sweep; whether they have changed."""
        if sweep == self.sweep:
            return False
        rng = generator_from(f"lenetlab augmentation {self._seed} {sweep}")
        images = self._original.images.clone()
        for choice in self._choices:
            images = augmentations()[choice.name].build(images, rng, **choice.settings)
        self.split.images.copy_(images)
        self.sweep = sweep
        return True
