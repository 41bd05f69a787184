"""Seconds of training, wall and CPU; what is done in between is counted apart."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Stopwatches for training (`wall`, `cpu`) and for measuring and saving (`overhead`, wall)."""

    def __init__(self) -> None:
        self.wall = 0.0
        self.cpu = 0.0
        self.overhead = 0.0
        self._since: tuple[float, float] | None = None

    def start(self) -> None:
        """Run on from the present values."""
        self._since = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        """Add what has passed since the start."""
        if self._since is not None:
            self.wall += time.perf_counter() - self._since[0]
            self.cpu += time.process_time() - self._since[1]
            self._since = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do something that is not training; the training is timed on if it was before."""
        running = self._since is not None
        self.stop()
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.overhead += time.perf_counter() - begin
            if running:
                self.start()

    @property
    def now(self) -> float:
        """Wall seconds of training so far."""
        running = 0.0 if self._since is None else time.perf_counter() - self._since[0]
        return self.wall + running

    def state(self) -> list[float]:
        """What a checkpoint keeps."""
        return [self.wall, self.cpu, self.overhead]

    def restore(self, state: list[float]) -> None:
        """Go on from recorded values."""
        self.wall, self.cpu, self.overhead = state
