"""A trace of every method's bits. It fails when they change without a raised `version`.

    python -m tests.methods.test_traces     records the traces of new and raised versions

Bits are compared only where they were recorded: with the same torch on the same CPU capability, of
which the file has several.
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


def conditions() -> str:
    return f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"


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
    version = find(name).version
    where = [
        at for at, traces in recorded.items() if traces.get(name, {}).get("version") == version
    ]
    assert where, f"{name} has no trace of its version {version}; {RECORD}"
    if conditions() not in where:
        pytest.skip(f"recorded with {' and '.join(where)}, here is {conditions()}")
    found = trace(TorchEngine(train.take(0, N), CPU), name)
    known = recorded[conditions()][name]
    assert found == known, f"{name} has other bits: raise its version, then {RECORD}"


if __name__ == "__main__":
    recorded = {
        at: {name: known for name, known in traces.items()
             if name in methods() and known["version"] == find(name).version}
        for at, traces in json.loads(TRACES.read_text()).items()
    }  # fmt: skip
    engine = TorchEngine(load("train").take(0, N), CPU)
    known = recorded.get(conditions(), {})
    recorded[conditions()] = {
        name: known[name] if name in known else trace(engine, name) for name in methods()
    }
    TRACES.write_text(json.dumps(recorded, indent=1) + "\n")
