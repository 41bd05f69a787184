"""The columns of a leaderboard: how each is called, what it means, how it is written.

Terminal, page, paper and README show them from here, each in an order of its own. A new column is
an entry of `metrics`, a field of `Line` where nothing has it yet, and a place in the orders below.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lenetlab.analysis.board import Board, Line
from lenetlab.analysis.intervals import Summary
from lenetlab.analysis.targets import targets_on
from lenetlab.phrases import p_value
from lenetlab.problem.scenarios import recorded_scenario
from lenetlab.report import formats

PAGE = ("accuracy", "half", "target", "difference", "p", "verdict", "loss", "beats", "nonzeros",
        "cpu_seconds")  # fmt: skip
# … and behind these, what people do not need at first.
PAGE_FOLDED = ("targets", "held_out", "starter_average_loss", "train_accuracy", "train_loss",
               "tuning_passes")  # fmt: skip
_OTHERS = ("starter_average_loss", "train_accuracy", "nonzeros", "held_out")
# By what is ranked; interval and median are of that.
TERMINAL = {"accuracy": ("accuracy", "half", "median", "loss", *_OTHERS),
            "loss": ("loss", "half", "median", "accuracy", *_OTHERS)}  # fmt: skip
PAPER = ("held_out", "accuracy", "half", "loss", "starter_average_loss", "nonzeros",
         "difference", "p")  # fmt: skip
OWN = ("held_out", "accuracy", "half", "loss", "starter_average_loss", "train_accuracy",
       "train_loss", "nonzeros", "difference", "p")  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """A number of every line.

    title, unit, meaning : the heading, what stands under or after it, and a sentence about it.
    of : the number, None where there is none. write : how it is written.
    ascending : whether its best is its least. shown : whether the leaderboard has a use for it.
    """

    title: str
    unit: str
    meaning: str
    write: Callable[[float], str]
    of: Callable[[Line], float | None]
    ascending: bool = True
    shown: bool = True

    @property
    def heading(self) -> str:
        """Title and unit in one line."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def text(self, line: Line) -> str:
        """The number of `line`, a dash for none."""
        value = self.of(line)
        return formats.MISSING if value is None else self.write(value)


def metrics(board: Board) -> dict[str, Metric]:
    """Every column by its key; `board` decides which are shown, and what they are relative to."""
    lines = board.begun
    held = any(line.held_out is not None for line in lines)
    which = "mean over seeds"
    if board.planned:
        confirmed = any(line.cell.confirmations for line in lines)
        which = "the mean of its confirmations" if confirmed else "the best trial"
    other = "leader" if board.led else "reference"
    name = board.reference.place.name if board.reference else ""
    by_accuracy = board.metric == "accuracy"
    write = formats.two if by_accuracy else formats.four

    def chosen(line: Line) -> Summary | None:
        return line.accuracy if by_accuracy else line.loss

    return {
        "accuracy": Metric(
            "accuracy", "%", "mean over seeds on the test set", formats.two,
            lambda line: _mean(line.accuracy), ascending=False),
        "half": Metric(
            "±", f"half of {100 * board.level:g}\u00a0%",
            f"half of the {100 * board.level:g} % t interval of the mean {board.metric}", write,
            lambda line: _half(chosen(line)),
            shown=any(_half(chosen(line)) is not None for line in lines)),
        "median": Metric(
            "median", "", f"of {board.metric}, over seeds", write,
            lambda line: _median(chosen(line)),
            ascending=not by_accuracy),
        "loss": Metric(
            "mean loss", "", "cross-entropy on the test set, mean over seeds", formats.four,
            lambda line: _mean(line.loss)),
        "starter_average_loss": Metric(
            "starter’s average", "", "loss as the starter script prints it", formats.six,
            lambda line: line.starter_average_loss),
        "train_accuracy": Metric(
            "training", "%", "accuracy on the first 10,000 training images at the end, mean over "
            "seeds: how well it fits", formats.two, lambda line: line.train_accuracy,
            ascending=False, shown=any(line.train_accuracy is not None for line in lines)),
        "train_loss": Metric(
            "training loss", "", "cross-entropy on the first 10,000 training images at the end, "
            "mean over seeds", formats.four, lambda line: line.train_loss,
            shown=any(line.train_loss is not None for line in lines)),
        "difference": Metric(
            f"to {other}", "points" if by_accuracy else "mean loss",
            f"to {name}, paired by seed; = is a tie: the difference may be luck"
            if board.compared else "nothing could be compared",
            formats.points if by_accuracy else formats.signed_four,
            lambda line: line.difference.mean if line.difference else None,
            ascending=not by_accuracy, shown=bool(board.compared)),
        "p": Metric(
            "p (Holm)", "", "of the difference, after Holm’s correction", p_value,
            lambda line: line.difference.adjusted if line.difference else None,
            shown=bool(board.compared)),
        "beats": Metric(
            "beats", "%", "the highest target that the mean is above, by a one-sided test on ten "
            "seeds or more, corrected by Holm’s rule for all methods here", formats.target,
            _beaten, ascending=False, shown=bool(targets_on(board.contest.problem))),
        "nonzeros": Metric(
            "nonzeros", "fc1, fc2", "the most that any seed has", formats.count,
            lambda line: line.nonzeros, shown=recorded_scenario(board.scenario).constrained),
        "held_out": Metric(
            "held out", "%", f"{which}, on held-out images", formats.two,
            lambda line: line.held_out, ascending=False, shown=held),
        "tuning_passes": Metric(
            "tuning", "passes", "effective passes of the whole search", formats.three,
            lambda line: line.tuning.passes if line.tuning else None,
            shown=board.planned and any(line.cell.trials for line in lines)),
        "cpu_seconds": Metric(
            "CPU", "s a run", "CPU seconds of training, mean over seeds", formats.three,
            lambda line: line.training.cpu_seconds if line.training else None),
    }  # fmt: skip


def _half(summary: Summary | None) -> float | None:
    return None if summary is None else summary.half


def _median(summary: Summary | None) -> float | None:
    return None if summary is None else summary.median


def _mean(summary: Summary | None) -> float | None:
    return None if summary is None else summary.mean


def _beaten(line: Line) -> float | None:
    return max((verdict.target for verdict in line.records if verdict.beaten), default=None)
