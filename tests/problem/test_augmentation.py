"""Augmentation: what each does to an image, and that seed, sweep and index alone decide it."""

import pytest
import torch
import torch.nn.functional as F

from lenetlab.errors import UserError
from lenetlab.problem.augmentation import (
    Augmented,
    brightness,
    choose_augmentation,
    cutout,
    flip,
    shift,
)

CPU = torch.device("cpu")


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images(train) -> torch.Tensor:
    return train.images[:400].clone()


def test_half_of_the_images_are_mirrored(images):
    out = flip(images.clone(), rng(), p=0.5)
    mirrored = [bool(a.equal(b.flip(1))) for a, b in zip(out, images, strict=True)]
    same = [bool(a.equal(b)) for a, b in zip(out, images, strict=True)]
    assert all(m or s for m, s in zip(mirrored, same, strict=True))
    assert 150 < sum(mirrored) < 250
    assert flip(images.clone(), rng(), p=0.0).equal(images)
    assert flip(images.clone(), rng(), p=1.0).equal(images.flip(2))


def test_a_shift_moves_by_whole_pixels_and_black_comes_in(images):
    out = shift(images.clone(), rng(), pixels=2)
    moves = set()
    for a, b in zip(out, images, strict=True):
        padded = F.pad(b, (2, 2, 2, 2))
        found = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-2, 3)
            if a.equal(padded[2 - dy : 30 - dy, 2 - dx : 30 - dx])
        ]
        assert found
        if len(found) == 1:
            moves.add(found[0])
    assert len(moves) == 25


def test_cutout_blackens_one_square_and_nothing_else():
    white = torch.full((300, 28, 28), 255, dtype=torch.uint8)
    out = cutout(white.clone(), rng(), size=8)
    for a in out:
        black = (a == 0).nonzero()
        top, left = black.min(0).values.tolist()
        bottom, right = black.max(0).values.tolist()
        assert len(black) == (bottom - top + 1) * (right - left + 1)
        assert bottom - top < 8
        assert right - left < 8
    assert any(int((a == 0).sum()) == 64 for a in out)


def test_brightness_is_a_factor_an_image(images):
    out = brightness(images.clone(), rng(), amount=0.2).float()
    inside = (images > 0) & (images < 200)
    ratio = torch.where(inside, out / images.float().clamp_min(1), torch.nan)
    for r, dark in zip(ratio.flatten(1), images.flatten(1), strict=True):
        big = r[(dark > 100) & (dark < 200)]
        assert big.max() - big.min() < 0.011  # rounding of the pixels
        assert 0.79 < big.mean() < 1.21


def test_seed_and_sweep_decide_and_the_original_is_not_touched(train):
    small = train.take(0, 50)
    before = small.images.clone()
    choices = choose_augmentation("flip+shift:pixels=2+cutout:size=4+brightness")
    a, b, other = (Augmented(small, choices, seed, CPU) for seed in (0, 0, 1))
    memory = a.split.images.data_ptr()
    first = a.split.images.clone()
    assert first.equal(b.split.images)
    assert not first.equal(other.split.images)
    assert a.go_to(3)
    assert not a.go_to(3)
    third = a.split.images.clone()
    assert not third.equal(first)
    a.go_to(0)
    assert a.split.images.equal(first)
    b.go_to(3)  # without having been at 1 and 2
    assert b.split.images.equal(third)
    assert a.split.images.data_ptr() == memory  # an engine over it need not be told
    assert small.images.equal(before)
    assert a.split.labels.equal(small.labels)


def test_what_a_user_writes():
    assert choose_augmentation("none") == ()
    flip_, shift_ = choose_augmentation("flip+shift:pixels=3")
    assert (flip_.name, flip_.settings) == ("flip", {"p": 0.5})
    assert (shift_.name, shift_.settings) == ("shift", {"pixels": 3})
    for wrong, reason in {
        "flop": "did you mean 'flip'",
        "shift:pixels=0": "out of range",
        "flip+mixup": "changes the loss or its labels",
        "cutmix": "changes the loss or its labels",
    }.items():
        with pytest.raises(UserError, match=reason):
            choose_augmentation(wrong)
