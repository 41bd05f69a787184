"""On LeNet-5, scenario plain: one pass with the registered defaults beats the script's ten epochs.

Trained on the first 50,000 training images, measured on the other 10,000. Two kinds may miss it,
and their pages show the curve: those that make few updates a pass, and those that ask for values.
"""

import pytest

from lenetlab.analysis.targets import STARTER
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.methods.registry import methods

FEW = 100  # updates a pass

pytestmark = [pytest.mark.long, pytest.mark.parametrize("name", methods())]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return Runtime(out=tmp_path_factory.mktemp("runs"), threads=1)


def test_one_pass_beats_the_scripts_ten_epochs(runtime, name):
    run = execute(make_recipe(name, passes=1, split="inner"), 0, runtime, [])
    if str(run.result.reason).startswith("no step fits"):
        return  # a full batch and a line search on it are more than a pass
    assert run.status == "done", run.result.reason
    if run.result.steps >= FEW and run.result.ledger_counts["gradients"]:
        assert run.summary()["accuracy"] > STARTER
