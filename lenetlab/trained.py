"""A run at hand in Python: what it came to at a glance, its curves, its net, its comparison."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from lenetlab.disk import as_path
from lenetlab.errors import UserError
from lenetlab.experiments.run.runtime import Runtime
from lenetlab.judge.ranking import Comparison, compare
from lenetlab.judge.scoring import Score, Scorer
from lenetlab.methods.describe import describe
from lenetlab.problem.lenet import LeNet5
from lenetlab.problem.model import read_weights
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import DEFAULT, title_of
from lenetlab.records.finished import ended
from lenetlab.records.locate import gathered
from lenetlab.records.run_folder import WEIGHTS, Run
from lenetlab.report.attachments import Attachments

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class Trained(Run):
    """A recorded run, as `run` returns it."""

    @classmethod
    def of(cls, run: Run) -> "Trained":
        """The same run."""
        return cls(**{field.name: getattr(run, field.name) for field in fields(Run)})

    def __repr__(self) -> str:
        return f"<{self.label}: {', '.join(self._figures().values())}; {self.path}>"

    def _repr_html_(self) -> str:
        lines = {"run": self.label, **self._figures(), "folder": str(self.path)}
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(value)}</td></tr>"
            for name, value in lines.items()
        )
        picture = ""
        if self.evaluations:
            from lenetlab.report.run_plots import loss_panels

            data = base64.b64encode(loss_panels(self)._repr_png_()).decode()
            picture = f"<img alt='loss curves' src='data:image/png;base64,{data}'>"
        return f"<table>{rows}</table>{picture}"

    def _figures(self) -> dict[str, str]:
        """What it came to, in words, by what each is."""
        found, spent = self.result, self.spent
        if not found.done:
            return {"status": ended(found.status, found.reason)}
        said = {
            "accuracy": f"{found.accuracy:.2f} % of {_measured(self)}",
            "loss": f"mean loss {found.loss:.4f}",
            "passes": f"{found.passes:.4g} effective passes",
        }
        if spent.train_seconds is not None:
            said["seconds"] = f"{spent.train_seconds:.3g} s of training"
        return said

    def plot(self) -> "Figure":
        """The loss of every training step, and the test loss of every measurement (Matplotlib)."""
        from lenetlab.report.run_plots import loss_panels

        return loss_panels(self)

    def model(self) -> LeNet5:
        """The trained net, a PyTorch module. Raises: `UserError` where the run left no weights."""
        return LeNet5(self._weights())

    def compare(self, other: Run, runtime: Runtime | None = None) -> Comparison:
        """McNemar's exact test of the two nets on the images that both runs were measured on: how
        many each alone gets right, and p. It knows the luck of the images, not that of the seeds:
        for methods train several and use `lenetlab compare`. `runtime` says where the images are.
        Raises: `UserError` where the runs were measured on different images."""
        if (mine := _measured(self)) != (others := _measured(other)):
            raise UserError(
                f"{self.path} was measured on {mine}, {other.path} on {others}; only nets on the "
                "same images can be compared"
            )
        scorer = Scorer(runtime or Runtime())
        return compare(_score(self, scorer).right, _score(Trained.of(other), scorer).right)

    def report(self, to: str | Path = "report.html") -> Path:
        """Write the page of this run to `to` and return its path; needs the extra `report`."""
        return report([self], to)

    def _weights(self) -> Tensor:
        path = self.path / WEIGHTS
        if not self.result.done:
            raise UserError(f"{self.path} has no weights: the run ended as {self.status}")
        if not path.is_file():
            raise UserError(f"{path} is gone; train the run again")
        return read_weights(path)


def report(runs: Sequence[Run], to: str | Path) -> Path:
    """Write the page of `runs` to `to` and return its path; needs the extra `report`."""
    from lenetlab.report.page.write import write

    results = gathered(runs, "runs", f"{len(runs)} run{'s' if len(runs) != 1 else ''}")
    methods = describe(cell.place.method for cell in results.cells)
    return write(results, as_path("to", to, "a file"), Attachments(methods=methods))


def _measured(run: Run) -> str:
    """The images that it was measured on, with their problem where it is another than usual."""
    name = run.recorded.problem
    return f"the {run.measured_on} images" + ("" if name == DEFAULT else f" of {title_of(name)}")


def _score(run: Trained, scorer: Scorer) -> Score:
    found = scorer.score(run._weights(), run.recorded.split, find_problem(run.recorded.problem))
    if found is None:
        raise UserError(f"{run.path}: class scores overflow, so that nothing can be compared")
    return found
