r"""EMA: an exponential moving average of the iterates is judged, the steps are unchanged.

The noise of the last iterates averages out over about 1/(1 − β) steps, so a constant rate ends
where a decayed one would. The weight that the start has is divided out, so β can be large.

    a ← β a + (1 − β) w          evaluated  a / (1 − βᵗ),   a₀ = 0

Source: the moving average of Kingma and Ba, Adam, 2015, section 7.2, with its bias correction;
without the correction (a₀ = w₀) in Tarvainen and Valpola, Mean teachers, 2017, and in timm.
With β = 0 it is the method inside. Cost: nothing charged; one vector.
"""

import torch
from torch import Tensor

from lenetlab.component import uniform
from lenetlab.methods.wrappers import Average, wrapper
from lenetlab.settings import FRACTION


@wrapper(
    "ema",
    reference="Kingma and Ba 2015, sec. 7.2",
    defaults={"decay": 0.99},
    space={"decay": uniform(0.9, 0.999)},
    cost="none; 1 vector",
    domains={"decay": FRACTION},
)
class EMA(Average):
    STATE = ("a", "t")

    def __init__(self, decay: float) -> None:
        self.beta = decay

    def start(self, w: Tensor) -> None:
        self.first = w.clone()
        self.a = torch.zeros_like(w)
        self.t = 0

    def observe(self, w: Tensor, progress: float) -> None:
        self.a.lerp_(w, 1 - self.beta)
        self.t += 1

    def eval_weights(self) -> Tensor:
        return self.a / (1 - self.beta**self.t) if self.t else self.first
