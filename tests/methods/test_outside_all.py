"""Every class of pytorch_optimizer: it trains, or one sentence says what it needs.

python -m tests.methods.test_outside_all     writes the table, docs/outside.md
"""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import pytorch_optimizer
import torch

from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run import checkpoint
from lenetlab.experiments.run.training import StepError, Training
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.data import load

from .drive import CPU, everything, steps

IMAGES, BATCH, STEPS = 64, 16, 12  # AdaShift moves nothing before the eleventh step
TABLE = Path(__file__).parents[2] / "docs" / "outside.md"
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
    torch.manual_seed(0)  # a run seeds PyTorch's generator, which some draw from
    recipe = make_recipe(f"pytorch_optimizer:{name}", batch_size=BATCH)
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
    torch.manual_seed(0)
    losses = steps(first, STEPS)
    torch.manual_seed(0)
    assert steps(second, STEPS) == losses
    assert first.weights.w.isfinite().all()
    assert not first.weights.w.equal(start)
    try:
        checkpoint.write(tmp_path / "state", first.state())
    except TypeError:  # a run goes on and says that it cannot be resumed
        return
    resumed = begin(engine, name)
    resumed.restore(checkpoint.read(tmp_path / "state"))
    torch.manual_seed(1)
    steps(first, 3)
    torch.manual_seed(1)
    steps(resumed, 3)
    assert everything(resumed) == everything(first)


HEAD = """# Optimizers of other people

Any `torch.optim.Optimizer` that takes parameters and a closure and reads only `.grad` runs
unchanged: `lenetlab run pytorch_optimizer:NAME`. This is what became of every class of
pytorch_optimizer {version}, with its own defaults, weight decay set to zero. It says whether a
class *can* be run, not how well it trains: many defaults are meant for other nets. Those with
`train()` and `eval()` are judged at their evaluation weights.

`python -m tests.methods.test_outside_all` makes this page.
"""


def main() -> None:
    import warnings

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    engine = TorchEngine(load("train").take(0, IMAGES), CPU)
    why = {name: refusal(engine, name) for name in CLASSES}
    runs = [name for name in CLASSES if not why[name]]
    refused = [name for name in CLASSES if why[name]]
    lines = [HEAD.format(version=version("pytorch_optimizer"))]
    lines += [f"## {len(runs)} run", "", ", ".join(f"`{name}`" for name in runs) + ".", ""]
    lines += [f"## {len(refused)} are refused", "", "| class | what is said |", "| --- | --- |"]
    lines += [f"| `{name}` | {why[name].replace('|', '/')} |" for name in refused]
    TABLE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
