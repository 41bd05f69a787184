r"""LPF: the gradient of the loss under Gaussian noise on the weights, scaled filter by filter.

A low-pass filter over the loss takes out its narrow valleys: the method inside descends the mean
over a neighbourhood, not its worst point as in `sam`, and one gradient a step is enough. The noise
of a filter is measured in units of that filter's own norm, so that rescaling layers changes little.

    σ_j = γ_t ‖w_j‖₂                       of all entries of row (filter) j; a bias is one row
    γ_t = γ (1 + α (1 − cos π p) / 2)      p the share of the budget spent; with α = 0 it stays
    v = Σ_i |S_i|/|S| ∇f_{S_i}(w + σ ∘ e_i),   e_i ~ N(0, I)

The batch S is cut into M `parts` S_i, each with noise of its own, so M points cost what one costs.
With α > 0 the noise grows as training goes on, from γ to (1 + α) γ.

Source: Bisla, Wang and Choromanska, Low-Pass Filtering SGD for Recovering Flat Optima in the Deep
Learning Optimization Landscape, AISTATS 2022, arXiv:2201.08025; σ_j as a deviation, not a variance,
and the scale of biases are as in the authors' code, and so are γ, fixed, and M = 1 for their LeNet.
Random weight perturbation (RWP) is another name. The loss reported is the mean at the points asked
about. With γ = 0 it is the method inside.
Cost: one gradient a step; two vectors during a step.
"""

import math

import torch
from torch import Tensor

from lenetlab.component import log_uniform
from lenetlab.methods.sampling import normal
from lenetlab.methods.wrappers import Batch, Estimator, Oracle, wrapper
from lenetlab.problem.model import Layout, views
from lenetlab.settings import NOT_NEGATIVE, POSITIVE_COUNT


@wrapper(
    "lpf",
    reference="Bisla et al. 2022, arXiv:2201.08025",
    defaults={"gamma": 1e-3, "alpha": 0.0, "parts": 1},
    space={"gamma": log_uniform(1e-4, 2e-2)},
    cost="1 gradient a step; 2 vectors during a step",
    domains={"gamma": NOT_NEGATIVE, "alpha": NOT_NEGATIVE, "parts": POSITIVE_COUNT},
)
class LPF(Estimator):
    def __init__(self, gamma: float, alpha: float, parts: int) -> None:
        self.gamma, self.alpha, self.parts = gamma, alpha, parts

    def estimate(self, oracle: Oracle, g: Tensor) -> Tensor:
        w, batch = oracle.w, oracle.batch
        width = self.gamma * (1 + self.alpha * (1 - math.cos(math.pi * oracle.progress)) / 2)
        sigma = row_norms(w, oracle.shapes).mul_(width)
        loss, part = w.new_zeros(()), torch.empty_like(w)
        g.zero_()
        for indices in torch.chunk(batch.indices, self.parts):
            e = normal(oracle)
            f, _ = oracle.gradient(Batch(indices), at=e.mul_(sigma).add_(w), out=part)
            share = len(indices) / len(batch)
            loss.add_(f, alpha=share)
            g.add_(part, alpha=share)
        return loss


def row_norms(w: Tensor, shapes: Layout) -> Tensor:
    """For every entry of `w` (n,) the norm of the filter or row of a matrix that it is in; of a
    bias the whole vector's."""
    norms = torch.empty_like(w)
    for x, out in zip(views(w, shapes).values(), views(norms, shapes).values(), strict=True):
        rows = x.flatten(1) if x.dim() > 1 else x.unsqueeze(0)
        out.view_as(rows).copy_(rows.norm(dim=1, keepdim=True).expand_as(rows))
    return norms
