"""A process that runs somebody's script, attended until it ends: heard line by line, and stopped
with all that it began.

It prints into a file and not into a pipe. A pipe ends when the last process that has it does, and a
script may leave one behind that never ends.
"""

import codecs
import io
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

MOST = 64 * 2**20  # bytes that a script may print
EVERY = 0.05  # seconds between two looks


def attend(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    output: Path,
    on_line: Callable[[str], None],
    limit: float | None = None,
) -> tuple[int, str]:
    """Run `command` in `folder` with all that it prints in the file `output`; its exit status, and
    why it was stopped, empty if it was not. What it began and left running is ended with it, as far
    as it is in the same group of processes."""
    begun, stopped = time.monotonic(), ""
    utf8 = codecs.getincrementaldecoder("utf-8")("replace")
    decoder = io.IncrementalNewlineDecoder(utf8, translate=True)
    rest = ""
    with _ended_by_signals(), output.open("wb") as written, output.open("rb") as printed:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=written,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            ended = False
            while not ended:
                ended = process.poll() is not None  # before the look: what it printed last is seen
                *lines, rest = (rest + decoder.decode(printed.read(MOST), ended)).split("\n")
                for line in lines:
                    on_line(f"{line}\n")
                if ended:
                    break
                if limit is not None and time.monotonic() - begun > limit:
                    stopped = f"after {limit:g} s"
                elif output.stat().st_size > MOST:
                    stopped = f"when it had printed {MOST // 2**20} MB"
                if stopped:
                    break
                time.sleep(EVERY)
            if rest:
                on_line(rest)
        finally:  # Ctrl-C, and nobody who listens any more, among the reasons
            _end(process)
    return process.returncode, stopped


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Signals that would end us and leave the script running raise `SystemExit` meanwhile: its
    group is its own, and no terminal that is closed reaches it. One that is ignored stays so."""

    def stop(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = {}
    if threading.current_thread() is threading.main_thread():  # nobody else may
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # SIGHUP is POSIX's
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it and its group."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):  # all have ended
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
