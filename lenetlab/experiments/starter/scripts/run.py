"""A script run as it is, in a scratch folder, and listened to."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import lenetlab
from lenetlab.errors import UserError
from lenetlab.experiments.starter.scripts.attend import attend
from lenetlab.experiments.starter.scripts.record import Record, record_of
from lenetlab.experiments.starter.scripts.source import Source
from lenetlab.problem.fetch import fetch
from lenetlab.problem.files import FILES, TORCHVISION, locate, read

STANDIN = Path(__file__).parents[1] / "torchvision_stub"


@dataclass(frozen=True)
class Ran:
    """What a script printed, what was seen of it, and the net that it left: a file of torch.save
    with the tensors it trained, by the starter script's names; empty where they are others."""

    output: str
    record: Record
    net: bytes = field(default=b"", repr=False)


def run_script(
    source: Source,
    data: Path | None,
    threads: int | None,
    on_line: Callable[[str], None],
    limit: float | None = None,
) -> Ran:
    """Run the script in a scratch folder, where `data/` has what the user's own `./data` has and
    Fashion-MNIST as torchvision keeps it; `on_line` hears every line.

    Where torchvision cannot be imported, a stand-in serves the names that scripts take from it.
    Raises `UserError` if the script fails, takes more than `limit` seconds, or prints without end.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # what is said of it lies beside the script's folder: there it may delete what it likes
        folder, said = Path(scratch) / "work", Path(scratch) / "record.json"
        raw = _lay_out(folder, data)
        code = source.path.resolve()
        if source.cells:
            code = folder / f"{source.path.stem}.py"
            code.write_bytes(source.code)
        command = [sys.executable, "-m", "lenetlab.experiments.starter.scripts.recorder"]
        command += [str(os.getpid()), str(said), str(code), str(source.path.resolve().parent)]
        command += ["notebook"] if source.cells else []
        output = Path(scratch) / "output"
        status, stopped = attend(
            command, folder, _environment(raw, threads), output, on_line, limit
        )
        record, net = _seen(source, said)
        text = output.read_text(encoding="utf-8", errors="replace")
    if stopped:
        raise UserError(f"--script {source.path} was stopped {stopped}")
    if status != 0:
        raise UserError(_failure(source, status, text.splitlines(), record))
    return Ran(text, record, net)


def _seen(source: Source, said: Path) -> tuple[Record, bytes]:
    """What the recorder wrote, and the net; `UserError` where the script wrote over it."""
    left = said.with_suffix(".pt")
    try:
        record = record_of(json.loads(said.read_bytes())) if said.exists() else Record()
        return record, left.read_bytes() if left.exists() else b""
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise UserError(f"--script {source.path} changed what is recorded of it") from None


def _lay_out(folder: Path, data: Path | None) -> Path:
    """Fashion-MNIST and whatever else the user has in `./data`, in `folder`; where its files are.
    What is written there is nobody's."""
    raw = folder / TORCHVISION
    raw.mkdir(parents=True)
    for half, files in FILES.items():
        _, where = locate(half, data, fetch)
        for file in files:
            (raw / file.name).write_bytes(read(file, where))
            packed = where / f"{file.name}.gz"
            if packed.is_file():
                (raw / packed.name).symlink_to(packed.resolve())
    own = Path("data")
    for entry in own.iterdir() if own.is_dir() else ():
        link = folder / "data" / entry.name
        if not link.exists():
            link.symlink_to(entry.resolve())
    return raw


def _environment(raw: Path, threads: int | None) -> dict[str, str]:
    own = {"MPLBACKEND": "Agg", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    environment = os.environ | own | {"LENETLAB_DATA": str(raw)}
    environment.pop("PYTHONSAFEPATH", None)  # a script imports what lies beside it
    # this package itself, wherever it is imported from: the script runs in another folder
    path = [str(Path(lenetlab.__file__).parent.parent)]
    if not _torchvision_works():
        path.insert(0, str(STANDIN))
    inherited = os.environ.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [*path, inherited]))
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    return environment


@cache
def _torchvision_works() -> bool:
    """Whether it can be imported: beside another build of torch it is installed in vain."""
    command = [sys.executable, "-c", "import torchvision"]
    return subprocess.run(command, capture_output=True).returncode == 0


def _failure(source: Source, status: int, lines: list[str], record: Record) -> str:
    """What ended the script, and where in it."""
    last = lines[-1].strip() if lines else "no output"
    if record.error is None:
        return f"--script {source.path} failed with status {status}: {last}"
    kind, text, line = record.error
    where = "" if line is None else f" in {source.where(line)}"
    if kind == "SystemExit":  # argparse and others have said why
        return f"--script {source.path} ended{where} with status {status}: {last}"
    first = text.strip().splitlines()[0] if text.strip() else ""
    return f"--script {source.path} failed{where}: {kind}: {first}".removesuffix(": ")
