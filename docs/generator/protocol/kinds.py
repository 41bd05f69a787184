"""Which methods were computed by which instruction set: a pair of seeds of two is worth less."""

from lenetlab.phrases import joined
from lenetlab.records.cells import Cell, Results

NAMES = {"AVX512": "AVX-512"}


def kinds(results: Results) -> str:
    """A sentence: the kinds of machines of the finals, the commonest last and without names."""
    found: dict[str, list[Cell]] = {}
    for cell in results.cells:
        if cell.finals:
            found.setdefault(_kind(cell), []).append(cell)
    *others, most = sorted(found, key=lambda kind: len(found[kind]))
    told = [f"by {kind} are {joined(_named(found[kind], results))}" for kind in others]
    return f"Of the study's finals {'; '.join([*told, f'all others are by {most}'])}.\n"


def _kind(cell: Cell) -> str:
    names = {row.numerics.get("capability", "PyTorch") for row in cell.finals}
    return joined(sorted(NAMES.get(name, name) for name in names))


def _named(cells: list[Cell], results: Results) -> list[str]:
    """By their methods, where these have all their cells here; else with the scenario."""
    every = [cell.place.name for cell in results.cells if cell.finals]
    names = [cell.place.name for cell in cells]
    whole = [name for name in dict.fromkeys(names) if names.count(name) == every.count(name)]
    rest = [f"`{cell.place.name}` in `{cell.place.where}`" for cell in cells
            if cell.place.name not in whole]  # fmt: skip
    return [*(f"`{name}`" for name in whole), *rest]
