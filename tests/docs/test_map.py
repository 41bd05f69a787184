"""The map in CONTRIBUTING.md names every room of the package, and nothing that is not there."""

import re

from .blocks import PAGES, ROOT

PACKAGE = ROOT / "lenetlab"
_, _, REST = PAGES["CONTRIBUTING.md"].partition("    lenetlab/\n")
MAP = re.split(r"\n\n|\n    tests/", REST)[0]


def rooms() -> dict[str, str]:
    """What the map says of each room."""
    said: dict[str, str] = {}
    room = ""
    for line in MAP.splitlines():
        if found := re.match(r"      (\w+)/ ", line):
            room = found[1]
        said[room] = said.get(room, "") + line + "\n"
    return said


def test_every_room_is_on_the_map():
    there = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert set(rooms()) == there


def test_every_file_at_the_top_is_on_the_map():
    there = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    assert not {name for name in there if name not in MAP}


def test_everything_on_the_map_is_there():
    for room, text in rooms().items():
        for name in re.findall(r"[\w/]+\.py\b|\b[\w/]+/(?=[ ,.)])", text):
            there = [PACKAGE / name, *(PACKAGE / room).rglob(name)]
            assert any(place.exists() for place in there), f"{name} in {room}/"
