"""The JSON Schema of study files says what their reader says, as far as a schema can."""

import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lenetlab.errors import UserError
from lenetlab.experiments.study import study_file
from lenetlab.experiments.study.schema import study_schema
from lenetlab.experiments.study.study_file import read_study

ROOT = Path(__file__).parents[3]
SCHEMA = study_schema()
TWO = 'methods = ["sgd", "ema+sgd"]\nscenarios = ["plain", "l2"]\n'
WRONG = {
    "an unknown key": TWO + "sedes = 3",
    "an unknown key of [tune]": TWO + "[tune]\ntrails = 3",
    "no methods": 'scenarios = ["plain"]',
    "an empty list": 'methods = []\nscenarios = ["plain"]',
    "a misspelt method": 'methods = ["adamv"]\nscenarios = ["plain"]',
    "a misspelt wrapper": 'methods = ["emma+sgd"]\nscenarios = ["plain"]',
    "a misspelt scenario": 'methods = ["sgd"]\nscenarios = ["spars"]',
    "a method twice": 'methods = ["sgd", "sgd"]\nscenarios = ["plain"]',
    "a title of digits": TWO + "title = 3",
    "half a seed": TWO + "seeds = 2.5",
    "no passes": TWO + "passes = 0",
    "an unknown sampler": TWO + '[tune]\nsampler = "random"',
    "a fixed setting": TWO + "[settings]\npasses = 3",
    "a range that is none": TWO + "[method.sgd.space]\nlr = [0.1]",
    "a choice of nothing": TWO + "[method.sgd.space]\nlr = { pick = [] }",
    "nothing varied": TWO + "[vary]\nlr = []",
    "a record without a bound": TWO + '[record]\ngoal = "all"',
    "a record with two bounds": TWO + '[record]\ngoal = "all"\nabove = 90\nbelow = 0.3',
    "a record of nothing": TWO + "[record]\nabove = 90",
    "settings that are no table": TWO + "[method.sgd]\nsettings = 3",
}


def refused(text):
    return not Draft202012Validator(SCHEMA).is_valid(tomllib.loads(text))


def test_it_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


def test_it_has_the_keys_of_the_reader():
    keys = {name: set(found["properties"]) for name, found in SCHEMA["properties"].items()
            if "properties" in found}  # fmt: skip
    assert set(SCHEMA["properties"]) == study_file.TOP
    assert keys["tune"] == study_file.TUNE
    assert (keys["leader"], keys["luck"]) == (study_file.LEADER, study_file.LUCK)
    assert keys["record"] == study_file.RECORD
    one = SCHEMA["properties"]["method"]["additionalProperties"]
    assert set(one["properties"]) == study_file.METHOD


@pytest.mark.parametrize(
    "file",
    [p for p in sorted((ROOT / "studies").rglob("*.toml")) if p.parent.name != "ideas"],
    ids=lambda p: p.stem,
)
def test_the_studies_of_the_project_are_valid(file):
    assert not refused(file.read_text())


def test_methods_from_elsewhere_are_valid():
    assert not refused('methods = ["mine.py:Mine", "torch.optim:SGD"]\nscenarios = ["plain"]')


@pytest.mark.parametrize("mistake", WRONG)
def test_what_it_refuses_is_refused_by_the_reader(tmp_path, mistake):
    (file := tmp_path / "wrong.toml").write_text(WRONG[mistake])
    assert refused(WRONG[mistake])
    with pytest.raises(UserError):
        read_study(file)
