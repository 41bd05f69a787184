"""The paper's figures: drawn into a folder, each with a caption that says what to see."""

from collections.abc import Sequence
from pathlib import Path

from lenetlab.report.charts import vectors
from lenetlab.report.charts.curves import accuracy_curves, loss_curves
from lenetlab.report.charts.differences import differences
from lenetlab.report.charts.pareto import pareto
from lenetlab.report.charts.sensitivity import sensitivity
from lenetlab.report.charts.theme import SHOWN, Styles
from lenetlab.report.paper.boards import Standings
from lenetlab.report.paper.markdown import Markdown, code

Picture = tuple[str, object]
DRAWN = 16  # methods whose difference to the leader is drawn
WIDTH, HEIGHT = 300, 165  # of a picture, and of the plot in it: two stand side by side


class Pictures:
    """Draws into `folder`, as `form`; files are named relative to the paper."""

    def __init__(self, folder: Path, form: str, styles: Styles) -> None:
        self._folder, self._form, self._styles = folder, form, styles
        self._drawn: set[Path] = set()
        folder.mkdir(parents=True, exist_ok=True)

    def curves(self, at: Standings) -> Sequence[Picture]:
        """Accuracy and loss against passes; nothing where no run is done."""
        if not _done(at):
            return []
        best = [cell.place.name for cell in at.ordered if any(r.done for r in cell.finals)][:SHOWN]
        where = f"scenario {code(at.key)}"
        others = " Faint: the others." if len(at.ordered) > SHOWN else ""
        accuracy = accuracy_curves(at.cells, self._styles, shown=best, interactive=False)
        loss = loss_curves(at.cells, self._styles, shown=best, interactive=False)
        return [
            (
                self._draw(accuracy, f"accuracy-{at.key}"),
                Markdown(
                    f"Test accuracy in {where} against effective passes, logarithmic: mean over "
                    f"seeds, in its bootstrap band of 95 in 100.{others}"
                ),
            ),
            (
                self._draw(loss, f"loss-{at.key}"),
                Markdown(
                    f"True mean test loss in {where}. Where it rises while accuracy does not "
                    "fall, a net grows sure of its mistakes."
                ),
            ),
        ]

    def comparisons(self, at: Standings) -> Sequence[Picture]:
        """Differences to the leader and the Pareto front."""
        if not _done(at):
            return []
        found: list[Picture] = []
        rows = [
            {
                "method": d.cell.place.name,
                "difference": d.interval.mean,
                "low": d.interval.low if d.interval.low is not None else d.interval.mean,
                "high": d.interval.high if d.interval.high is not None else d.interval.mean,
                "p": d.p,
                "tie": d.verdict == "tie",
                "verdict": d.verdict,
            }
            for cell in at.ordered
            if (d := at.to_leader.get(cell.place.name)) is not None
        ]
        if rows and at.leader is not None:
            drawn = rows[:DRAWN]
            chart = differences(drawn, at.leader.place.name, at.key)
            best = f" The best {DRAWN} of {len(rows)}." if len(rows) > DRAWN else ""
            found.append(
                (
                    self._draw(chart, f"differences-{at.key}"),
                    Markdown(
                        f"Differences to {code(at.leader.place.name)} in scenario "
                        f"{code(at.key)}, paired by seed, with intervals. Open circles are "
                        f"ties.{best}"
                    ),
                )
            )
        chart = pareto(at.cells, self._styles, interactive=False)
        found.append(
            (
                self._draw(chart, f"pareto-{at.key}"),
                Markdown(
                    f"Accuracy against CPU seconds in scenario {code(at.key)}: a point for every "
                    "method and look; the line joins those that no other is above and left of."
                ),
            )
        )
        return found

    def sensitivity(self, at: Standings) -> Sequence[Picture]:
        """Trials of the best few against learning rate and batch size."""
        names = [
            cell.place.name
            for cell in at.ordered
            if any("lr" in row.recipe["method"][1] for row in cell.trials)
        ][:6]
        if not names:
            return []
        chart = sensitivity(at.cells, names, interactive=False)
        return [
            (
                self._draw(chart, f"sensitivity-{at.key}"),
                Markdown(
                    f"Held-out accuracy of the trials in scenario {code(at.key)} against learning "
                    "rate, coloured by batch size, for the methods with the highest means. "
                    "A flat cloud is a method that forgives; crosses on the floor failed."
                ),
            )
        ]

    def _draw(self, chart: object, name: str) -> str:
        safe = "".join(c if c.isalnum() or c in "-+" else "_" for c in name)[:80]
        path = self._folder / f"{safe}.{self._form}"
        if path not in self._drawn:  # the paper may be composed again, shorter
            vectors.save(chart, path, width=WIDTH, height=HEIGHT)
            self._drawn.add(path)
        return str(Path(self._folder.name) / path.name)


def _done(at: Standings) -> bool:
    return any(row.done for cell in at.cells for row in cell.finals)
