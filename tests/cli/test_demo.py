"""`lenetlab demo`: which recipes it shows, and whether it opens a window."""

from pathlib import Path

import pytest

from lenetlab.cli.demo import make_page, recipes, wanted
from lenetlab.experiments.recipe.recipe import make_recipe
from lenetlab.experiments.run.on_disk import execute
from lenetlab.experiments.run.runtime import Runtime

from .conftest import Lenetlab


def test_the_baseline_comes_first_and_the_others_are_for_the_test_set() -> None:
    found = recipes()
    first = found[0][1]
    assert (first.method.name, first.batch_size, first.method.settings["lr"]) == ("sgd", 64, 0.001)
    assert all(recipe.split == "official" for _, recipe, _ in found)
    assert all(recipe.rules == "strict" for _, recipe, _ in found)
    assert len({label for label, _, _ in found}) == len(found)


def test_no_window_without_a_terminal_or_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("CI", raising=False)
    assert not wanted()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert wanted()
    monkeypatch.setenv("CI", "true")
    assert not wanted()


def test_the_page_is_of_the_runs(runtime: Runtime, tmp_path: Path) -> None:
    for method in ("adamw", "kfac"):
        execute(make_recipe(method, {}, epochs=1, batch_size=50), 0, runtime)
    page = make_page(runtime.out, tmp_path / "page.html")
    assert page is not None
    text = page.read_text()
    assert "adamw" in text
    assert "K-FAC" in text  # as a stranger knows it
    assert "The baseline and two recipes that beat it" in text


@pytest.mark.long
def test_more_than_90_5_percent(lenetlab: Lenetlab) -> None:
    answer = lenetlab("demo --no-open --json")
    import json

    shown = json.loads(answer.out)
    assert max(row["accuracy"] for row in shown["rows"][1:]) > 90.5
    assert Path(shown["page"]).exists()
