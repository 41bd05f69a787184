"""Run folders that a stranger made: each ends in one sentence, and none waits, or is let pass."""

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenetlab.judge.verdict import judge, submissions

from .corpus import GOOD
from .test_claims import edit, named_anew, rejudged
from .test_reading import one_clear_line


def replaced(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda path: (path / name).write_bytes(content) and None


def linked(name: str, target: str) -> Callable[[Path], None]:
    def link(path: Path) -> None:
        (path / name).unlink()
        (path / name).symlink_to(target)

    return link


def piped(name: str) -> Callable[[Path], None]:
    def pipe(path: Path) -> None:
        (path / name).unlink()
        os.mkfifo(path / name)

    return pipe


def array(value: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, value)
    return buffer.getvalue()


def huge_array() -> bytes:
    """An array that says it has 10¹⁵ numbers."""
    content = array(np.zeros(30, np.float32))
    return content.replace(b"(30,), }" + b" " * 20, b"(1000000000000000,), }" + b" " * 6)


def says(**fields: Any) -> Callable[[Path], None]:
    return lambda path: edit(path, "run.json", lambda v: v.update(fields))


UNREADABLE: dict[str, tuple[Callable[[Path], None], str]] = {
    "no run.json": (lambda p: (p / "run.json").unlink(), "run.json does not exist"),
    "a pipe for run.json": (piped("run.json"), "run.json is a named pipe"),
    "a pipe for the curve": (piped("curve.json"), "curve.json is a named pipe"),
    "a pipe for the losses": (piped("losses.npy"), "losses.npy is a named pipe"),
    "a pipe for the weights": (piped("weights.safetensors"), "is a named pipe"),
    "zeros without end": (linked("result.json", "/dev/zero"), "result.json is a device"),
    "a folder for run.json": (
        lambda p: (p / "run.json").unlink() or (p / "run.json").mkdir(),
        "run.json is a folder",
    ),
    "nested ten thousand deep": (
        replaced("run.json", b"[" * 10_000 + b"]" * 10_000),
        "run.json is broken",
    ),
    "objects nested ten thousand deep": (
        replaced("machine.json", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
        "machine.json is broken",
    ),
    "a number of a million digits": (
        replaced("result.json", b'{"status": "done", "steps": ' + b"9" * 10**6 + b"}"),
        "result.json is broken",
    ),
    "not a number": (
        lambda p: edit(p, "result.json", lambda v: v.update(passes=float("nan"))),
        "result.json is broken (NaN is no number)",
    ),
    "five megabytes": (replaced("curve.json", b" " * 5 * 2**20), "curve.json has more than 4 MB"),
    "a list": (replaced("run.json", b"[]"), "run.json holds no JSON object"),
    "bytes": (replaced("run.json", b"\xff\xfe"), "run.json is broken"),
    "another format": (says(format=99), "format 99"),
    "no recipe": (says(recipe=[]), "names no recipe"),
    "a method that is none": (says(recipe={"method": [["sgd"], {}]}), "names no recipe"),
    "a scenario that is none": (
        says(recipe={"method": ["sgd", {}], "scenario": {"a": 1}}),
        "names no recipe",
    ),
    "numerics that are none": (says(numerics=3), "names no recipe and numerics"),
    "losses of objects": (
        replaced("losses.npy", array(np.array([{}], dtype=object))),
        "losses.npy is broken",
    ),
    "losses in a table": (replaced("losses.npy", array(np.zeros((2, 2)))), "no list of float32"),
    "losses without end": (replaced("losses.npy", huge_array()), "losses.npy is broken"),
    "losses of an archive": (replaced("losses.npy", b"PK\x03\x04"), "losses.npy is broken"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_folder_that_is_no_run_ends_in_one_sentence(name, copy, scorer):
    alter, words = UNREADABLE[name]
    alter(copy)
    verdict = judge(copy, None, scorer)
    assert verdict.outcome == "unreadable"
    assert len(verdict.problems) == 1
    assert words in verdict.problems[0]
    assert one_clear_line(verdict.problems[0])


def test_what_is_left_of_a_run_folder_is_none_of_weights(copy):
    """Without run.json its weights would pass as anybody's file."""
    (copy / "run.json").unlink()
    assert submissions([copy]) == ([copy], [])
    assert submissions([copy.parent]) == ([copy], [])
    for name in ("result.json", "curve.json", "machine.json", "losses.npy"):
        (copy / name).unlink()
    assert submissions([copy]) == ([copy / "weights.safetensors"], [])


BROKEN: dict[str, Callable[[Path], None]] = {
    "a seed in words": says(seed="five"),
    "a seed that is a truth": says(seed=True),
    "a seed out of range": says(seed=-(10**30)),
    "a rate that is a list": says(recipe={"method": ["sgd", {"lr": [[1]]}]}),
    "a plan that is a number": says(recipe={"method": ["sgd", {}], "plan": 5}),
    "a budget of text": says(recipe={"method": ["sgd", {}], "budget": ["epochs", "many"]}),
    "a budget without a unit": says(recipe={"method": ["sgd", {}], "budget": []}),
    "wrappers of wrappers": says(recipe={"method": ["sgd", {}], "wrappers": [[["ema"]]]}),
    "an augmentation of text": says(recipe={"method": ["sgd", {}], "augmentation": "flip"}),
    "another id": says(id=["a"]),
    "a line that rings": says(data="\x1b[31m\x07\n" * 1000),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_record_breaks_the_rules_trained_again_or_not(name, copy, scorer):
    BROKEN[name](copy)
    if name != "another id":
        named_anew(copy)
    verdict = rejudged(copy, scorer)
    assert verdict.outcome == "broken"
    assert all(map(one_clear_line, verdict.problems))


def test_names_may_be_of_any_bytes_and_any_length(tmp_path, scorer):
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[31m\n.pt"))
    strange.write_bytes(GOOD["state dict"]())
    verdict = judge(strange, None, scorer)
    assert verdict.outcome == "kept"
    assert verdict.name == f"{tmp_path}/\\xff\\x1b[31m\\n.pt"
    assert json.dumps(verdict.as_json())
    long = judge(tmp_path / ("a" * 300), None, scorer)
    assert (long.outcome, long.problems) == ("unreadable", ("cannot be read (File name too long)",))
    assert submissions([tmp_path / ("a" * 300)]) == ([tmp_path / ("a" * 300)], [])


def test_a_folder_of_an_honest_run_is_still_one(honest, tmp_path, scorer):
    moved = Path(shutil.copytree(honest, tmp_path / "elsewhere"))
    assert judge(moved, None, scorer).outcome == "kept"
