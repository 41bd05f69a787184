"""One scorer and one honest run for all tests: the true images are read once."""

import shutil
from pathlib import Path

import pytest
import torch

from lenetlab.api import run
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.judge.scoring import Scorer


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    return Scorer(Runtime(out=Path("unused"), device="cpu"))


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run with much of what a recipe can have."""
    out = tmp_path_factory.mktemp("runs")
    threads = torch.get_num_threads()
    found = run(
        "ema+adamw",
        seed=5,
        runtime=Runtime(out=out, device="cpu", threads=1),
        passes=0.05,
        batch_size=100,
        schedule="cosine",
        warmup=0.1,
        beta1=0.8,
        **{"ema.decay": 0.9},
    )
    torch.set_num_threads(threads)
    assert found.status == "done"
    return found.path


@pytest.fixture
def copy(honest: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(honest, tmp_path / honest.name))
