"""The settings that methods were run with, as a table: per method and scenario."""

from collections.abc import Mapping, Sequence

from lenetlab.analysis.board import Board
from lenetlab.phrases import joined
from lenetlab.records.cells import Cell
from lenetlab.records.recipe import RecordedRecipe
from lenetlab.records.run_folder import Run
from lenetlab.report.paper.markdown import Markdown, code, table
from lenetlab.settings import Choice, Settings, Value, show

Defaults = Mapping[str, Settings]
OWN = ("lr", "weight_decay")  # settings that have a column
NAME = 34


def settings(
    boards: Sequence[Board],
    defaults: Defaults,
    runs: Mapping[str, Run] | None = None,
    most: int | None = None,
) -> Markdown:
    """A line for each recipe that was measured on the test set, in the order of results.

    defaults : of methods, wrappers and constraints by name, for what a record leaves out.
    runs : by id, where they are at hand: they know whether a search chose the settings.
    most : lines of a leaderboard; None for all of them.
    """
    lines: list[list[object]] = []
    cut = False
    for board in boards:
        cells = [(line.cell, recipe) for line in board.begun
                 for recipe in [_recipe(line.cell)] if recipe is not None]  # fmt: skip
        cut = cut or (most is not None and len(cells) > most)
        columns = 7 + (runs is not None)
        lines += [[Markdown(f"*{board.contest.title}*"), *[""] * (columns - 2)]] * bool(cells)
        for cell, recipe in cells[:most]:
            lines.append([
                code(recipe.name, NAME),
                *_columns(recipe, defaults),
                *([_chosen(cell, runs)] if runs is not None else []),
            ])  # fmt: skip
    first = f" The first {most} of each leaderboard." if cut else ""
    caption = (
        "The settings of every method in every scenario, in the order of results. A setting "
        f"that is not shown is the method’s own.{first}"
    )
    chosen = ["chosen"] if runs is not None else []
    heads = ["method", ">rate", ">decay", ">batch", "schedule", "other settings"]
    return table(caption, [*heads, *chosen], lines)


def _recipe(cell: Cell) -> RecordedRecipe | None:
    """That of its finals; of a cell without one there is nothing measured to describe."""
    return cell.finals[0].recorded if cell.finals else None


def _columns(recipe: RecordedRecipe, defaults: Defaults) -> list[object]:
    own = _whole(recipe.method, defaults)
    batch = show(recipe.batch_size)
    growth = Choice(
        recipe.plan.name, {k: v for k, v in recipe.plan.settings.items() if k != "size"}
    )
    if growth != Choice("fixed"):
        batch += f", {growth}"
    return [
        *(Markdown(show(own[k])) if k in own else "–" for k in OWN),
        batch,
        str(recipe.schedule),
        "; ".join(_others(recipe, own, defaults)) or "–",
    ]


def _others(recipe: RecordedRecipe, own: Settings, defaults: Defaults) -> list[str]:
    said = [", ".join(f"{k}={show(v)}" for k, v in own.items() if k not in OWN)]
    said += [_said(around, defaults) for around in recipe.wrappers]
    if recipe.constraint is not None:
        said.append(f"under {_said(recipe.constraint, defaults)}")
    if recipe.decay != "all":
        said.append(f"decay of {recipe.decay} alone")
    said += [_said(change, defaults) for change in recipe.augmentation]
    return [part for part in said if part]


def _whole(choice: Choice, defaults: Defaults) -> dict[str, Value]:
    return {**defaults.get(choice.name, {}), **choice.settings}


def _said(choice: Choice, defaults: Defaults) -> str:
    inside = ", ".join(f"{k}={show(v)}" for k, v in _whole(choice, defaults).items())
    return f"{choice.name} ({inside})" if inside else choice.name


def _chosen(cell: Cell, runs: Mapping[str, Run]) -> str:
    """By what the settings were chosen, as far as it is recorded."""
    run = runs.get(cell.finals[0].id)
    tuned = run.tuned if run is not None else None
    if not tuned:
        return "given"
    changed = ", then changed" if tuned.get("changed") else ""
    return f"{tuned['trials']} trials, {tuned['study']}{changed}"


BESIDE = {"lr": "rate", "weight_decay": "decay", "batch_size": "batch", "schedule": "schedule",
          "warmup": "warm-up"}  # dimensions with a column  # fmt: skip


def spaces(names: Sequence[str], found: Mapping[str, Mapping[str, str]]) -> Markdown:
    """What a search of each method varies, of those in `found`: each dimension as text. What is
    the same for all that have it is said once."""
    listed = {name: found[name] for name in names if name in found}
    said = {key: {space[key] for space in listed.values() if key in space} for key in BESIDE}
    shared = {key: min(values) for key, values in said.items() if len(values) == 1}
    columns = {key: head for key, head in BESIDE.items() if len(said[key]) > 1}
    lines = [
        [
            code(name, NAME),
            *(space.get(key, "–") for key in columns),
            "; ".join(f"{key} {text}" for key, text in space.items() if key not in BESIDE) or "–",
        ]
        for name, space in listed.items()
    ]
    alike = "".join(f" {BESIDE[key].capitalize()}: {text}." for key, text in shared.items())
    caption = (
        "What tuning searches, as this version of lenetlab has it, of the methods whose trials lie "
        "in it: ranges, even in the logarithm where that is said, and values. The rate is that at "
        "the method’s own batch size; decay is searched where the scenario has some."
        f"{alike}"
    )
    return table(caption, ["method", *columns.values(), "others"], lines)


def other_spaces(names: Sequence[str], found: Mapping[str, Mapping[str, str]]) -> Markdown:
    """What is said of the methods whose spaces are not in `found`."""
    left = [code(name) for name in names if name not in found]
    if not left:
        return Markdown("")
    whose = "all methods" if len(left) == len(names) else joined(left)
    return Markdown(
        f"Results do not record the ranges that tuning searched. Of {whose} they are not listed: "
        "trials lie outside of the ranges of this version of lenetlab, or it knows none."
    )
