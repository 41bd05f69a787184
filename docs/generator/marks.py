"""Blocks of a page that are made, each between marks with its name: `<!-- records -->` before it,
`<!-- /records -->` after it."""

from collections.abc import Mapping
from pathlib import Path


def written(page: str, name: str, block: str) -> str:
    """`page` with `block` between the marks of that name; `ValueError` where it has none."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, opened, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise ValueError(f"no marks {begin.strip()} and {end} in the page; expected both, once")
    return f"{before}{begin}{block}{end}{after}"


def write(path: Path, blocks: Mapping[str, str]) -> None:
    """Put `blocks`, by name, into the page at `path`."""
    page = path.read_text(encoding="utf-8")
    for name, block in blocks.items():
        page = written(page, name, block)
    path.write_text(page, encoding="utf-8")
