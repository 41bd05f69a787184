"""What is recorded of the machine."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_peak_memory_is_of_the_process_not_of_its_parent():
    program = "from lenetlab.experiments.run.environment import peak_memory_mb as p; print(p())"
    ballast = bytearray(b"x") * 1_000_000_000
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert len(ballast) == 1_000_000_000
    assert 10 < float(done.stdout) < 700
