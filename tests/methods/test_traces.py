"""A trace of every method's bits. It fails when they change without a raised `version`.

    python -m tests.methods.test_traces     records the traces of new and raised versions

Bits are compared only where they were recorded: the same torch and the same CPU capability.
"""

import hashlib
import json
import struct
from pathlib import Path

import pytest
import torch

from lenetlab.methods.lookup import find
from lenetlab.methods.registry import methods
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.data import load

from .drive import CPU, N, steps, training

TRACES = Path(__file__).with_name("traces.json")
RECORD = "record it: python -m tests.methods.test_traces"


def conditions() -> dict[str, str]:
    return {
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
    }


def trace(engine: TorchEngine, name: str) -> dict[str, object]:
    """Five losses and the weights after twelve steps, at one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        t = training(engine, name, seed=1)
        losses = steps(t, 12)[:5]
    finally:
        torch.set_num_threads(threads)
    return {
        "version": find(name).version,
        "losses": [struct.pack(">f", loss).hex() for loss in losses],
        "weights": hashlib.sha256(t.weights.w.numpy().tobytes()).hexdigest()[:16],
        "answer": hashlib.sha256(t.eval_weights().numpy().tobytes()).hexdigest()[:16],
    }


@pytest.mark.parametrize("name", methods())
def test_bits_change_only_with_the_version(train, name):
    recorded = json.loads(TRACES.read_text())
    known = recorded["traces"].get(name)
    assert known is not None, f"{name} has no trace; {RECORD}"
    assert known["version"] == find(name).version, f"{name} has a new version; {RECORD}"
    if recorded["conditions"] != conditions():
        pytest.skip(f"recorded with {recorded['conditions']}, here is {conditions()}")
    found = trace(TorchEngine(train.take(0, N), CPU), name)
    assert found == known, f"{name} has other bits: raise its version, then {RECORD}"


if __name__ == "__main__":
    old = json.loads(TRACES.read_text()) if TRACES.exists() else {"conditions": None}
    kept = old["traces"] if old["conditions"] == conditions() else {}
    engine = TorchEngine(load("train").take(0, N), CPU)
    traces = {
        name: kept[name]
        if name in kept and kept[name]["version"] == find(name).version
        else trace(engine, name)
        for name in methods()
    }
    TRACES.write_text(json.dumps({"conditions": conditions(), "traces": traces}, indent=1) + "\n")
