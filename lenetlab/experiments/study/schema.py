"""The JSON Schema of study files: editors complete and check by it while one is written.

It says what can be said of a file alone; what methods, settings and each other's numbers allow is
known by `study_file`, which has the last word.
"""

from typing import Any

from lenetlab.experiments.recipe.recipe import LONGEST, OPTIONS
from lenetlab.experiments.study.file.given import FIXED
from lenetlab.experiments.study.file.search import MOST_SEEDS
from lenetlab.experiments.tuning.trials import SAMPLERS
from lenetlab.methods.constraint import constraints
from lenetlab.methods.registry import methods
from lenetlab.methods.wrappers import wrappers
from lenetlab.problem.problems import PROBLEMS
from lenetlab.problem.scenarios import SCENARIOS

Schema = dict[str, Any]


def _said(schema: Schema, sentence: str) -> Schema:
    return {**schema, "description": sentence}


COUNT: Schema = {"type": "integer", "minimum": 1}
PASSES: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST}
VALUE: Schema = {"type": ["number", "string", "boolean", "array", "object"]}
INTERVAL = [{"type": "number"}, {"type": "number"}]
DIMENSION: Schema = {
    "anyOf": [
        _said({"type": "array", "prefixItems": INTERVAL, "minItems": 2, "maxItems": 2}, "Even."),
        _said(
            {"type": "array", "prefixItems": [*INTERVAL, {"const": "log"}], "minItems": 3,
             "maxItems": 3},
            "Even in the logarithm.",
        ),
        _said(
            {"type": "object", "properties": {"pick": {"type": "array", "minItems": 1}},
             "required": ["pick"], "additionalProperties": False},
            "One of these.",
        ),
    ]
}  # fmt: skip


def study_schema() -> Schema:
    """The schema (draft 2020-12) of a study file, with the names that are registered now."""
    settings = _settings()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A study of lenetlab",
        **_table(
            {
                "title": _said({"type": "string"}, "What the study is called on its page."),
                "scenarios": _said(_names({"enum": list(SCENARIOS)}), "Each with its own boards."),
                "methods": _said(
                    _names({"anyOf": [{"enum": list(methods())}, _around(), _outside()]}),
                    "Registered names, in wrappers or not; file.py:Class or module:Class.",
                ),
                "problems": _said(
                    _names({"anyOf": [{"enum": list(PROBLEMS)}, {"type": "string"}]}),
                    "Names of problems, or folders of four IDX files; else Fashion-MNIST.",
                ),
                "transfer": _said(
                    {"type": "boolean"}, "Whether recipes are tuned on the first problem alone."
                ),
                "passes": _said(PASSES, "Effective passes of confirmations and finals."),
                "seeds": _said(COUNT, "Finals of every cell."),
                "first_seed": _said({"type": "integer", "minimum": 1}, "Of the finals; else 0."),
                "cell_limit": _said(_positive(), "CPU seconds that a whole cell may take."),
                "limit": _said(_positive(), "Seconds after which a run is stopped."),
                "tune": _said(
                    _table(
                        {
                            "trials": _said(COUNT, "Drawn; the default is tried as well."),
                            "passes": _said(PASSES, "Of every trial."),
                            "sampler": {"enum": list(SAMPLERS)},
                            "confirm": _said(COUNT, "So many of the best run for all passes."),
                            "confirm_seeds": COUNT | {"maximum": MOST_SEEDS},
                        }
                    ),
                    "Without this table recipes are as given.",
                ),
                "leader": _said(
                    _table({"best": COUNT, "seeds": COUNT | {"maximum": MOST_SEEDS}}),
                    "So many of the best methods run again on held-out images.",
                ),
                "luck": _said(
                    _table({"best": COUNT, "searches": COUNT}),
                    "So many of the best methods are searched again.",
                ),
                "record": _said(
                    {
                        **_table(
                            {
                                "goal": _said({"type": "string", "minLength": 1}, "In words."),
                                "above": _said(
                                    {**_positive(), "maximum": 100},
                                    "Percent of the mean test accuracy.",
                                ),
                                "below": _said(_positive(), "Of the mean test loss."),
                            }
                        ),
                        "required": ["goal"],
                        "oneOf": [{"required": ["above"]}, {"required": ["below"]}],
                    },
                    "The bound that the finals are to beat, of a record board.",
                ),
                "settings": _said(settings, "Of every cell."),
                "vary": _said(
                    {"type": "object", "additionalProperties": {"type": "array", "minItems": 1}},
                    "A cell for every combination of these values.",
                ),
                "scenario": _said(_each(settings), "Settings of one scenario."),
                "method": _said(
                    _each(
                        _table(
                            {
                                "scenarios": _names({"enum": list(SCENARIOS)}),
                                "settings": settings,
                                "space": {"type": "object", "additionalProperties": DIMENSION},
                            }
                        )
                    ),
                    "What one method has of its own.",
                ),
            }
        ),
        "required": ["methods", "scenarios"],
    }


def _settings() -> Schema:
    """Hyperparameters can have any name; those that the file says elsewhere are refused."""
    options = {name: VALUE for name in OPTIONS if name not in FIXED}
    options["constraint"] = {"anyOf": [{"enum": list(constraints())}, VALUE]}
    return {
        "type": "object", "properties": options, "additionalProperties": VALUE,
        "propertyNames": {"not": {"enum": list(FIXED)}},
    }  # fmt: skip


def _around() -> Schema:
    return {"type": "string", "pattern": rf"^({'|'.join(wrappers())})\+"}


def _outside() -> Schema:
    return {"type": "string", "pattern": "[.:]"}


def _positive() -> Schema:
    return {"type": "number", "exclusiveMinimum": 0}


def _names(one: Schema) -> Schema:
    return {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}


def _table(keys: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": keys, "additionalProperties": False}


def _each(one: Schema) -> Schema:
    return {"type": "object", "additionalProperties": one}
