"""Reading in a process of its own, with limits: whatever a file does, it ends in one sentence.

The process is a fork of a small server that has imported torch and nothing of anybody's. It may
take so much memory and time, opens few files and writes none. It answers in JSON and plain
float32 numbers, so nothing that it read is unpickled here. Windows (untested) has neither forks
nor such limits: there a new process reads, for so many seconds of the clock.
"""

import contextlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lenetlab.errors import one_line
from lenetlab.judge.files import Unreadable
from lenetlab.judge.folder import read_folder
from lenetlab.judge.rules import architecture_problems
from lenetlab.judge.weights import read_weights
from lenetlab.problem.model import flatten
from lenetlab.records import run_folder
from lenetlab.records.finished import Result

Losses = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Limits:
    """Of one reading: seconds of a processor, of the clock, and bytes beyond what torch has."""

    seconds: int = 10
    wall: float = 60.0
    memory: int = 2**30


@dataclass(frozen=True)
class Net:
    """What a file holds: LeNet-5's weights (44426,), or None and why they are not LeNet-5's."""

    w: Tensor | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Recorded:
    """What a run folder says: its records, and the losses of its steps (steps,)."""

    run: run_folder.Run
    losses: Losses


def open_net(path: Path, limits: Limits = Limits()) -> Net:
    """The net in the file `path`; raises `Unreadable`."""
    said, numbers = _ask(_net, path, limits)
    w = torch.frombuffer(bytearray(numbers), dtype=torch.float32) if numbers else None
    problems, notes = (tuple(map(one_line, said[key])) for key in ("problems", "notes"))
    return Net(w, problems, notes)


def open_folder(path: Path) -> Recorded:
    """What the run folder `path` records, its weights apart; raises `Unreadable`."""
    said, numbers = _ask(_folder, path, Limits())
    result = Result.read(said["result"])
    run = run_folder.Run(path, said["identity"], result, said["curve"], said["machine"])
    return Recorded(run, np.frombuffer(numbers, dtype=np.float32))


Answer = tuple[dict[str, Any], bytes]


def _net(path: Path) -> Answer:
    weights = read_weights(path)
    problems = architecture_problems(weights.named)
    numbers = b"" if problems else flatten(weights.named).numpy().tobytes()
    return {"problems": problems, "notes": weights.notes}, numbers


def _folder(path: Path) -> Answer:
    found, losses = read_folder(path)
    return found, losses.tobytes()


@cache
def _server() -> Any:
    """Forks processes that have torch, and the program's first module; starts with the first."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__])
    return context


def _ask(read: Callable[[Path], Answer], path: Path, limits: Limits) -> Answer:
    here, theirs = _server().Pipe(duplex=False)
    process = _server().Process(
        target=_serve, args=(theirs, read, Path(os.path.abspath(path)), limits), daemon=True
    )
    process.start()
    theirs.close()
    try:
        here.recv_bytes()  # it has started: from here on the reading is timed
        if not here.poll(limits.wall):
            raise Unreadable(f"takes more than {limits.wall:g} s to read")
        said, numbers = json.loads(here.recv_bytes()), here.recv_bytes()
    except EOFError:
        process.join()
        raise Unreadable(_ended(process.exitcode, limits)) from None
    finally:
        process.kill()
        process.join()
        here.close()
    if "unreadable" in said:
        raise Unreadable(said["unreadable"])
    return said, numbers


def _ended(code: int | None, limits: Limits) -> str:
    """What the end of a reading process says of the file."""
    name = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
    if name in ("SIGXCPU", "SIGKILL"):  # the second where the first is not enough
        return f"takes more than {limits.seconds} s to read"
    return f"ends the process that reads it ({name})"


def _serve(pipe: Connection, read: Callable[[Path], Answer], path: Path, limits: Limits) -> None:
    """What the reading process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the judge decides what Ctrl-C ends
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)  # where a library that aborts would print
    torch.set_num_threads(1)
    pipe.send_bytes(b"ready")
    _limit(limits)
    try:
        said, numbers = read(path)
    except Unreadable as error:
        said, numbers = {"unreadable": one_line(str(error))}, b""
    except MemoryError:
        said, numbers = {"unreadable": f"needs more than {limits.memory >> 30} GB to read"}, b""
    except RecursionError:
        said, numbers = {"unreadable": "is nested too deeply"}, b""
    except Exception as error:  # a hostile file may have anything raised
        said, numbers = {"unreadable": one_line(f"is damaged: {type(error).__name__} {error}")}, b""
    with contextlib.suppress(OSError):  # the judge may be gone
        pipe.send_bytes(json.dumps(said).encode())
        pipe.send_bytes(numbers)


def _limit(limits: Limits) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    used = int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + limits.seconds, used + limits.seconds + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for size in _address_space(resource.getpagesize()):
        resource.setrlimit(resource.RLIMIT_AS, (size + limits.memory,) * 2)


def _address_space(page: int) -> Iterator[int]:
    """Bytes of address space that are taken; nothing where the system does not say (macOS)."""
    with contextlib.suppress(OSError):
        yield int(Path("/proc/self/statm").read_text().split()[0]) * page
