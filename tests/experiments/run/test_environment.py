"""What is recorded of the machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lenetlab
from lenetlab.experiments.run.environment import processor


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_peak_memory_is_of_the_process_not_of_its_parent():
    program = "from lenetlab.experiments.run.environment import peak_memory_mb as p; print(p())"
    ballast = bytearray(b"x") * 1_000_000_000
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert len(ballast) == 1_000_000_000
    assert 10 < float(done.stdout) < 700


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_process_has_as_many_threads_as_it_may_use_processors():
    """As a queue gives it two of many."""
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from lenetlab.experiments.run.runtime import Runtime\n"
        "print(Runtime(engine='native').engine_threads)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(done.stdout) == 1


@pytest.mark.skipif(shutil.which("lscpu") is None, reason="needs lscpu")
def test_the_processor_is_told_from_others_of_its_name():
    said = subprocess.run(["lscpu"], capture_output=True, check=True, text=True).stdout
    fields = {key.strip(): value.strip() for key, _, value in
              (line.partition(":") for line in said.splitlines())}  # fmt: skip
    if "CPU family" not in fields:
        pytest.skip("no family here")
    expected = f"family {fields['CPU family']} model {fields['Model']}"
    assert processor() == f"{fields['Model name']}, {expected}"


def test_a_commit_is_that_of_the_code_and_says_whether_the_code_was_changed(tmp_path):
    """Of the code alone: results are written into the same checkout while it computes."""
    package = Path(lenetlab.__file__).parent
    shutil.copytree(package, tmp_path / "lenetlab", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "rows.jsonl").write_text("")
    program = """
import subprocess
from pathlib import Path
from lenetlab.experiments.run.environment import beside_code, commit

def git(*words):
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x.org", *words], check=True)

def ask():
    commit.cache_clear()
    print(commit(), beside_code(Path("results/course")), beside_code(Path("runs/x/results")))

git("init", "-q"); git("add", "results"); git("commit", "-q", "-m", "somebody's")
ask()
git("add", "."); git("commit", "-q", "-m", "whole")
ask()
Path("results/rows.jsonl").write_text("{}")
ask()
new = Path("lenetlab/methods/basic/mine.py")
new.write_text("")
ask()
new.unlink()
ask()
Path("lenetlab/settings.py").write_text("")
ask()
print(subprocess.check_output(["git", "rev-parse", "HEAD"], text=True))
"""
    python = [sys.executable, "-B", "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        python, capture_output=True, check=True, text=True, cwd=tmp_path, env=environment
    )
    *said, head = done.stdout.split("\n", 6)
    head = head.strip()[:12]
    assert said == [
        "None False False",  # in another's repository, as in a virtual environment there
        f"{head} True False",
        f"{head} True False",
        f"{head}+ True False",
        f"{head} True False",
        f"{head}+ True False",
    ]
