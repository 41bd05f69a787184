"""Other images on the command line: `data`, `run`, `tune`, and what is refused."""

import json

import pytest

from tests.own_images import write


@pytest.fixture
def leaves(tmp_path):
    return write(tmp_path / "leaves")


def test_data_describes_a_folder(lenetlab, leaves):
    found = lenetlab("data --problem leaves")
    assert found.status == 0, found.err
    assert "train: 600 images of 28 × 28, uint8, validated" in found.out
    assert "  60 images of each of 10 classes" in found.out
    assert "held out for tuning: the last 100 training images" in found.out
    facts = json.loads(lenetlab("data --problem leaves --json").out)
    assert facts["problem"].startswith("leaves@")
    assert (facts["held_out"], facts["train"]["folder"]) == (100, str(leaves))


def test_a_run_on_a_folder_names_it_and_can_be_repeated(lenetlab, leaves):
    command = "run sgd --lr 0.3 --passes 0.05 --engine torch --problem"
    found = lenetlab(f"{command} leaves --json")
    assert found.status == 0, found.err
    summary = json.loads(found.out)
    name = summary["recipe"]["problem"]
    assert name.startswith("leaves@")
    again = json.loads(lenetlab(f"{command} {name} --json").out)
    assert again["run_dir"] == summary["run_dir"]
    assert f"sgd on {name}, 0.05 passes, seed 0" in lenetlab(f"{command} leaves").out
    judged = lenetlab(f"judge {summary['run_dir']}")
    assert judged.status == 2
    assert f"it is a run on {name}; the judge knows Fashion-MNIST alone" in judged.out


def test_a_tuned_recipe_belongs_to_its_problem(lenetlab, leaves):
    found = lenetlab("tune sgd --problem leaves --trials 1 --passes 0.01 --workers 1")
    assert found.status == 0, found.err
    assert "`lenetlab run sgd --problem leaves --tuned` begins from it" in found.out
    (slot,) = json.loads((leaves.parent / "runs/tuned.json").read_text())["sgd"]
    assert slot.startswith("plain on leaves@")
    assert lenetlab("run sgd --problem leaves --tuned --passes 0.01").status == 0
    usual = lenetlab("run sgd --tuned --passes 0.01")
    assert (usual.status, usual.err.count("no tuned recipe is kept for sgd")) == (2, 1)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("run sgd --problem kmnits", "unknown problem 'kmnits'; did you mean 'kmnist'?"),
        ("run sgd --problem ./none", "--problem ./none is no folder; expected the four IDX files"),
        ("run sgd --vary problem=mnist,kmnist", "problem cannot be varied"),
        ("run sgd --problem leaves --data .", "is where its files are, and --data . is another"),
        ("data --problem empty", "empty/train-images-idx3-ubyte is missing (also tried"),
        ("study two.toml --data .", "--data . holds the files of one problem and two.toml has 2"),
    ],
)
def test_what_is_refused_in_one_sentence(lenetlab, leaves, command, said):
    (leaves.parent / "empty").mkdir()
    (leaves.parent / "two.toml").write_text(
        'problems = ["fashion-mnist", "leaves"]\nscenarios = ["plain"]\nmethods = ["sgd"]\n'
    )
    found = lenetlab(command)
    assert found.status == 2
    assert said in found.err
    assert found.err.startswith("lenetlab: ")
