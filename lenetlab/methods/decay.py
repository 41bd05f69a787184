"""Weight decay that leaves biases out, for methods that decay weights themselves.

The starter script's way is to decay everything. A bias only shifts a unit's input, does not
make the function steeper, and is often left alone (Goodfellow, Bengio and Courville, Deep
Learning, 2016, section 7.1). PyTorch's optimizers get the biases as a parameter group of their
own, without decay; the flat vector is cut in two slices for it. Our own methods ask `Base.part`.
"""

from collections.abc import Mapping
from typing import Any

from lenetlab.methods.base import Base
from lenetlab.methods.registry import Decay, Method, Optimizer
from lenetlab.oracle.weights import Weights
from lenetlab.settings import Settings

DECAYED = ("all", "weights")
# A size to begin with: coupled decay acts on the loss, decoupled decay at the scale of the rate.
USUAL_DECAY: Mapping[Decay, float] = {"none": 0.0005, "coupled": 0.0005, "decoupled": 0.05}


def sparing_biases(entry: Method, weights: Weights, settings: Settings) -> Optimizer:
    """The method over `weights`, whose biases do not decay."""
    if isinstance(entry.build, type) and issubclass(entry.build, Base):
        own = entry.optimizer(weights.params(entry.form), settings)
        assert isinstance(own, Base)
        own.decayed = weights.matrices
        return own
    if entry.form == "flat":
        params, flags = weights.params("slices"), [True, False]
    else:
        params = weights.params(entry.form)
        flags = [p.dim() > 1 for p in params]
    # a group for every parameter keeps their order, and with it `eval_weights` of flat methods
    groups: list[Any] = [
        {"params": [p]} if decayed else {"params": [p], "weight_decay": 0.0}
        for p, decayed in zip(params, flags, strict=True)
    ]
    return entry.optimizer(groups, settings)
