"""One scorer for all tests: the true test images are read once."""

from pathlib import Path

import pytest

from lenetlab.experiments.bench import Bench
from lenetlab.judge.scoring import Scorer


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    return Scorer(Bench(out=Path("unused"), device="cpu"))
