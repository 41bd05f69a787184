"""What CI asks to be done with submissions/, whatever their folders are called: its last step and
the script that this calls, in a repository of their own, with a `lenetlab` that says what it was
asked."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]
JOB = (ROOT / ".github/workflows/submissions.yml").read_text()
(STEP,) = re.findall(r"        run: \|\n((?: {10}.*\n)+)", JOB)
PAGE = "report course --submissions submissions --to leaderboard.html"


class Repository:
    def __init__(self, path: Path) -> None:
        self.path = path
        (path / ".ci").mkdir()
        shutil.copy(ROOT / ".ci/submissions", path / ".ci")
        (path / ".venv/bin").mkdir(parents=True)
        command = path / ".venv/bin/lenetlab"
        command.write_text('#!/bin/sh\necho "$@"\n')
        command.chmod(0o755)
        self.git("init", "-q")

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=me", "-c", "user.email=me@here")
        done = subprocess.run(
            ["git", *who, *words], cwd=self.path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, *files: str) -> str:
        """With something new in `files`; how it was before."""
        for file in files:
            path = self.path / "submissions" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(path.read_text() + "more\n" if path.exists() else "new\n")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "…")
        return self.git("rev-parse", "HEAD")

    def asked(self, base: str) -> list[str]:
        """What CI asks of `lenetlab` for all that has changed since `base`."""
        surroundings = {**os.environ, "BASE": base, "RUNNER_TEMP": str(self.path / ".git")}
        done = subprocess.run(
            ["bash", "-e", "-c", dedent(STEP)],
            cwd=self.path, env=surroundings, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.splitlines()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_what_is_touched_is_trained_again_whatever_it_is_called(repository):
    base = repository.commit("old/challenge.json")
    repository.commit("größe/challenge.json", 'a "b" c/challenge.json', "größe/guest/mine.py")
    assert set(repository.asked(base)) == {
        "judge submissions/größe --rerun --limit 3600",
        'judge submissions/a "b" c --rerun --limit 3600',
        "judge submissions/old",
        PAGE,
    }


def test_where_no_folder_is_touched_nothing_is_trained(repository):
    base = repository.commit("old/challenge.json", "gone/challenge.json")
    repository.commit("README.md")
    shutil.rmtree(repository.path / "submissions/gone")
    repository.commit()
    assert repository.asked(base) == ["judge submissions/old", PAGE]


def test_there_may_be_no_submission_yet(repository):
    base = repository.commit()
    repository.commit("README.md")
    assert repository.asked(base) == [PAGE]


def test_the_limits_of_one_submission_are_within_the_jobs():
    (limit,) = re.findall(r"--limit (\d+)", (ROOT / ".ci/submissions").read_text())
    (minutes,) = re.findall(r"timeout-minutes: (\d+)", JOB)
    assert 3 * int(limit) < 60 * int(minutes)
