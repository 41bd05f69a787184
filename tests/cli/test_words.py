"""What people type on a command line: taken for what is meant, or answered with it."""

import json
from pathlib import Path

import pytest

BRIEF = "--epochs 0.02 --json"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("adamw --lr 0.002 --weight-decay=0.1 --scenario l2",
         "adamw --set lr=0.002 --set weight_decay=0.1 --scenario l2"),
        ("--lr 0.2 sgd", "sgd --set lr=0.2"),
        ("SGD --lr=1e-1", "sgd --set lr=0.1"),
        ("momentum --momentum 0.8", "heavy_ball --set momentum=0.8"),
        ("sam+sgd --sam.rho 0.1 --schedule cosine --schedule.floor=0.1",
         "sam+sgd --set sam.rho=0.1 --schedule cosine --set schedule.floor=0.1"),
        ("nesterov sgd --beta 1 --lr 0.2", None),
        ("sgd --scenario sparse --constraint magnitude --constraint.begin 0.1",
         "sgd --scenario sparse --constraint magnitude --set constraint.begin=0.1"),
    ],
)  # fmt: skip
def test_a_hyperparameter_is_an_option(lenetlab, typed, meant):
    answer = lenetlab(f"run {typed} {BRIEF}")
    if meant is None:
        assert answer.status == 2
        return
    assert answer.status == 0, answer.err
    same = json.loads(lenetlab(f"run {meant} {BRIEF}").out)
    assert json.loads(answer.out)["recipe"] == same["recipe"]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("run sgd --momentum 0.9", "no option --momentum; sgd has lr, weight_decay; heavy_ball"),
        ("run adamw --lrr 0.1", "no option --lrr; did you mean --lr?"),
        ("run adamw --batchsize 32", "did you mean --batch-size?"),
        ("run adamw --batch 32", "did you mean --batch-size?"),
        ("run adamw --learning-rate 0.1", "did you mean --lr?"),
        ("run adamw --lr", "--lr needs a value"),
        ("run adamw --lr --json", "--lr needs a value"),
        ("run adamw --lr -1", "lr=-1 is out of range"),
        ("run adamw --lr 0.1 --set lr=0.2", "'lr' was already given"),
        ("run adamw --registered", "no option --registered"),
        ("run adamw --schedule Cosin", "did you mean 'cosine'"),
        ("run adamw --schedule one_cicle", "did you mean 'one-cycle'"),
        ("tune sgd --momentum 0.9", "no option --momentum"),
        ("baseline --lr 0.1", "no option --lr; --help lists the options"),
        ("baseline --epoch 1", "did you mean --epochs?"),
        ("export last", "runs has no finished run"),
    ],
)
def test_what_cannot_be_meant_is_answered(lenetlab, typed, answer):
    printed = lenetlab(typed)
    assert printed.status == 2
    assert answer in printed.err
    assert len(printed.err.splitlines()) == 1


def test_a_searched_hyperparameter_is_held_by_its_option(lenetlab):
    answer = lenetlab("tune sgd --lr 0.2 --trials 2 --passes 0.02 --workers 1 --json")
    rates = [trial["recipe"]["method"][1]["lr"] for trial in json.loads(answer.out)["trials"]]
    assert rates == [0.2, 0.2, 0.2]


def test_last_is_the_run_that_ended_last(lenetlab):
    lenetlab(f"run sgd {BRIEF}")
    last = json.loads(lenetlab(f"run adamw {BRIEF}").out)["run_dir"]
    answer = lenetlab("export last")
    assert answer.out.strip() == f"{Path(last).name}.pt"
    assert f"last is {last}" in answer.err
    assert Path(last).name in lenetlab("judge last").out
    Path("last").write_text("a file of that name")
    assert lenetlab("export last").status == 2
