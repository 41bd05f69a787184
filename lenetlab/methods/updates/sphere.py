r"""Sphere: after every step of the method inside, each matrix goes back to one norm.

Where the norms of weights are free they grow, and steps of one length turn the weights less and
less; weight decay holds them at an equilibrium that rate and decay find together. Here the norm is
a setting, whatever method is inside, and all that a step does is to turn.

    W⁺ ← the method's step
    R = c ‖W₀‖_F,   W ← R W⁺/‖W⁺‖_F        every matrix, convolutions as filters × inputs of a patch

Biases are free, and so is a matrix that begins at zero, which has no norm to be held at. What the
method remembers is not touched. An average of points on a sphere lies inside it; the nearest point
on the sphere is judged.

It controls norms as weight decay does, and is ranked apart from methods that leave them free.

Source: the spheres of Wen et al., Fantastic Pretraining Optimizers and Where to Find Them II:
Hyperball Optimization, 2026, arXiv:2606.16899, who fix the length of steps as well, V = W − η R
U/‖U‖_F; here it is the method's own. c is 1 there. `muon_hyperball` is their method for Muon.
Around `sgd` it is projected gradient descent on a product of spheres.
Cost: nothing charged; a norm a matrix.
"""

from collections.abc import Iterator

from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.wrappers import Update, wrapper
from lenetlab.problem.model import views
from lenetlab.settings import Domain

TINY = 1e-12  # of a norm: a matrix that a mask has emptied stays empty


@wrapper(
    "sphere",
    reference="Wen et al. 2026, arXiv:2606.16899, its spheres",
    defaults={"norm": 2.5},
    space={"norm": log_uniform(1.5, 5.0)},
    cost="none; a norm a matrix",
    domains={"norm": Domain(1e-3)},
    norms="sphere",
    within="spheres",
)
class Sphere(Update):
    STATE = ("radii",)
    BY_GRADIENT = False

    def __init__(self, norm: float) -> None:
        self.c = norm

    def start(self, w: Tensor) -> None:
        self.radii = {name: self.c * v.norm() for name, v in self._matrices(w) if bool(v.any())}

    def correct(self, before: Tensor, g: Tensor, w: Tensor) -> None:
        self._scale_back(w)

    def nearest(self, w: Tensor) -> Tensor:
        x = w.clone()
        self._scale_back(x)
        return x

    def _scale_back(self, w: Tensor) -> None:
        """Every matrix of `w` that is held, in place, to its norm."""
        for name, v in self._matrices(w):
            if name in self.radii:
                v.mul_(self.radii[name] / v.norm().clamp(min=TINY))

    def _matrices(self, w: Tensor) -> Iterator[tuple[str, Tensor]]:
        return ((name, v) for name, v in views(w, self.shapes).items() if v.dim() > 1)
