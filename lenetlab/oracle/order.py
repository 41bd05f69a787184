"""The order in which a run sees the training set: the starter script's, for the same seed.

The script draws everything from PyTorch's global generator: a number for the test loader it
peeks into, the model, then in each epoch two numbers for the training loader (one it never
uses, one that seeds the permutation) and one for the test loader. Here the same numbers come
from a generator of the run's own, so that whether or when one evaluates never moves them.
"""

from typing import Any

import torch
from torch import Tensor


def starter_stream(seed: int) -> torch.Generator:
    """The script's generator as it stands when the script creates its model."""
    stream = torch.Generator().manual_seed(seed)
    _draw(stream)  # the iterator over the test loader that prints the batch shapes
    return stream


def _draw(stream: torch.Generator) -> int:
    """One 64-bit number, drawn as `DataLoader` and `RandomSampler` draw their seeds."""
    return int(torch.empty((), dtype=torch.int64).random_(generator=stream).item())


class DataOrder:
    """Sweeps over `n` examples, each in the permutation the script would have used.

    A batch never crosses the end of a sweep: the last one of a sweep may be smaller.
    """

    def __init__(self, stream: torch.Generator, n: int) -> None:
        self.n = n
        self.finished = 0  # whole sweeps before the present one
        self._stream = stream
        self._position = n  # of the next example in the permutation; n: the sweep is over
        self._before = stream.get_state()  # of the stream, before the present permutation
        self._permutation = torch.empty(0, dtype=torch.int64)

    def take(self, size: int) -> Tensor:
        """Indices (≤ size,) of the next examples."""
        if self._position == self.n:
            if len(self._permutation):
                self.finished += 1
            self._shuffle()
        batch = self._permutation[self._position : self._position + size]
        self._position += len(batch)
        return batch

    @property
    def epochs(self) -> float:
        """How often the data has been gone through; exact at the end of a sweep."""
        if not len(self._permutation):
            return 0.0
        return self.finished + self._position / self.n

    def _shuffle(self) -> None:
        self._before = self._stream.get_state()
        _draw(self._stream)  # the training loader's base seed
        seed = _draw(self._stream)
        _draw(self._stream)  # the test loader's base seed
        shuffler = torch.Generator().manual_seed(seed)
        self._permutation = torch.randperm(self.n, generator=shuffler)
        self._position = 0

    def state(self) -> dict[str, object]:
        """All that is needed to go on at the same example."""
        started = len(self._permutation) > 0
        return {
            "stream": self._before if started else self._stream.get_state(),
            "finished": self.finished,
            "position": self._position if started else -1,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go to the recorded example; the permutation is drawn again, not stored."""
        self._stream.set_state(state["stream"])
        self.finished = state["finished"]
        if state["position"] >= 0:
            self._shuffle()
            self._position = state["position"]
