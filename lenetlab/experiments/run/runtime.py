"""The runtime: data in memory and an engine over it, shared by all runs of a process."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import torch

from lenetlab.disk import as_path
from lenetlab.errors import UserError
from lenetlab.experiments.run.environment import choose_device, commit, processors
from lenetlab.oracle.choose_engine import choose_engine, make_engine
from lenetlab.oracle.engine import Engine
from lenetlab.problem.data import Split, load, load_pair
from lenetlab.problem.problems import FASHION_MNIST, Problem
from lenetlab.settings import plain

_PROCESSORS = os.cpu_count() or 1
_TORCH_THREADS = torch.get_num_threads()


@dataclass
class Runtime:
    """Where and by what runs are computed; the data is read when first needed.

    data : folder of the IDX files, None to search for them.
    out : folder that receives one directory a run.
    engine : by name, `auto` for the best there is. device : `cpu`, on which all figures here were
        measured; `auto` for the accelerator if there is one.
    threads : of the engine, 1 to the number of processors; None for one a processor that this
        process may use (or PyTorch's own choice).
    resume : continue unfinished runs and reuse finished ones, instead of starting over.
    save_every : seconds between checkpoints.

    Raises: `UserError` for an engine, a device or a number of threads that is not to be had.
    """

    data: Path | None = None
    out: Path = Path("runs")
    engine: str = "auto"
    device: str = "cpu"
    threads: int | None = None
    resume: bool = True
    save_every: float = 10.0
    _loaded: dict[tuple[str, str], tuple[Split, Engine, Split, Engine]] = field(
        default_factory=dict
    )
    _measured: dict[tuple[str, str], tuple[Split, Engine]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.out = as_path("out", self.out)
        self.data = None if self.data is None else as_path("data", self.data)
        self.threads, self.save_every = plain(self.threads), plain(self.save_every)
        if type(self.save_every) not in (int, float) or not self.save_every >= 0:
            raise UserError(f"save_every={self.save_every!r} is no number of seconds from 0 on")
        if self.threads is not None and type(self.threads) is not int:
            raise UserError(f"threads={self.threads!r} is no whole number")
        if self.threads is not None and not 1 <= self.threads <= _PROCESSORS:
            raise UserError(f"threads={self.threads} is out of range; expected 1 to {_PROCESSORS}")
        commit()  # is asked for now, when the code is being loaded, and remembered
        self.torch_device = choose_device(self.device)
        if self.torch_device.type == "cuda":
            torch.backends.cudnn.deterministic = True
            torch.backends.cudnn.benchmark = False
        self.engine = choose_engine(self.engine, self.torch_device)
        if self.engine == "native":
            # Two pools of threads that take turns slow each other down: PyTorch gets one thread.
            self.engine_threads, self._torch_threads = self.threads or processors(), 1
        else:
            self.engine_threads = self._torch_threads = self.threads or _TORCH_THREADS

    def load(
        self, split: str, problem: Problem = FASHION_MNIST
    ) -> tuple[Split, Engine, Split, Engine]:
        """What is trained on and its engine, what is measured on and its engine, for the split
        `official` or `inner`; from here on PyTorch has the number of threads that belongs to them.
        Raises: `UserError` for data that is missing or altered."""
        torch.set_num_threads(self._torch_threads)
        key = problem.name, split
        if key not in self._loaded:
            train, test = load_pair(split, self.data, problem)
            self._loaded[key] = (train, self.over(train), test, self.over(test))
        return self._loaded[key]

    def measured(self, split: str, problem: Problem = FASHION_MNIST) -> tuple[Split, Engine]:
        """What is measured on and its engine, without what is trained on; else as `load`."""
        torch.set_num_threads(self._torch_threads)
        key = problem.name, split
        if key in self._loaded:
            return self._loaded[key][2:]
        if key not in self._measured:
            images = (
                load("test", self.data, problem) if split == "official"
                else load_pair(split, self.data, problem)[1]
            )  # fmt: skip
            self._measured[key] = images, self.over(images)
        return self._measured[key]

    def over(self, split: Split) -> Engine:
        """An engine over `split`."""
        return make_engine(self.engine, split, self.torch_device, self.engine_threads)
