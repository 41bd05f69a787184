"""A guest's own sources, as they are handed in."""

from pathlib import Path

from lenetlab.experiments.study.guest import Guest, pack


def test_what_is_packed_is_the_guest_and_nothing_else(tmp_path: Path) -> None:
    """Also where its sources are those of the challenge before."""
    home, folder = tmp_path / "home", tmp_path / "challenge" / "guest"
    (home / "sub").mkdir(parents=True)
    (home / "mine.py").write_text("import sub.helper")
    (home / "sub" / "helper.py").write_text("M = 0.9")
    within = [Path("mine.py"), Path("sub/helper.py")]
    pack(Guest("mine.py:Mine", "a", {file: home / file for file in within}), folder)
    (folder / "of_before.py").write_text("")
    pack(Guest("mine.py:Mine", "a", {file: folder / file for file in within}), folder)
    kept = {path.relative_to(folder): path.read_text()
            for path in folder.rglob("*") if path.is_file()}  # fmt: skip
    assert kept == {Path("mine.py"): "import sub.helper", Path("sub/helper.py"): "M = 0.9"}
