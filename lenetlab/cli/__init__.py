"""The command line: one small file a command.

Everything heavy is imported inside the commands, so that `lenetlab --help` answers at once.
"""

import os
import sys


def main() -> None:
    """Entry point of `lenetlab`: 0 done, 1 a run failed, 2 wrong usage."""
    from lenetlab.openmp import wait_briefly

    wait_briefly()
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
