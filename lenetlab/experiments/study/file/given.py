"""What is given in a study file, value by value; every mistake is kept with its line."""

import re
from collections.abc import Mapping
from typing import Any

from lenetlab.errors import short, unknown
from lenetlab.experiments.study.file.lines import positions
from lenetlab.settings import WHOLE

Key = tuple[str, ...]  # with the tables around it
# The file says these itself; as a setting they would say it twice.
FIXED = {"passes", "epochs", "split", "scenario", "seed", "method", "problem"}


class Given:
    """The content of a file. A value that is none is a mistake, and its default is gone on with."""

    def __init__(self, text: str, tree: dict[str, Any]) -> None:
        self.tree = tree
        self.mistakes: list[tuple[int, str]] = []
        self._lines = text.splitlines()
        self._where = positions(self._lines)

    def add(self, path: Key, sentence: str) -> None:
        """A mistake, on the line of `path` or of the table around it."""
        while path and path not in self._where:
            path = path[:-1]
        self.mistakes.append((self._where.get(path, 1), sentence))

    def add_of_cell(self, method: str, sentence: str) -> None:
        """A mistake of a cell, where it is from: the method's table, or the list of methods."""
        self.mistakes.append((self._line_of(method), sentence))

    def known(self, table: Mapping[str, Any], keys: set[str], path: Key) -> None:
        """Every key of the table at `path` is one of `keys`."""
        for key in table:
            if key not in keys:
                self.add((*path, key), str(unknown("key", ".".join((*path, key)), keys)))

    def table(self, key: str) -> dict[str, Any]:
        """A table of the file; empty where there is none."""
        given = self.tree.get(key, {})
        if isinstance(given, dict):
            return given
        self.add((key,), f"{key} is no table; expected [{key}]")
        return {}

    def of_method(self, method: str) -> dict[str, Any]:
        """What a method has of its own."""
        own: dict[str, Any] = self.table("method").get(method, {})
        return own

    def names(self, key: str) -> list[str]:
        """A list of names, each once."""
        given = self.tree.get(key)
        if isinstance(given, list) and given and all(isinstance(name, str) for name in given):
            for name in {name for name in given if given.count(name) > 1}:
                self.add((key,), f"{name} is listed twice in {key}")
            return given
        self.add((key,), f'{key} is missing or no list of names; expected {key} = ["…", …]')
        return []

    def text(self, key: str, default: str) -> str:
        """Text in quotes."""
        value = self.tree.get(key, default)
        if isinstance(value, str):
            return value
        self.add((key,), f"{key} = {short(repr(value))}: expected text in quotes")
        return default

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.tree.get(key, False)
        if not isinstance(value, bool):
            self.add((key,), f"{key} = {short(repr(value))}: expected true or false")
        return value is True

    def number(self, path: Key, default: float, most: float = WHOLE) -> float:
        """A number above 0, `most` at most."""
        return float(self._above_0(path, default, (int, float), "a number", most))

    def count(self, path: Key, default: int) -> int:
        """A whole number above 0."""
        return int(self._above_0(path, default, (int,), "a whole number", WHOLE))

    def settings(self, path: Key, given: Any) -> dict[str, Any]:
        """Settings, those of parts under dotted names: `constraint.keep`."""
        if not isinstance(given, dict):
            self.add(path, f"{'.'.join(path)} is no table of settings")
            return {}
        for key in given:
            if key in FIXED:
                self.add((*path, key), f"{key} is no setting here; the study file has its place")
        return _flat({key: value for key, value in given.items() if key not in FIXED})

    def _above_0(
        self, path: Key, default: float, kinds: tuple[type, ...], expected: str, most: float
    ) -> float:
        table = self.tree if len(path) == 1 else self.table(path[0])
        value: Any = table.get(path[-1], default)
        if type(value) in kinds and 0 < value <= most:
            return float(value) if float in kinds else int(value)
        bound = "" if most == WHOLE else f", at most {most:,}"
        name, sentence = ".".join(path), short(repr(value))
        self.add(path, f"{name} = {sentence}: expected {expected} above 0{bound}")
        return default

    def _line_of(self, method: str) -> int:
        if (own := ("method", method)) in self._where:
            return self._where[own]
        begin = self._where.get(("methods",), 1)
        quoted = re.compile(rf"[\"']{re.escape(method)}[\"']")
        after = enumerate(self._lines[begin - 1 :], start=begin)
        return next((number for number, line in after if quoted.search(line)), begin)


def _flat(given: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in given.items():
        flat |= (
            _flat(value, f"{prefix}{key}.")
            if isinstance(value, dict) and value
            else {prefix + key: value}
        )
    return flat
