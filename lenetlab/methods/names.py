"""What methods, wrappers and constraints are called: other spellings, and other names."""

from collections.abc import Iterable

from lenetlab.errors import letters

# By the letters and figures of a name alone. A spelling in other case or with other dashes (`SGD`,
# `L-BFGS`) needs no line.
ALIASES = {
    "bb": "barzilai_borwein",
    "cg": "nonlinear_cg",
    "conjugategradient": "nonlinear_cg",
    "gd": "full_batch",
    "gradientdescent": "full_batch",
    "hardthresholding": "iht",
    "magnitudepruning": "magnitude",
    "momentum": "heavy_ball",
    "nag": "nesterov",
    "newton": "newton_cg",
    "pgd": "projected_gradient",
    "polyakaveraging": "polyak_ruppert",
    "pruning": "magnitude",
    "sgdm": "heavy_ball",
    "sgdmomentum": "heavy_ball",
    "sgdnesterov": "nesterov",
}


def called(name: str, known: Iterable[str]) -> str:
    """What `name` is called among `known`; the name itself where nobody knows it."""
    spelt = {letters(other): other for other in known}
    word = letters(name)
    return spelt.get(word) or spelt.get(letters(ALIASES.get(word, ""))) or name
