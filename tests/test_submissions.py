"""The guests in `submissions/` are what their pages say, and the judge finds nothing wrong."""

from pathlib import Path

import pytest
import torch

from lenetlab.oracle.torch_engine import TorchEngine

from .methods.drive import CPU, N, steps, training

FOLDER = Path(__file__).parents[1] / "submissions"
GUESTS = sorted(path.parent.name for path in FOLDER.glob("*/challenge.json"))
TWINS = {
    "averaged_hyperball": ("AveragedHyperball", "muon_hyperball"),
    "averaged_muon": ("AveragedMuon", "muon"),
}


def test_every_guest_here_has_a_twin_that_it_is_compared_with():
    assert sorted(TWINS) == GUESTS


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("scenario", ["plain", "sparse"])
def test_a_guest_takes_the_steps_of_its_twin_inside_an_average(train, name, scenario):
    """Once the first iterates are forgotten, by a factor of 0.5 a step, both averages are one."""
    kind, method = TWINS[name]
    constraint = {"constraint": "magnitude", "passes": 20} if scenario == "sparse" else {}
    engine = TorchEngine(train.take(0, N), CPU)
    spec = f"{FOLDER / name / 'guest' / name}.py:{kind}"
    guest = training(engine, spec, {"beta": 0.5}, scenario=scenario, **constraint)
    twin = training(engine, f"ema+{method}", {"ema.decay": 0.5}, scenario=scenario, **constraint)
    for one in (guest, twin):
        steps(one, 20)  # more of them, and rounding grows
    torch.testing.assert_close(guest.weights.w, twin.weights.w, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(guest.eval_weights(), twin.eval_weights(), rtol=1e-3, atol=1e-4)
