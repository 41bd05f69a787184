"""The bench: data in memory and an engine over it, shared by all runs of a process."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import torch

from lenetlab.errors import UserError
from lenetlab.experiments.environment import choose_device
from lenetlab.oracle.engine import Engine, make_engine
from lenetlab.problem.data import Split, load_pair


@dataclass
class Bench:
    """Where and by what runs are computed; the data is read when first needed.

    data : folder of the IDX files, None to search for them.
    out : folder that receives one directory a run.
    engine, device : by name, `auto` for the best there is.
    threads : of PyTorch on the CPU; None for its own choice.
    resume : continue unfinished runs and reuse finished ones, instead of starting over.
    save_every : seconds between checkpoints.
    """

    data: Path | None = None
    out: Path = Path("runs")
    engine: str = "auto"
    device: str = "auto"
    threads: int | None = None
    resume: bool = True
    save_every: float = 10.0
    _loaded: dict[str, tuple[Split, Engine, Split, Engine]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.threads is not None:
            most = os.cpu_count() or 1
            if not 1 <= self.threads <= most:
                raise UserError(f"threads={self.threads} is out of range; expected 1 to {most}")
            torch.set_num_threads(self.threads)
        self.where = choose_device(self.device)
        if self.where.type == "cuda":
            torch.backends.cudnn.deterministic = True
            torch.backends.cudnn.benchmark = False

    def load(self, split: str) -> tuple[Split, Engine, Split, Engine]:
        """What is trained on and its engine, what is measured on and its engine."""
        if split not in self._loaded:
            train, test = load_pair(split, self.data)
            self._loaded[split] = (
                train,
                make_engine(self.engine, train, self.where),
                test,
                make_engine(self.engine, test, self.where),
            )
        return self._loaded[split]
