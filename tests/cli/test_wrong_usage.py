"""A user's mistake gets one sentence that names it and its cure, status 2, and no traceback."""

from pathlib import Path

import pytest

from lenetlab.records import run_folder

WRONG = {
    "run adamv": "did you mean 'adam",
    "run adamw --set lrr=1": "did you mean 'lr'",
    "run adamw --set lr=-1": "lr=-1 is out of range",
    "run adamw --set lr=nan": "lr=nan is out of range",
    "run adamw --set lr=inf": "lr=inf is out of range",
    "run adamw --set lr=fast": "lr=fast is not a number",
    "run adamw --set lr": "expected NAME=VALUE",
    "run adamw --set lr=1 --set lr=2": "already given",
    "run adamw --set fused=1": "expected true or false",
    "run heavy_ball --set momentum=1": "momentum=1 is out of range",
    "run adamw --batch-size 0": "size=0 is out of range",
    "run adamw --batch-size 60001": "size=60001 is out of range",
    "run adamw --epochs 0": "epochs=0 is out of range",
    "run adamw --epochs nan": "epochs=nan is out of range",
    "run adamw --epochs 1,2": "--vary epochs=1,2 compares them",
    "run adamw --batch-size=16,32": "--vary batch_size=16,32 compares them",
    "run adamw --seed 1,2": "--seeds N runs N of them",
    "run adamw --epochs 1 --passes 1": "not both",
    "run adamw --schedule cosin": "did you mean 'cosine'",
    "run adamw --schedule step:gama=1": "did you mean 'gamma'",
    "run adamw --schedule cosine --set schedule.of=momentum": "schedule.of=momentum",
    "run adamw --warmup 1": "warmup=1 is out of range",
    "run adamw --plan geometrik": "did you mean 'geometric'",
    "run sgd --scenario l2": "needs weight_decay > 0",
    "run sgd --scenario l2 --decay weights": "needs weight_decay > 0",
    "run sgd --set weight_decay=1e-3": "not allowed in scenario 'plain'",
    "run sgd --scenario sparse": "needs a --constraint",
    "run sgd --scenario sparse --constraint magnitud": "did you mean 'magnitude'",
    "run sgd --scenario sparse --constraint iht:keep=0.1": "choose --scenario frontier",
    "run sgd --constraint iht": "allows no constraint",
    "run sgd --set constraint.keep=3": "there is no constraint",
    "run sgd --decay weights": "nothing does",
    "run sgd --scenario l2 --set weight_decay=1 --decay biases": "unknown decay 'biases'",
    "run sgd --augment flip": "add --rules open",
    "run sgd --rules open --augment flop": "did you mean 'flip'",
    "run sgd --rules open --augment shift:pixels=9": "pixels=9 is out of range",
    "run sgd --rules open --augment mixup": "trained on the cross-entropy",
    "run sgd --set label_smoothing=0.1": "trained on the cross-entropy",
    "shrink nowhere": "expected a finished run in nowhere",
    "run sgd --rules stric": "did you mean 'strict'",
    "run sgd --split iner": "did you mean 'inner'",
    "run nofile.py:Mine": "nofile.py does not exist",
    "run nomodule:Mine": "cannot be imported",
    "run torch.optim:Adan": "did you mean 'Adam'",
    "run sgd --data nowhere": "nowhere is not a folder",
    "run sgd --vary lr=": "expected NAME=V1,V2",
    "run sgd --set lr=0.1 --vary lr=1,2": "both set and varied",
    "run sgd --set split=inner --split inner": "split is given twice, as --split and by --set",
    "run adam --vary beta1=(0.8,0.9),0.5": "beta1=(0.8, 0.9) is not a number",
    "run sgd --passes 5 --vary passes=0.02,0.05": "passes is both set and varied",
    "run sgd --schedule cosine --vary schedule=linear,cosine": "schedule is both set and varied",
    "run sgd --figure one.png": "--figure draws a comparison",
    "run sgd SGD --seeds 2": "sgd and sgd are the same training; leave one of them out",
    "run sgd --vary lr=0.1,0.10": "sgd, lr=0.1 and sgd, lr=0.1 are the same training",
    "tune sgd --set problem=mnist": "problem is no setting of a search",
    "tune sgd --confirm inf": "passes=inf is out of range",
    "tune sgd --confirm 2000000": "passes=2e+06 is out of range",
    "run sgd --seeds 0": "seeds=0 is out of range",
    "run sgd --seed -1": "seed -1 is out of range",
    "run sgd --threads 0": "threads=0 is out of range",
    "run sgd --device cuda:9": "unknown device",
    "run sgd --engine torsch": "did you mean 'torch'",
    "run sgd adamw --figure a.gifx": "no format .gifx; expected one of",
    "methods adm": "did you mean 'adam'",
    "baseline --script nowhere.py": "nowhere.py does not exist",
    "baseline --epochs -1": "epochs=-1 is out of range",
}


@pytest.mark.parametrize("command", WRONG)
def test_a_mistake_gets_one_sentence_and_status_2(lenetlab, command):
    answer = lenetlab(command)
    assert answer.status == 2
    assert answer.out == ""
    assert WRONG[command] in answer.err
    assert answer.err.startswith("lenetlab: ")
    assert answer.err.count("\n") == 1
    assert not Path("runs").exists() or not any(Path("runs").rglob("result.json"))


@pytest.mark.parametrize("command", ["run", "frobnicate", "run sgd --epochs many", "run sgd --no"])
def test_what_the_parser_refuses_has_status_2_too(lenetlab, command):
    answer = lenetlab(command)
    assert answer.status == 2
    assert "Traceback" not in answer.err


def test_a_folder_that_cannot_be_written_is_named(lenetlab, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    answer = lenetlab(f"run sgd --out {tmp_path / 'file'}")
    assert answer.status == 2
    assert f"cannot write {tmp_path / 'file'}" in answer.err
    assert "choose another --out" in answer.err


def test_missing_data_names_the_file_and_the_folder(lenetlab, tmp_path):
    answer = lenetlab(f"data --data {tmp_path}")
    assert answer.status == 2
    assert f"{tmp_path / 'train-images-idx3-ubyte'} is missing" in answer.err


def test_a_run_of_another_version_is_not_touched(lenetlab):
    found = lenetlab("run sgd --epochs 0.01 --json")
    (path,) = Path("runs").glob("sgd-*")
    run = path / run_folder.RUN
    run.write_text(run.read_text().replace('"format": 3', '"format": 99'))
    answer = lenetlab("run sgd --epochs 0.01")
    assert found.status == 0
    assert answer.status == 2
    assert "format 99" in answer.err
    assert (path / run_folder.RESULT).exists()


def test_a_corrupt_checkpoint_is_not_resumed(lenetlab):
    lenetlab("run sgd --epochs 0.01")
    (path,) = Path("runs").glob("sgd-*")
    (path / run_folder.RESULT).unlink()
    (path / run_folder.CHECKPOINT).write_bytes(b"no checkpoint")
    answer = lenetlab("run sgd --epochs 0.01")
    assert answer.status == 2
    assert "is broken" in answer.err
    assert "--no-resume" in answer.err
    assert lenetlab("run sgd --epochs 0.01 --no-resume").status == 0


def test_what_to_do_about_a_broken_file_is_of_that_file(lenetlab):
    """A whole folder of runs is never said to be in the way."""
    Path("runs").mkdir()
    Path("runs/tuned.json").write_text("{")
    answer = lenetlab("run sgd --tuned --epochs 0.01")
    assert answer.status == 2
    assert "tuned.json is broken" in answer.err
    assert answer.err.strip().endswith("; delete it and tune again")
