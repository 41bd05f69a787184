"""All that a run is between two steps, kept in a file and taken up again."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from lenetlab.experiments.run import checkpoint, global_generators
from lenetlab.experiments.run.curve import Curve
from lenetlab.experiments.run.stopwatch import Clock
from lenetlab.experiments.run.training import Training


@dataclass(frozen=True)
class Unfinished:
    """A run on its way, and where it is kept."""

    path: Path
    training: Training
    curve: Curve
    clock: Clock

    def save(self) -> None:
        """Keep it; what a method has and no file can hold is warned of."""
        try:
            tree = {
                "training": self.training.state(),
                "curve": self.curve.state(),
                "clock": self.clock.state(),
                "generators": global_generators.state(),
            }
            checkpoint.write(self.path, tree)
        except TypeError as error:
            warnings.warn(f"this run cannot be resumed: {error}", stacklevel=2)

    def resume(self) -> None:
        """Go on from what was kept, unless it was to be measured elsewhere or an earlier version
        left it: that begins anew, and is said. Raises `UserError` for a broken file."""
        tree = checkpoint.read(self.path)
        why = ""
        if "sweep" not in tree["training"]:
            why = "an earlier version of lenetlab left it"
        elif tree["curve"]["planned"] != self.curve.planned:
            why = "that run was to be measured at other positions"
        if why:
            said = f"{self.path} is not continued: {why}; the run begins anew"
            warnings.warn(said, stacklevel=2)
            return
        self.training.restore(tree["training"])
        self.curve.restore(tree["curve"])
        self.clock.restore(tree["clock"])
        global_generators.restore(tree["generators"])
