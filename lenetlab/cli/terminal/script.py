"""What `lenetlab baseline --script` says of somebody's script."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from rich.text import Text

from lenetlab.analysis.as_json import as_json
from lenetlab.analysis.targets import TARGETS
from lenetlab.cli.terminal.console import make_table, out, print_err, print_out
from lenetlab.experiments.starter.recipe import TestLine
from lenetlab.experiments.starter.scripts.compare import Compared
from lenetlab.experiments.starter.scripts.lines import EXPECTED
from lenetlab.experiments.starter.scripts.recipe import Described


def say(label: str, text: str) -> None:
    """A line under a label, or under the same label as the line before."""
    print_out(f"{label:<14}{text}")


def print_described(described: Sequence[Described]) -> None:
    """What was built, and what it is as a recipe."""
    if not described:
        say("the script", "no step of an optimizer of PyTorch's was seen")
    for it in described:
        say("the script", "; ".join(it.words))
        if it.recipe is None:
            say("as a recipe", "none of ours")
        elif not it.others:
            say("as a recipe", it.recipe.recorded().command(it.seed))
        else:
            say("as a recipe", f"the nearest: {it.recipe.recorded().command(it.seed)}")
        for other in it.others:
            say("", f"but {other}")


def print_standing(
    lines: Sequence[TestLine], baseline: Sequence[float], epochs: float, trainings: int
) -> None:
    """The script's last test line beside the baseline of so many `epochs`, and the targets."""
    accuracy = lines[-1].correct / 100
    where = [f"{accuracy:.2f} %" + (f" (the last line of {trainings} trainings)"
                                    if trainings > 1 else "")]  # fmt: skip
    if baseline:
        mean = sum(baseline) / len(baseline)
        of = f"{mean:.2f} % after {epochs:g} epochs"
        if len(baseline) > 1:
            of = f"mean of {of} ({min(baseline):.2f} to {max(baseline):.2f}, {len(baseline)} seeds)"
        side = "above" if accuracy >= mean else "below"
        where.append(f"{abs(accuracy - mean):.2f} points {side} the baseline's {of}")
    reached = [target for target in TARGETS if accuracy >= target.accuracy]
    ahead = [target for target in TARGETS if accuracy < target.accuracy]
    if reached:
        where.append("reaches " + ", ".join(f"{target.accuracy:g}" for target in reached))
    if ahead:
        nearest = min(ahead, key=lambda target: target.accuracy)
        where.append(
            f"{nearest.accuracy - accuracy:.2f} below {nearest.accuracy:g}, {nearest.whose}"
        )
    say("its result", "; ".join(where))


def print_comparison(compared: Compared) -> None:
    """Both test lines of every evaluation, and whether they are equal to the last digit."""
    table = make_table("epoch", "correct", "script's", "average loss", "script's", "same")
    for mine, other in zip_longest(compared.ours, compared.theirs):
        table.add_row(
            str((mine or other).epoch),
            str(mine.correct) if mine else "–",
            str(other.correct) if other else "–",
            str(mine.starter_average_loss) if mine else "–",
            str(other.starter_average_loss) if other else "–",
            Text("yes") if compared.equal(mine, other) else Text("no", style="red"),
        )
    out.print(table)
    if compared.apart is not None:
        print_out(f"average losses are not compared: {compared.apart}")
    what = "test lines are" if compared.apart is None else "counts are"
    out.print(
        f"{compared.equals} of {max(len(compared.ours), len(compared.theirs))} {what} equal to the "
        "last digit"
    )


def print_unread(name: str) -> None:
    """What to print instead, where no evaluation could be read."""
    print_err(f"{name} printed no evaluation that can be read; expected {EXPECTED}")


def facts(described: Sequence[Described], compared: Compared) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "script_lines": as_json(compared.theirs),
        "average_losses_compared": compared.apart is None,
        "same": compared.same,
        "script": [
            {
                "words": it.words,
                "recipe": it.recipe and it.recipe.canonical(),
                "command": it.recipe and it.recipe.recorded().command(it.seed),
                "but": it.others,
            }
            for it in described
        ],
    }
