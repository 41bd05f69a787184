"""Somebody's own copy of the handed-out script, run as it is and listened to."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from lenetlab.errors import UserError

STANDIN = Path(__file__).parent.parent / "standin"


def _torchvision_works() -> bool:
    """Whether it can be imported: beside another build of torch it is installed in vain."""
    command = [sys.executable, "-c", "import torchvision"]
    return subprocess.run(command, capture_output=True).returncode == 0


def run_script(
    script: Path, data: Path | None, threads: int | None, on_line: Callable[[str], None]
) -> str:
    """Run `script` in a scratch folder and return its output; `on_line` hears every line.

    Where torchvision cannot be imported, a stand-in serves the three names the script takes from
    it. Raises `UserError` if the script fails.
    """
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONUNBUFFERED": "1"}
    if not _torchvision_works():
        inherited = os.environ.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(STANDIN), inherited]))
    if data is not None:
        environment["LENETLAB_DATA"] = str(data.resolve())
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        process = subprocess.Popen(
            [sys.executable, str(script.resolve())],
            cwd=scratch,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                on_line(line)
        finally:
            if process.poll() is None and sys.exc_info()[0] is not None:
                process.kill()
            process.wait()
    if process.returncode != 0:
        last = lines[-1].strip() if lines else "no output"
        raise UserError(f"--script {script} failed with status {process.returncode}: {last}")
    return "".join(lines)
