"""Every class of pytorch_optimizer: it trains, or one sentence says what it needs. What became of
each is in docs/outside.md, which `benchmarks/other_optimizers.py` makes."""

import pytest
import pytorch_optimizer
import torch

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run import checkpoint
from lenetlab.experiments.run.global_generators import seeded
from lenetlab.experiments.run.training import StepError, Training
from lenetlab.oracle.torch_engine import TorchEngine

from .drive import CPU, everything, steps

IMAGES, BATCH, STEPS = 64, 16, 12  # AdaShift moves nothing before the eleventh step
CLASSES = sorted(
    name for name, value in vars(pytorch_optimizer).items()
    if isinstance(value, type) and issubclass(value, torch.optim.Optimizer)
    and value is not torch.optim.Optimizer
)  # fmt: skip
# What they need, whatever their version says of it: a model, another optimizer, groups or
# processes of their own, derivatives of the gradient, numbers without a default, other shapes.
REFUSED = {
    "AdaGO", "AdaHessian", "AdaLOMO", "AdaMuon", "AdamMini", "BSAM", "DeMo", "DistributedMuon",
    "FriendlySAM", "GSAM", "LOMO", "LoRARite", "LookSAM", "Lookahead", "Muon", "MuonClip",
    "NorMuon", "OrthoGrad", "PCGrad", "Ranger21", "SAM", "SafeFP16Optimizer",
    "ScheduleFreeWrapper", "SophiaH", "SpectralSphere", "TRAC", "WSAM",
}  # fmt: skip


def begin(engine: TorchEngine, name: str) -> Training:
    recipe = make_recipe(f"pytorch_optimizer:{name}", batch_size=BATCH)
    with seeded(0):
        return Training(recipe, 0, IMAGES, engine, CPU)


def refusal(engine: TorchEngine, name: str) -> str:
    """Why `name` cannot be run; empty if it can."""
    try:
        begin(engine, name).step()
    except (UserError, StepError) as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def engine(train):
    return TorchEngine(train.take(0, IMAGES), CPU)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("name", CLASSES)
def test_it_trains_deterministically_or_a_sentence_says_what_it_needs(engine, name, tmp_path):
    why = refusal(engine, name)
    assert bool(why) == (name in REFUSED)
    if why:
        assert "\n" not in why
        assert "Traceback" not in why
        assert why.startswith((f"pytorch_optimizer:{name} needs", "step 1: ")) or (
            f"method pytorch_optimizer:{name} refuses its own defaults: " in why
        )
        return
    first, second = begin(engine, name), begin(engine, name)
    start = first.weights.w.clone()
    with seeded(0):  # as a run seeds what some draw from: PyTorch's generator, or NumPy's
        losses = steps(first, STEPS)
    with seeded(0):
        assert steps(second, STEPS) == losses
    assert first.weights.w.isfinite().all()
    assert not first.weights.w.equal(start)
    try:
        checkpoint.write(tmp_path / "state", first.state())
    except TypeError:  # a run goes on and says that it cannot be resumed
        return
    resumed = begin(engine, name)
    resumed.restore(checkpoint.read(tmp_path / "state"))
    with seeded(1):
        steps(first, 3)
    with seeded(1):
        steps(resumed, 3)
    assert everything(resumed) == everything(first)
