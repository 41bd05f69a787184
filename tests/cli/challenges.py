"""A study of seconds, a guest from a file, and `lenetlab` called in this process."""

import sys
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import torch

STUDY = """title = "Stored"
scenarios = ["plain", "l2"]
methods = ["sgd", "adamw"]
passes = 0.04
seeds = 2
[tune]
trials = 1
passes = 0.02
confirm = 1
confirm_seeds = 1
[leader]
best = 2
seeds = 1
"""
# Deterministic, whatever it is asked for by FIRST: to hang or to quit when it first steps.
MINE = """
import torch
import helper

class Mine(torch.optim.SGD):
    def __init__(self, params, lr=0.05):
        super().__init__(params, lr=lr, momentum=helper.MOMENTUM)

    def step(self, closure=None):
        import late
        late.first()
        return super().step(closure)
"""
HELPER = "MOMENTUM = 0.9\n"
LATE = """
import os
import pathlib
import time

def first():
    asked, _, where = os.environ.get("FIRST", "").partition(" ")
    if asked and not pathlib.Path(where).exists():
        pathlib.Path(where).touch()
        os._exit(3) if asked == "quit" else time.sleep(600)
"""
ASKED = "challenge sub/mine.py:Mine --study stored.toml --workers 1"


def called(command: str, folder: Path, status: int = 0) -> str:
    """What `lenetlab` prints in `folder`, in this process."""
    from lenetlab.cli import main

    printed, threads = StringIO(), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch, chdir(folder), redirect_stdout(printed):
        patch.setattr(sys, "argv", ["lenetlab", *command.split()])
        with pytest.raises(SystemExit) as stop:
            main()
        assert (stop.value.code or 0) == status
    torch.set_num_threads(threads)
    return printed.getvalue()
