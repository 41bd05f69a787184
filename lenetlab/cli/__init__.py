"""The command line: one small file a command.

Everything heavy is imported inside the commands, so that `lenetlab --help` answers at once.
"""

import os
import sys


def main() -> None:
    """Entry point of `lenetlab`: 0 done, 1 a run failed, 2 wrong usage."""
    # Beside any busy process PyTorch's spinning threads slow each other down more than tenfold;
    # the policy is read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from lenetlab.cli.app import app
    from lenetlab.errors import UserError

    try:
        app()
    except UserError as error:
        print(f"lenetlab: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output has gone, as in `lenetlab methods | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
