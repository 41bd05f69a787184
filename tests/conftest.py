"""Data for all tests: the real images, and few of them where size does not matter."""

from lenetlab.openmp import wait_briefly

wait_briefly()

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from lenetlab.experiments.run.runtime import Runtime
from lenetlab.experiments.starter.scripts import run as starter_scripts
from lenetlab.oracle.engine import Engine
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem import data, files
from lenetlab.problem.data import Split, load
from lenetlab.problem.idx import IdxFile
from lenetlab.problem.problems import FASHION_MNIST, Problem

CPU = torch.device("cpu")
# No test is timed: machines may be busy. In CI the examples are the same every time, so that no
# change is blamed for what chance brought up.
settings.register_profile("lenetlab", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "lenetlab")


@pytest.fixture(scope="session", autouse=True)
def _unpacked_once() -> Iterator[None]:
    """A file of the data is unpacked and verified once, as long as it is the same file: what is
    loaded of it is a copy. Half of what a small run takes would go into it else."""
    known: dict[tuple[object, ...], bytes] = {}

    def read(file: IdxFile, folder: Path, problem: Problem = FASHION_MNIST) -> bytes:
        path = files.present(file.name, folder)
        if path is None:
            return files.read(file, folder, problem)
        stat = path.stat()
        key = path.resolve(), stat.st_mtime_ns, stat.st_size, file, problem.name
        if key not in known:
            known[key] = files.read(file, folder, problem)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "read", read)
        patch.setattr(starter_scripts, "read", read)
        yield


@pytest.fixture(scope="session")
def train() -> Split:
    """All 60,000 training images."""
    return load("train")


@pytest.fixture(scope="session")
def test() -> Split:
    """All 10,000 test images."""
    return load("test")


class SmallRuntime(Runtime):
    """The runtime over the first 1,500 training and 500 test images."""

    def load(
        self, split: str, problem: Problem = FASHION_MNIST
    ) -> tuple[Split, Engine, Split, Engine]:
        key = problem.name, split
        if key not in self._loaded:
            train, test = (
                load(half, problem=problem).take(0, n)
                for half, n in (("train", 1500), ("test", 500))
            )
            self._loaded[key] = train, self.over(train), test, self.over(test)
        return self._loaded[key]

    def over(self, split: Split) -> Engine:
        return TorchEngine(split, CPU)


@pytest.fixture(scope="session")
def _small(tmp_path_factory: pytest.TempPathFactory) -> SmallRuntime:
    runtime = SmallRuntime(out=tmp_path_factory.mktemp("none"), device="cpu")
    runtime.load("official")
    return runtime


@pytest.fixture
def runtime(_small: SmallRuntime, tmp_path: Path) -> Iterator[SmallRuntime]:
    """A small runtime with a results folder of its own."""
    threads = torch.get_num_threads()
    yield SmallRuntime(out=tmp_path / "runs", device="cpu", _loaded=_small._loaded)
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _no_tuned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests keep tuned recipes of their own; what the package keeps is no part of them."""
    monkeypatch.setattr(
        "lenetlab.experiments.tuning.tuned_recipes.PACKAGE", tmp_path / "no-tuned.json"
    )
