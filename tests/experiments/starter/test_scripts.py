"""Scripts as students hand them in (`handed_in/`): refused with the reason, or run and described.

Every file there is one, of a few steps; each is run as its own process by the code that the
command line runs.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lenetlab
from lenetlab.errors import UserError
from lenetlab.experiments.recipe.recall import recall
from lenetlab.experiments.recipe.recipe import Recipe, make_recipe
from lenetlab.experiments.starter.recipe import TestLine
from lenetlab.experiments.starter.scripts import recorder
from lenetlab.experiments.starter.scripts.compare import compare, is_baseline
from lenetlab.experiments.starter.scripts.lines import parse_test_lines
from lenetlab.experiments.starter.scripts.recipe import describe
from lenetlab.experiments.starter.scripts.record import Loader, Net, Record, Scheduler, Trained
from lenetlab.experiments.starter.scripts.run import run_script
from lenetlab.experiments.starter.scripts.schedule import schedule_of
from lenetlab.experiments.starter.scripts.source import read_source
from lenetlab.problem.files import FILES

HANDED_IN = Path(__file__).with_name("handed_in")


def listened(name: str):
    """What a script printed, and its trainings."""
    ran = run_script(read_source(HANDED_IN / name), None, 1, lambda line: None)
    return ran, describe(ran.record)


def recipe(method: str, steps: int, settings: dict | None = None, **given) -> Recipe:
    size = given.setdefault("batch_size", 64)
    epochs = min(steps * size / 60_000, 1.0)
    return make_recipe(method, settings, epochs=epochs, **given)


SAID = {
    "adam_steps.py": recipe(
        "adam", 30, {"lr": 0.002, "schedule.gamma": 0.5, "schedule.stages": 3}, schedule="step",
    ),
    "homework.ipynb": recipe("adagrad", 20, {"lr": 0.01}),
    "clipped.py": recipe(
        "clip_norm+sgd",
        20,
        {"lr": 0.2, "weight_decay": 5e-4, "clip_norm.bound": 1.0,
         "schedule.milestones": (0.5, 0.75), "schedule.gamma": 0.1},
        schedule="multi-step", scenario="l2", decay="weights",
    ),
    "large_test_batch.py": recipe("sgd", 30, {"lr": 0.001}),
    "momentum_cosine.py": recipe(
        "heavy_ball", 20, {"lr": 0.05, "momentum": 0.9, "schedule.stages": 4},
        schedule="cosine", batch_size=32,
    ),
    "warmup_latin1.py": recipe(
        "nesterov", 20, {"lr": 0.1, "momentum": 0.9, "schedule.warmup_from": 0.1},
        schedule="cosine", warmup=0.2,
    ),
    "mean_loss.py": recipe("rmsprop", 10, {"lr": 0.001}),
    "options.py": recipe("nadam", 20, {"lr": 0.004, "weight_decay": 1e-4}, scenario="l2"),
    "polynomial.py": recipe(
        "rmsprop", 20, {"lr": 0.002, "beta2": 0.95, "momentum": 0.5}, schedule="polynomial",
    ),
    "restarts.py": recipe(
        "adamw", 24, {"lr": 0.003, "schedule.first": 1 / 3, "schedule.stages": 6},
        schedule="restarts",
    ),
    "milestones.py": recipe(
        "clip_value+amsgrad",
        20,
        {"lr": 0.003, "beta1": 0.8, "beta2": 0.99, "clip_value.bound": 0.01,
         "schedule.milestones": (0.25, 0.75), "schedule.gamma": 0.3, "schedule.stages": 4},
        schedule="multi-step",
    ),
}  # fmt: skip
SOON = {"homework.ipynb", "clipped.py"}  # the others take a minute together


@pytest.mark.parametrize(
    "name", [name if name in SOON else pytest.param(name, marks=pytest.mark.long) for name in SAID]
)
def test_a_script_is_the_recipe_that_says_the_same(name):
    ran, (it,) = listened(name)
    assert it.others == []
    assert it.recipe == SAID[name]
    assert it.seed == (1 if name == "options.py" else 42)
    assert parse_test_lines(ran.output)


NOT_QUITE = {
    "one_cycle.py": ("adamw", ["betas of its optimizer is moved too"]),
    "normalised.py": ("adamax", ["its images are changed: Normalize", "its plateau watches"]),
    "relu_net.py": ("adam", ["computes something else", "label_smoothing=0.1"]),
    "own_optimizer.py": (None, ["SignSGD is written in the script"]),
}


@pytest.mark.long
@pytest.mark.parametrize("name", NOT_QUITE)
def test_what_no_recipe_says_is_said_beside_the_nearest(name):
    _, (it,) = listened(name)
    method, others = NOT_QUITE[name]
    assert (it.recipe and it.recipe.method.name) == method
    assert len(it.others) == len(others)
    assert all(part in other for part, other in zip(others, it.others, strict=True))


def test_two_trainings_in_one_script_are_two_and_train_accuracies_are_no_test_lines():
    ran, (first, second) = listened("two_models.py")
    assert first.recipe == recipe("sgd", 10, {"lr": 0.001})
    assert second.recipe == recipe("adam", 20, {"lr": 0.001})
    assert len(parse_test_lines(ran.output)) == 3
    assert ran.output.count("Average loss") == 5


def test_listening_changes_no_bit(tmp_path):
    """The same file by itself, beside the stand-in, prints the same."""
    package = Path(lenetlab.__file__).parent
    source = HANDED_IN / "mean_loss.py"
    path = os.pathsep.join(
        [str(package / "experiments" / "starter" / "torchvision_stub"), str(package.parent)]
    )
    alone = subprocess.run(
        [sys.executable, str(source)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    ran = run_script(read_source(source), None, 1, lambda line: None)
    assert ran.output == alone.stdout


# before anything is run


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("progress_bar.py", r"no_such_progress_bar \(line 1\), no_such_table \(line 2\).*pip inst"),
        ("undeclared_latin1.py", r"line 6 that is not UTF-8 \(0xdc\).*coding: latin-1"),
        ("nowhere.py", "does not exist"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_trained(name, expected):
    with pytest.raises(UserError, match=expected):
        read_source(HANDED_IN / name)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"import torch\nfor x in\n", "is no Python in line 2: invalid syntax"),
        (b"# -*- coding: klingon -*-\n", "names the encoding 'klingon'"),
        ("import torch\n".encode("utf-16"), "is not UTF-8"),
        (b"x = 1\0\n", "is no Python: .*null bytes"),
        (b"import sklearn_no_such.metrics as m\n", r"sklearn_no_such \(line 1\)"),
    ],
)
def test_broken_files_get_one_sentence(content, expected, tmp_path):
    file = tmp_path / "mine.py"
    file.write_bytes(content)
    with pytest.raises(UserError, match=expected):
        read_source(file)


def test_imports_that_may_not_be_needed_are_no_reason_to_refuse(tmp_path):
    file = tmp_path / "mine.py"
    (tmp_path / "helper.py").write_text("value = 1\n")
    file.write_text(
        "import helper, os, torchvision.transforms as T\nfrom torch import nn\n"
        "try:\n    from no_such_bar import tqdm\nexcept ImportError:\n    tqdm = iter\n"
        "def later():\n    import no_such_plot\n"
    )
    assert read_source(file).code == file.read_bytes()


def notebook(*cells: str) -> bytes:
    return json.dumps(
        {"cells": [{"cell_type": "code", "source": cell.splitlines(True)} for cell in cells]}
    ).encode()


def test_a_notebook_is_its_code_cells_and_its_errors_name_the_cell(tmp_path):
    file = tmp_path / "mine.ipynb"
    file.write_bytes(notebook("%pip install x\nimport os\n!ls", "%%bash\nrm -r y", "a = 1\nb ="))
    with pytest.raises(UserError, match="is no Python in cell 3, line 2"):
        read_source(file)
    file.write_bytes(notebook("%pip install x\nimport os", "%%time\na = 1"))
    assert read_source(file).code.decode().splitlines() == ["pass", "import os", "", "a = 1"]
    file.write_bytes(b'{"cells": 3}')
    with pytest.raises(UserError, match="is no notebook"):
        read_source(file)


KEPT = """rest = (10
    % 3)
text = \'\'\'
%s of !
\'\'\'
"""
COMMANDS = """if True:
    !pip install \\
      torch
%matplotlib inline
"""


def test_only_what_python_cannot_read_is_a_command_of_a_notebook(tmp_path):
    file = tmp_path / "mine.ipynb"
    file.write_bytes(notebook(KEPT + COMMANDS))
    found: dict = {}
    exec(read_source(file).code, found)
    assert (found["rest"], found["text"]) == (1, "\n%s of !\n")
    assert read_source(file).code.count(b"\n") == (KEPT + COMMANDS).count("\n") - 1


def test_a_script_that_fails_says_where(tmp_path):
    with pytest.raises(UserError, match=r"failed in line 11: NameError: name 'undefined_name'"):
        listened("crashes.py")
    file = tmp_path / "mine.ipynb"
    file.write_bytes(notebook("a = 1", "b = 2\nc = a / 0"))
    with pytest.raises(UserError, match="failed in cell 2, line 2: ZeroDivisionError"):
        run_script(read_source(file), None, 1, lambda line: None)


# the data


def test_it_sees_the_users_data_and_cannot_change_it(tmp_path, monkeypatch):
    own = tmp_path / "data"
    (own / "extra").mkdir(parents=True)
    (own / "extra" / "notes.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "look.py"
    names = [image.name for half in FILES.values() for image in half]
    file.write_text(
        "from pathlib import Path\n"
        "print(Path('data/extra/notes.txt').read_text())\n"
        "raw = Path('data/FashionMNIST/raw')\n"
        f"for name in {names}:\n"
        "    print((raw / name).stat().st_size)\n"
        "    (raw / name).unlink()\n"
        "Path('data/new.txt').write_text('x')\n"
    )
    ran = run_script(read_source(file), None, 1, lambda line: None)
    sizes = [str(image.length) for half in FILES.values() for image in half]
    assert ran.output.split() == ["mine", *sizes]
    assert not (own / "new.txt").exists()


def test_the_folder_that_data_names_is_what_it_sees(tmp_path):
    missing = tmp_path / "empty"
    missing.mkdir()
    with pytest.raises(UserError, match="is missing"):
        run_script(read_source(HANDED_IN / "crashes.py"), missing, 1, lambda line: None)


# its lines


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("Test set: Average loss: 0.0172,      Accuracy: 5953/10000 (59.5%)", (5953, 0.0172)),
        ("Average loss: 0.0172, Train set: 0.5   Accuracy: 5953/10000", (5953, 0.0172)),
        ("Epoch 1: train loss 0.45, test loss 0.55, acc 5953/10000", (5953, 0.55)),
        ("train_loss: 0.2 avg_test_loss: 3.1e-1 5953/10000", (5953, 0.31)),
        ("Avg. loss 0.33 | 5953 / 10,000 right", (5953, 0.33)),
        ("Accuracy: tensor(5953)/10000, average_loss: 0.3", (5953, 0.3)),
        ("Test Avg. loss: 1.2e-2\nAccuracy: 5953.0/10000", (5953, 0.012)),
        ("val_loss=0.41 - 8800/10000", (8800, 0.41)),
        ("Train set: Average loss: 0.5, Accuracy: 30000/60000\nAccuracy: 5953/10000", None),
        ("Epoch 9, Step 10000, Loss: 0.5", None),
        ("Test Accuracy: 59.53 %, loss 0.4", None),
        ("loss 0.4, Accuracy: 5953/100000", None),
    ],
)
def test_evaluations_are_read_in_whatever_words(printed, expected):
    found = [(line.correct, line.starter_average_loss) for line in parse_test_lines(printed)]
    assert found == ([] if expected is None else [expected])


OURS = [TestLine(1, 5953, 0.0172)]


@pytest.mark.parametrize(
    ("size", "theirs", "apart", "same"),
    [
        (64, TestLine(1, 5953, 0.0172), None, True),
        (64, TestLine(1, 5953, 0.0173), None, False),
        (1000, TestLine(1, 5953, 0.0011), "measures at batch 1000", True),
        (1000, TestLine(1, 5954, 0.0172), "measures at batch 1000", False),
        (64, TestLine(1, 5953, 1.0981), "on another scale", True),
        (None, TestLine(1, 5953, 0.0172), "is not known", True),
    ],
)
def test_average_losses_are_compared_only_where_they_are_the_same_figure(size, theirs, apart, same):
    loaders = [] if size is None else [Loader(size, 10_000, 10, False, False, [], 1)]
    found = compare(OURS, [theirs], Record(loaders=loaders))
    assert (found.apart is None) == (apart is None)
    assert apart is None or apart in found.apart
    assert found.same is same


# schedules, from what was seen


def trained(rates: list[float]) -> Trained:
    """An optimizer whose rates these were, step by step."""
    changes = [(k, r) for k, r in enumerate(rates) if k == 0 or r != rates[k - 1]]
    group = {"lr": rates[0], "dimensions": [1]}
    return Trained("SGD", "torch.optim.sgd", group, group, [group], 1, len(rates), changes)


def test_a_rate_moved_by_hand_is_recognised_by_itself():
    n = 1000
    for rates, name, settings in (
        ([0.1 * (1 - k / n) for k in range(n)], "linear", {}),
        ([0.1 * (0.5 ** (k // 300)) for k in range(n)], "multi-step",
         {"gamma": 0.5, "milestones": (0.3, 0.6, 0.9)}),
        ([0.1 * (1 - (k // 100) / 10) for k in range(n)], "linear", {"stages": 10}),
        ([0.1] * n, "constant", {}),
    ):  # fmt: skip
        found = schedule_of(Record([trained(rates)]), 0, 100)
        assert (found.name, found.settings, found.rate) == (name, settings, 0.1)
        assert found.others == []


def test_a_scheduler_whose_rates_were_others_is_not_believed():
    """Stepped once a batch, though made for epochs: the rate is soon nothing."""
    rates = [0.1 * 0.1 ** (k // 3) + 1e-4 * (k % 7) for k in range(1000)]
    scheduler = Scheduler("CosineAnnealingLR", {"T_max": 10, "eta_min": 0}, {}, 0, 1000)
    found = schedule_of(Record([trained(rates)], [scheduler]), 0, 100)
    assert found.name == "constant"
    assert found.others == ["no schedule here moves the rate as it does"]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("OneCycleLR", {"max_lr": [0.1, 0.2], "div_factor": 25, "final_div_factor": 1e4}),
        ("MultiStepLR", {"gamma": 0.1}),  # its milestones were of a kind that is not written down
        ("StepLR", {"gamma": 0.1, "step_size": [3]}),
        ("CosineAnnealingWarmRestarts", {"T_0": "10"}),
    ],
)
def test_a_scheduler_with_settings_of_another_form_is_described_by_its_rates(name, settings):
    record = Record([trained([0.1] * 1000)], [Scheduler(name, settings, {}, 0, 1000)])
    found = schedule_of(record, 0, 100)
    assert (found.name, found.rate) == ("constant", 0.1)
    assert name in found.words


def test_ranges_and_numpys_numbers_are_written_down():
    given = {"milestones": range(2, 8, 2), "step_size": np.int64(3), "gamma": np.float32(0.5),
             "rates": np.array([0.1, 0.2]), "by": len}  # fmt: skip
    assert recorder._plain(given) == {
        "milestones": [2, 4, 6], "step_size": 3, "gamma": 0.5, "rates": [0.1, 0.2],
    }  # fmt: skip


def test_the_baseline_is_known_by_what_it_does():
    loader = Loader(64, 60_000, 938, True, False, ["ToTensor"], 10)
    settings = {"lr": 0.001, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False}
    group = {**settings, "dimensions": [1, 2, 4]}
    one = Trained("SGD", "torch.optim.sgd", settings, settings, [group], 44_426, 9380, [(0, 0.001)])
    one.net = Net("LeNet5", 44_426, starter=True, start="starter", lowest=0.0, highest=1.0)
    losses = [("cross_entropy", {"reduction": "mean", "label_smoothing": 0.0}, 9380)]
    record = Record([one], loaders=[loader], seeds=[42], losses=losses)
    assert is_baseline(describe(record), 10)
    assert not is_baseline(describe(record), 9)
    one.rates = [(0, 0.01)]
    assert not is_baseline(describe(record), 10)
    one.rates, record.seeds = [(0, 0.001)], [1]
    assert not is_baseline(describe(record), 10)


def test_nothing_is_imported_because_a_script_names_it(capsys, monkeypatch, tmp_path):
    """`this` prints when it is imported, and a file may lie on the path."""
    (tmp_path / "helper_of_a_script.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("this", "helper_of_a_script"):
        it = Trained("Adam", module, {}, {}, [{"dimensions": [1]}], 44_426, 10, [(0, 0.1)])
        (found,) = describe(Record([it], loaders=[Loader(64, 640, 10, True, False, [], 1)]))
        assert f"its optimizer Adam is of {module}, which is no installed package" in str(
            found.others
        )
    assert capsys.readouterr().out == ""


def test_an_optimizer_that_takes_some_of_the_weights_alone_is_no_recipe():
    """The command would be refused: a run gives all ten tensors."""
    usual = {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.1}
    group = {**usual, "dimensions": [2]}
    it = Trained("Muon", "torch.optim._muon", usual, usual, [group], 41_640, 938, [(0, 0.02)])
    (found,) = describe(Record([it], loaders=[Loader(64, 60_000, 938, True, False, [], 1)]))
    assert found.recipe is None
    assert any("torch.optim:Muon refuses" in other for other in found.others)


def test_biases_spared_from_decay_are_seen_in_either_order_of_the_groups():
    usual = {"lr": 0.1, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False}
    biases = {**usual, "dimensions": [1]}
    weights = {**usual, "weight_decay": 5e-4, "dimensions": [2, 4]}
    loader = Loader(64, 60_000, 938, True, False, ["ToTensor"], 1)
    for groups in ([weights, biases], [biases, weights]):
        it = Trained("SGD", "torch.optim.sgd", usual, usual, groups, 44_426, 938, [(0, 0.1)])
        (found,) = describe(Record([it], loaders=[loader]))
        assert found.recipe.decay == "weights"
        assert found.recipe.weight_decay == 5e-4
    thin = {**weights, "dimensions": [1, 2]}
    it = Trained("SGD", "torch.optim.sgd", usual, usual, [biases, thin], 44_426, 938, [(0, 0.1)])
    (found,) = describe(Record([it], loaders=[loader]))
    assert "its parameter groups differ in weight_decay" in found.others


@pytest.mark.parametrize("name", SAID)
def test_every_recipe_said_of_a_script_is_one_that_the_command_line_takes(name):
    said = SAID[name]
    assert recall(json.loads(json.dumps(said.canonical()))) == said
    assert shlex.split(said.recorded().command())[:2] == ["lenetlab", "run"]
