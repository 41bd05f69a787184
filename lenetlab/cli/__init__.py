"""The command line: one small file a command.

A command's file is imported when the command is called for (app.py), so that `lenetlab --help`
needs neither NumPy nor PyTorch and answers at once.
"""

import os
import sys

from lenetlab.cli.shared.extras import bringing
from lenetlab.cli.terminal.streams import lost, prepare
from lenetlab.errors import Interrupted, UserError
from lenetlab.openmp import wait_briefly

# How libraries, and Python where it cannot even make an exception, say that memory is short.
SHORT = ("failed to map segment", "bad_alloc", "allocate memory", "start new thread",
         "error return without exception set")  # fmt: skip


def main() -> None:
    """Entry point of `lenetlab`: 0 done, 1 a run failed or nobody can read what is printed, 2 wrong
    usage or a machine that lacks something, 128 and its number after a signal."""
    if not prepare():
        sys.exit(1)
    wait_briefly()
    os.environ["MPLBACKEND"] = "agg"  # figures go to files, whatever a desktop has set
    # A process that this one starts imports nothing from where it stands: among a class's
    # submissions, a file may be called torch.py.
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        try:
            from lenetlab.cli.app import app

            app()
        finally:
            sys.stdout.flush()
    except UserError as error:
        _refuse(str(error))
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        sys.exit(128 + stop.number)
    except ModuleNotFoundError as error:
        if (extra := bringing(error.name)) is None:
            raise
        package = str(error.name).partition(".")[0]
        _refuse(f"this needs {package}; install it with: pip install 'lenetlab[{extra}]'")
    except (MemoryError, ImportError, RuntimeError, SystemError) as error:
        if not (isinstance(error, MemoryError) or any(said in str(error) for said in SHORT)):
            raise
        _refuse("there is not enough memory; end other programs, or raise the limit (ulimit -v)")
    except OSError as error:
        if lost(error):
            sys.exit(1)
        _refuse(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _refuse(sentence: str) -> None:
    print(f"lenetlab: {sentence}", file=sys.stderr)
    sys.exit(2)
