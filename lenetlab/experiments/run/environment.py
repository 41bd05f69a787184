"""What a run was computed with: the numerics that decide its bits, and the machine it ran on."""

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from lenetlab.errors import UserError, unknown
from lenetlab.methods.registry import Method
from lenetlab.oracle.engine import Engine

CODE = ("*.py", "*.cpp", "*.h")  # within the package; results may be written meanwhile
KIND = {"family": "cpu family", "model": "model"}  # as /proc/cpuinfo has them on x86
DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")


def choose_device(name: str) -> torch.device:
    """The device called `name`; `auto` is the accelerator if there is one, else the CPU."""
    if name not in DEVICES:
        raise unknown("device", name, DEVICES)
    accelerator = (
        torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    )
    here = accelerator.type if accelerator is not None else "cpu"
    if name not in ("auto", "cpu", here):
        raise UserError(
            f"device {name!r} is not available on this machine; expected auto or {here}"
        )
    return torch.device(here if name == "auto" else name)


def numerics(method: Method, engine: Engine, device: torch.device) -> dict[str, Any]:
    """The fields besides the recipe that decide the bits of a run; part of its identity."""
    record: dict[str, Any] = {
        "engine": engine.name,
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "device": device.type,
        "method_version": method.version,
    }
    if engine.name == "native":
        record["kernel"] = engine.key  # its number of threads does not matter
    elif device.type == "cpu":
        record["threads"] = engine.threads  # sums are split by thread
    if device.type == "cuda":
        record["accelerator"] = torch.cuda.get_device_name(device)
    if method.source and not method.package:  # a plug-in's stands beside its package
        record["source_sha256"] = method.source
    return record | _switches()


def _switches() -> dict[str, str]:
    """PyTorch's switches for the whole process, where a caller has moved them."""
    found = {
        "matmul_precision": (torch.get_float32_matmul_precision(), "highest"),
        "default_dtype": (str(torch.get_default_dtype()), "torch.float32"),
    }
    return {name: now for name, (now, usual) in found.items() if now != usual}


def machine(engine: Engine) -> dict[str, Any]:
    """Versions, processor, threads and git state; nothing here decides the identity."""
    return {
        "lenetlab": version("lenetlab"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": engine.threads,
        "git": commit(),
    }


def peak_memory_mb() -> float | None:
    """Largest resident size of this process so far, in MB (all of its runs together); None where
    the system does not say (Windows)."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        status = ""
    for line in status.splitlines():
        if line.startswith("VmHWM:"):  # getrusage on Linux counts what was there before exec
            return int(line.split()[1]) * 1024 / 1e6
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def processors() -> int:
    """How many processors this process may use, of which a queue gives it few of many."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name; on Linux with family and model, for rented machines of several kinds
    go by one name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    said: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        said.setdefault(key.strip(), value.strip())
    name = said.get("model name", platform.processor())
    kind = [f"{key} {said[field]}" for key, field in KIND.items() if field in said]
    return ", ".join([name, " ".join(kind)] if kind else [name])


@cache
def commit() -> str | None:
    """The commit that the code is of, when this process first asked: `+` if the code had been
    changed since. None for an installed package, whose version says what it is."""
    package = Path(__file__).parents[2]
    if _git(package, "ls-files", "--error-unmatch", __file__) is None:
        return None  # the folder may lie in somebody else's repository
    head = _git(package, "rev-parse", "--short=12", "HEAD")
    changed = _git(package, "status", "--porcelain", "--", *CODE)
    return None if head is None else head + ("+" if changed else "")


def beside_code(folder: Path) -> bool:
    """Whether `folder` is for results that are committed with this code: in `results/` of its
    checkout."""
    package = Path(__file__).parents[2]
    top = _git(package, "rev-parse", "--show-toplevel") if commit() else None
    return top is not None and folder.resolve().is_relative_to(Path(top).resolve() / "results")


def _git(folder: Path, *words: str) -> str | None:
    """What git answers about `folder`; None where it refuses or is not there."""
    command = ["git", "-C", str(folder), *words]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
