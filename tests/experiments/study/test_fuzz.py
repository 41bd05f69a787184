"""Whatever stands in a study file, it is read or refused by a sentence with a line."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lenetlab.errors import UserError
from lenetlab.experiments.study.study_file import read_study

KEYS = st.sampled_from([
    "title", "scenarios", "methods", "passes", "seeds", "limit", "tune", "settings", "vary",
    "scenario", "method", "trials", "sampler", "space", "pick", "lr", "batch_size", "weight_decay",
    "constraint", "constraint.keep", "schedule", "plan", "rules", "augment", "decay", "sam.rho",
    "initialisation", "warmup", "epochs", "sgd", "adamw", "plain", "sparse", "l2", "", "ä", "[/x]",
])  # fmt: skip
WORDS = st.sampled_from([
    "sgd", "adamw", "sam+sgd", "ema+", "+", "x:y", ":", "nofile.py:X", "plain", "l2", "sparse",
    "frontier", "magnitude", "iht:keep=0.1", "step:gamma=2", "cosine:", "open", "flip+shift",
    "tpe", "log", "inf", "none", "", "ä", "[/x]", "\u202e", "x" * 300,
])  # fmt: skip
NUMBERS = st.sampled_from([0, 1, 2, -1, 64, 0.5, 1e-300, 1e300, 10**18, 10**400, -0.0, True,
                           float("inf"), float("nan")])  # fmt: skip
VALUES = st.recursive(
    WORDS | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
HEAD = {"methods": ["sgd", "adamw"], "scenarios": ["plain"]}
FUZZ = settings(
    derandomize=True,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def toml(value: Any) -> str:
    """A value as TOML writes it inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value)
    return str(value).lower()


def read(folder, text):
    path = folder / "s.toml"
    path.write_text(text, encoding="utf-8")
    try:
        study, recipes = read_study(path)
    except UserError as error:
        return str(error)
    assert len(recipes) == len(study.cells) > 0
    assert all(recipes)
    return str(path)


@FUZZ
@given(tree=st.dictionaries(KEYS, VALUES, max_size=4), headed=st.booleans())
def test_any_tree_is_read_or_refused(tmp_path, tree, headed):
    tree = {**HEAD, **tree} if headed else tree
    text = "\n".join(f"{toml(key)} = {toml(value)}" for key, value in tree.items())
    assert str(tmp_path) in read(tmp_path, text)


@FUZZ
@given(
    path=st.lists(KEYS.filter(bool), min_size=1, max_size=3),
    table=st.dictionaries(KEYS, VALUES, min_size=1, max_size=3),
)
def test_any_table_is_read_or_refused(tmp_path, path, table):
    lines = [f"{toml(key)} = {toml(value)}" for key, value in HEAD.items()]
    lines += [f"[{'.'.join(map(toml, path))}]"]
    lines += [f"{toml(key)} = {toml(value)}" for key, value in table.items()]
    assert str(tmp_path) in read(tmp_path, "\n".join(lines))


@FUZZ
@given(text=st.text(st.sampled_from("abs=[]{}\"'.,#\n 019-e_\\ä\t"), max_size=60))
def test_any_text_is_read_or_refused(tmp_path, text):
    assert str(tmp_path) in read(tmp_path, text)


def test_these_are_read(tmp_path):
    """That what is fuzzed is a study file at all."""
    path = tmp_path / "s.toml"
    path.write_text("\n".join(f"{toml(key)} = {toml(value)}" for key, value in HEAD.items()))
    assert len(read_study(path)[0].cells) == 2
    path.write_text("")
    with pytest.raises(UserError, match="methods is missing"):
        read_study(path)
