"""What `benchmarks/defaults.py` recorded of the registered defaults."""

import json
from pathlib import Path
from statistics import fmean

import pytest

MEASURED = json.loads((Path(__file__).parents[2] / "results" / "defaults.json").read_text())
METHODS = MEASURED["methods"]


@pytest.mark.parametrize("name", [name for name, found in METHODS.items() if 1 in found["at"]])
def test_no_default_is_worse_after_five_passes_than_after_one(name):
    found = METHODS[name]
    one, five = (fmean(found["accuracy"][found["at"].index(passes)]) for passes in (1, 5))
    assert five >= one
