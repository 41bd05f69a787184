"""`lenetlab` as the shell has it, from the environment that makes the documents."""

import subprocess
import sys
from pathlib import Path


def lenetlab(*words: str | Path) -> None:
    """Give the command these words; what it prints is not shown."""
    command = Path(sys.executable).with_name("lenetlab")
    subprocess.run([command, *words], check=True, stdout=subprocess.DEVNULL)
