"""The native engine's stages, each timed alone on one thread: µs, GFLOP/s, share of the peak.

python benchmarks/stages.py             every instruction set of this machine, in turn
python benchmarks/stages.py --force     beside other work
"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from timing import machine

from lenetlab.oracle.native import build

SOURCE = Path(__file__).with_suffix(".cpp")


def main() -> None:
    """Compile the stages with the engine's own flags, and run them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--force", action="store_true", help="measure on a busy machine too")
    print(machine(parser, parser.parse_args().force))
    here = build.instruction_set()
    sets = [name for name in ("AVX512", "AVX2") if here in (name, "AVX512")] or [here]
    for name in sets:
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "stages")
            flags = [f for f in build.FLAGS if f not in ("-shared", "-fPIC")]
            command = [*build.compiler(), *flags, *build.INSTRUCTIONS[name], f"-I{build.FOLDER}"]
            subprocess.run([*command, "-o", program, str(SOURCE)], check=True)
            print(f"\n{name}", flush=True)
            subprocess.run([program], check=True)


if __name__ == "__main__":
    main()
