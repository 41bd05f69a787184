"""How PyTorch's threads wait for each other; read when torch is loaded, so called before."""

import os


def wait_briefly() -> None:
    """Let waiting threads spin for some microseconds and then sleep, unless the user chose.

    PyTorch's own choice, to spin on, slows it down many times beside another busy process. Not to
    spin at all doubles the time of this small net's steps on a quiet machine.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "passive"
        os.environ.setdefault("GOMP_SPINCOUNT", "3000")
