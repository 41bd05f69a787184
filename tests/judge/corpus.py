"""Files that a judge may be handed: good ones, and bad ones with what must be said of them."""

import argparse
import datetime
import gzip
import io
import os
import pickle
import struct
import warnings
import zipfile
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.optim.swa_utils import AveragedModel

from lenetlab.problem.model import SHAPES, initial_weights, state_dict


class LeNet5(nn.Module):
    """The starter script's model, written again."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5, stride=1)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5, stride=1)
        self.fc1 = nn.Linear(256, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)


class Homemade:
    """A class that is not importable where the judge runs."""


def weights() -> Tensor:
    """The flat weights that every good file holds."""
    return initial_weights(torch.Generator().manual_seed(7))


def named() -> dict[str, Tensor]:
    return state_dict(weights())


def model() -> LeNet5:
    net = LeNet5()
    net.load_state_dict(named())
    return net


def changed(**tensors: Tensor) -> dict[str, Tensor]:
    """The good state dict with some tensors replaced; `fc1_bias` stands for `fc1.bias`."""
    return named() | {name.replace("_", "."): value for name, value in tensors.items()}


def saved(value: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sparse layouts and quantisation
        torch.save(value, buffer, **options)
    return buffer.getvalue()


def old(value: Any) -> bytes:
    return saved(value, _use_new_zipfile_serialization=False)


def trained() -> torch.optim.Adam:
    """An optimizer with state."""
    net = model()
    optimizer = torch.optim.Adam(net.parameters())
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()
    return optimizer


def training_checkpoint() -> dict[str, Any]:
    return {
        "epoch": 9,
        "model_state_dict": model().state_dict(),
        "optimizer_state_dict": trained().state_dict(),
        "accuracy": np.float64(89.4),
        "loss": torch.tensor(0.3),
        "place": Path("runs"),
        "homemade": Homemade(),
    }


def masks_of_ones() -> LeNet5:
    net = model()
    prune.identity(net.fc1, "weight")
    prune.identity(net.fc2, "weight")
    return net


def shared_storage() -> dict[str, Tensor]:
    """Views of one vector, as lenetlab's own weights are."""
    w = weights()
    sizes = [int(np.prod(shape)) for shape in SHAPES.values()]
    parts = torch.split(w, sizes)
    return {name: part.view(SHAPES[name]) for name, part in zip(SHAPES, parts, strict=True)}


def transposed() -> dict[str, Tensor]:
    tensors = named()
    return tensors | {"fc1.weight": tensors["fc1.weight"].t().contiguous().t()}


def items_no_function() -> bytes:
    """A state dict with an attribute `items`."""
    named = model().state_dict()
    named.items_ = 5  # type: ignore[attr-defined]
    return with_pickle(b"\x06\x00\x00\x00items_", b"\x05\x00\x00\x00items", named)


class Wrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.module = model()


class Phase(Enum):
    LAST = 3


def averaged() -> AveragedModel:
    average = AveragedModel(model())
    average.update_parameters(model())
    return average


def with_objects() -> dict[str, Any]:
    """What training loops save beside their net, as objects."""
    optimizer = trained()
    return {
        "net": named(),
        "optimizer": optimizer,
        "scheduler": torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10),
        "history": defaultdict(list, {"loss": [0.5, 0.4]}),
        "last": deque([1, 2, 3], maxlen=5),
        "exact": Decimal("89.24"),
        "third": Fraction(1, 3),
        "phase": Phase.LAST,
        "when": datetime.datetime(2025, 1, 2, tzinfo=datetime.UTC),
        "settings": argparse.Namespace(lr=0.1),
        "counts": Counter("aab"),
        "random": np.random.get_state(),
    }


GOOD: dict[str, Callable[[], bytes]] = {
    "state dict": lambda: saved(model().state_dict()),
    "plain dict": lambda: saved(named()),
    "ordered otherwise": lambda: saved(OrderedDict(reversed(named().items()))),
    "parameters that require gradients": lambda: saved(dict(model().named_parameters())),
    "whole model": lambda: saved(model()),
    "model in a dictionary": lambda: saved({"net": model(), "epoch": 3}),
    "DataParallel": lambda: saved(Wrapped().state_dict()),
    "whole DataParallel": lambda: saved(Wrapped()),
    "torch.compile": lambda: saved({f"_orig_mod.{k}": v for k, v in named().items()}),
    "items is no function": lambda: items_no_function(),
    "an average of nets": lambda: saved(averaged().state_dict()),
    "a whole average of nets": lambda: saved(averaged()),
    "an average in a dictionary": lambda: saved({"ema": averaged().state_dict(), "epoch": 3}),
    "compile around DataParallel": lambda: saved(
        {f"_orig_mod.module.{k}": v for k, v in named().items()}
    ),
    "DataParallel around compile": lambda: saved(
        {f"module._orig_mod.{k}": v for k, v in named().items()}
    ),
    "compile around an average of DataParallel": lambda: saved(
        {f"_orig_mod.module.module.{k}": v for k, v in named().items()}
        | {"_orig_mod.n_averaged": torch.tensor(3)}
    ),
    "a list with a state dict": lambda: saved([named(), 3]),
    "a tuple in a dictionary": lambda: saved({"best": (0.9, model())}),
    "objects beside the net": lambda: saved(with_objects()),
    "objects beside the net, zip-less": lambda: old(with_objects()),
    "a defaultdict of weights": lambda: saved(defaultdict(float, named())),
    "pruned by identity": lambda: saved(masks_of_ones().state_dict()),
    "whole pruned model": lambda: saved(masks_of_ones()),
    "zip-less format": lambda: old(model().state_dict()),
    "zip-less training checkpoint": lambda: old(training_checkpoint()),
    "training checkpoint": lambda: saved(training_checkpoint()),
    "views of one vector": lambda: saved(shared_storage()),
    "not contiguous": lambda: saved(transposed()),
    "safetensors": lambda: save_safetensors(named()),
    "safetensors with metadata": lambda: save_safetensors(named(), {"by": "me"}),
}


class Malicious:
    """Pickles to a call; where it is loaded without care, the call is made."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._call


def zip_of(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def bomb() -> bytes:
    """A real checkpoint whose storage unpacks to far more than it takes on disk."""
    with zipfile.ZipFile(io.BytesIO(saved(named()))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    largest = max(members, key=lambda name: len(members[name]))
    return zip_of(members | {largest: bytes(80 * 2**20)})


def lying_bomb() -> bytes:
    """The same, whose directory declares a few bytes."""
    content = bytearray(bomb())
    size = struct.pack("<I", 80 * 2**20)
    while (at := content.find(size)) >= 0:
        content[at : at + 4] = struct.pack("<I", 100)
    return bytes(content)


def with_pickle(part: bytes, replacement: bytes, value: Any = None) -> bytes:
    """A whole archive of `value` (the good state dict) with something else in its pickle."""
    with zipfile.ZipFile(io.BytesIO(saved(named() if value is None else value))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (pickled,) = (name for name in members if name.endswith("data.pkl"))
    assert part in members[pickled]
    members[pickled] = members[pickled].replace(part, replacement, 1)
    return zip_of(members, zipfile.ZIP_STORED)


def flipped(content: bytes) -> bytes:
    """One bit of a weight changed, so that a checksum fails."""
    at = content.find(named()["fc1.weight"].numpy().tobytes()[:64])
    assert at > 0
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def hollow_pickle(body: bytes) -> bytes:
    """A zip archive of torch.save's layout around a hand-written pickle."""
    return zip_of({"a/data.pkl": body, "a/version": b"3\n", "a/byteorder": b"little"}, 0)


def scripted() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), buffer)
    return buffer.getvalue()


def quantised() -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(named()["fc1.weight"], 0.1, 0, torch.qint8)


def sparse(name: str) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dense = named()["fc1.weight"]
        return dense.to_sparse() if name == "coo" else dense.to_sparse_csr()


def with_value(value: float) -> Tensor:
    bias = named()["fc1.bias"]
    bias[3] = value
    return bias


def without(name: str) -> dict[str, Tensor]:
    return {key: value for key, value in named().items() if key != name}


def renamed() -> dict[str, Tensor]:
    return {key.replace("fc1", "linear1"): value for key, value in named().items()}


def safetensors_header(header: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header


def batch_norm() -> LeNet5:
    net = model()
    net.bn1 = nn.BatchNorm2d(6)
    return net


# What is LeNet-5's name and is not LeNet-5: status 1.
BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "wrong shape": (
        lambda: saved(changed(fc1_weight=torch.zeros(120, 400))),
        "fc1.weight has shape (120, 400), expected (120, 256)",
    ),
    "transposed shape": (
        lambda: saved(changed(fc1_weight=torch.zeros(256, 120))),
        "fc1.weight has shape (256, 120)",
    ),
    "expanded to a wrong shape": (
        lambda: saved(changed(fc1_weight=torch.zeros(1).expand(10**9, 10**9))),
        "fc1.weight has shape (1000000000, 1000000000)",
    ),
    "a number for a tensor": (
        lambda: saved(changed(fc3_bias=torch.tensor(0.5))),
        "fc3.bias has shape ()",
    ),
    "extra layer": (
        lambda: saved(named() | {"fc4.weight": torch.zeros(10, 10)}),
        "'fc4.weight' is not of LeNet-5",
    ),
    "batch normalisation": (
        lambda: saved(batch_norm()),
        "'bn1.weight', 'bn1.bias', 'bn1.running_mean' and 2 more are not of LeNet-5",
    ),
    "missing layer": (lambda: saved(without("fc2.bias")), "'fc2.bias' is missing"),
    "renamed": (lambda: saved(renamed()), "(is it 'linear1.weight'?)"),
    "another net": (
        lambda: saved(nn.Sequential(nn.Linear(784, 10)).state_dict()),
        "'fc1.weight', 'fc2.weight', 'conv2.weight' and 7 more are missing",
    ),
    "NaN": (lambda: saved(changed(fc1_bias=with_value(float("nan")))), "fc1.bias has 1 of 120"),
    "infinity": (lambda: saved(changed(fc1_bias=with_value(float("inf")))), "NaN or infinite"),
    "all NaN": (
        lambda: saved({k: v * float("nan") for k, v in named().items()}),
        "7 more tensors are wrong",
    ),
    "float64": (lambda: saved(model().double().state_dict()), "is float64, expected float32"),
    "float16": (
        lambda: saved(model().half().state_dict()),
        "every tensor is float16, expected float32; use model.float()",
    ),
    "bfloat16": (lambda: saved(model().bfloat16().state_dict()), "is bfloat16"),
    "float16 in safetensors": (
        lambda: save_safetensors({k: v.half() for k, v in named().items()}),
        "is float16",
    ),
    "float8": (
        lambda: save_safetensors({k: v.to(torch.float8_e4m3fn) for k, v in named().items()}),
        "is float8_e4m3fn",
    ),
    "complex": (lambda: saved(changed(fc1_bias=torch.zeros(120) * 1j)), "fc1.bias is complex64"),
    "whole numbers": (
        lambda: saved(changed(fc1_bias=torch.zeros(120, dtype=torch.int64))),
        "fc1.bias is int64",
    ),
    "truth values": (
        lambda: saved(changed(fc1_bias=torch.ones(120, dtype=torch.bool))),
        "fc1.bias is bool",
    ),
    "quantised": (
        lambda: saved(changed(fc1_weight=quantised())),
        "fc1.weight is quantised (qint8)",
    ),
    "sparse": (
        lambda: saved(changed(fc1_weight=sparse("coo"))),
        "fc1.weight is stored as sparse_coo, expected dense",
    ),
    "sparse by rows": (lambda: saved(changed(fc1_weight=sparse("csr"))), "stored as sparse_csr"),
    "meta": (
        lambda: saved(changed(fc1_weight=torch.empty(120, 256, device="meta"))),
        "fc1.weight is on the meta device",
    ),
    "overflowing": (
        lambda: saved(changed(fc3_weight=torch.full((10, 84), 3e38))),
        "its class scores overflow",
    ),
}

# What cannot be judged: status 2.
UNREADABLE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "text": (lambda: b"accuracy 99 %\n" * 40, "is a text file"),
    "a script": (lambda: b"import os\nos.remove('/')\n", "is a text file"),
    "noise": (lambda: np.random.default_rng(0).bytes(200_000), "no file of torch.save"),
    "zeros": (lambda: bytes(200_000), "no file of torch.save"),
    "cut short in the middle": (
        lambda: saved(named())[:90_000],
        "is cut short or damaged",
    ),
    "cut short by one byte": (lambda: saved(named())[:-1], "is cut short or damaged"),
    "one bit flipped": (lambda: flipped(saved(named())), "does not match its checksum"),
    "old format cut short in the pickle": (lambda: old(named())[:300], "is cut short or damaged"),
    "old format cut short in the numbers": (lambda: old(named())[:90_000], "is damaged"),
    "old format, whole model": (lambda: old(model()), "whole model in torch.save's old format"),
    "safetensors cut short": (
        lambda: save_safetensors(named())[:90_000],
        "is a damaged safetensors file",
    ),
    "safetensors cut short in its header": (
        lambda: save_safetensors(named())[:100],
        "cut short in its header",
    ),
    "safetensors with no header": (
        lambda: safetensors_header(b"{not json}"),
        "has a broken header",
    ),
    "safetensors nested without end": (
        lambda: safetensors_header(b'{"a":' + b"[" * 100_000),
        "has a broken header",
    ),
    "safetensors with offsets beyond the file": (
        lambda: safetensors_header(
            b'{"fc1.bias":{"dtype":"F32","shape":[120],"data_offsets":[0,99999480]}}'
        ),
        "is a damaged safetensors file",
    ),
    "safetensors of a terabyte header": (
        lambda: safetensors_header(b"{}" + bytes(98), 10**12),
        "no file of torch.save",
    ),
    "zip bomb": (bomb, "unpacks to 80 MB, more than 64 MB: a zip bomb"),
    "zip bomb that lies": (lying_bomb, "does not match its checksum"),
    "many members": (lambda: zip_of({f"a/{i}": b"" for i in range(10_001)}), "10,001 members"),
    "some zip archive": (lambda: zip_of({"homework/report.txt": b"hello"}), "none of torch.save"),
    "a NumPy archive": (lambda: zip_of({"fc1.npy": b"\x93NUMPY"}), "none of torch.save"),
    "TorchScript": (scripted, "is a TorchScript program"),
    "plain pickle": (lambda: pickle.dumps([1, 2, 3]), "is a plain pickle"),
    "gzip": (lambda: gzip.compress(saved(named())), "is compressed by gzip"),
    "HDF5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(100), "is an HDF5 file"),
    "NumPy": (lambda: b"\x93NUMPY\x01\x00", "is a NumPy array"),
    "PDF": (lambda: b"%PDF-1.7", "is a PDF"),
    "a list of tensors": (lambda: saved(list(named().values())), "holds a list without named"),
    "one tensor": (lambda: saved(weights()), "holds a Tensor without named tensors"),
    "nothing": (lambda: saved(None), "holds a NoneType"),
    "an optimizer's state": (lambda: saved(trained().state_dict()), "without named tensors"),
    "numbers for tensors": (lambda: saved(dict.fromkeys(SHAPES, 1.0)), "without named tensors"),
    "two nets": (
        lambda: saved({"last": named(), "best": named()}),
        "holds several nets (['last'], ['best'])",
    ),
    "a net and its average": (
        lambda: saved({"net": model().state_dict(), "ema": averaged().state_dict()}),
        "holds several nets (['net'], ['ema'])",
    ),
    "a net and its average as models": (
        lambda: saved([model(), averaged()]),
        "holds several nets ([0], [1])",
    ),
    "an entry that calls": (
        lambda: saved({"net": named(), "epoch": 3, "hook": Malicious(getattr, int, "real")}),
        "would run code: its entry ['hook'] calls builtins.getattr",
    ),
    "an entry that calls, deeply": (
        lambda: saved({"net": named(), "extra": [{"a": (Malicious(getattr, int, "real"),)}]}),
        "its entry ['extra'] calls builtins.getattr",
    ),
    "a mask of another shape": (
        lambda: saved(
            without("fc1.weight")
            | {"fc1.weight_orig": torch.zeros(120, 256), "fc1.weight_mask": torch.ones(3)}
        ),
        "has a mask fc1.weight_mask that does not fit",
    ),
    "a broken pickle": (lambda: hollow_pickle(b"\x80\x02}q\x00"), "is cut short or damaged"),
    "an empty stack": (lambda: hollow_pickle(b"\x80\x02."), "the loader says IndexError"),
    "no memo": (lambda: hollow_pickle(b"\x80\x02h\x07."), "is damaged: the loader says KeyError"),
    "a dictionary set on an object": (
        lambda: hollow_pickle(b"\x80\x02c__main__\nNet\n)\x81K\x01K\x02s."),
        "is refused by the weights-only loader",
    ),
    "pickle protocol 4": (
        lambda: saved({"a": Homemade(), "net": named()}, pickle_protocol=4),
        "is refused by the weights-only loader",
    ),
    "a bytearray of gigabytes": (
        lambda: hollow_pickle(b"\x80\x02cbuiltins\nbytearray\nJ\x00\x00\x00\x7f\x85R."),
        "needs more than 1 GB to read",
    ),
    "a key of a million nested tuples": (
        lambda: hollow_pickle(b"\x80\x02})" + b"\x85" * 10**6 + b"K\x01s."),
        "ends the process that reads it (SIGSEGV)",
    ),
    "lists inside each other without end": (
        lambda: hollow_pickle(b"\x80\x02" + b"]" * 10**5 + b"a" * (10**5 - 1) + b"."),
        "holds a list without named tensors",
    ),
    "a tensor of terabytes over a small storage": (
        lambda: with_pickle(b"Kx\x85", b"J\xff\xff\xff\x7f\x85"),  # the size (120,) of fc1.bias
        "is damaged: the loader says RuntimeError",
    ),
}


def containing_itself() -> bytes:
    """A dictionary with forty names for itself: eight levels deep it has 40⁸ entries."""
    names = b"".join(b"X\x01\x00\x00\x00%ch\x00" % (65 + i) for i in range(40))
    return hollow_pickle(b"\x80\x02}q\x00(" + names + b"u.")


def many_tensors() -> bytes:
    """A safetensors header of 8 MB: a hundred thousand tensors of nothing."""
    entry = '"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    return safetensors_header(("{" + ",".join(entry % i for i in range(10**5)) + "}").encode())


def expanded() -> bytes:
    """One number that says it is ten thousand million, under a mask like it."""
    large = torch.zeros(1).expand(10**5, 10**5)
    return saved(without("fc1.weight") | {"fc1.weight_orig": large, "fc1.weight_mask": large})


# What would take all time or memory, or end the process: status 2 too, within the limits.
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "tuples that double": (
        lambda: hollow_pickle(b"\x80\x02})" + b"q\x00h\x00\x86" * 200 + b"K\x01s."),
        "takes more than",
    ),
    "four megabytes of nothing": (
        lambda: hollow_pickle(b"\x80\x02" + b"N0" * (2 * 2**20 - 10) + b"N."),
        "",  # as fast as the machine is
    ),
    "four megabytes of dictionaries": (
        lambda: hollow_pickle(b"\x80\x02" + b"}" * (4 * 2**20 - 10) + b"."),
        "",
    ),
    "a dictionary that contains itself": (containing_itself, "without named tensors"),
    "a header of a hundred thousand tensors": (many_tensors, "has a header of 5 MB"),
    "a tensor of ten thousand million": (expanded, "that does not fit its weight"),
}


def malicious(sign: Path) -> dict[str, tuple[bytes, str]]:
    """Pickles that would create the file `sign`, and what is called in them."""
    command, code = f"touch {sign}", f"open({str(sign)!r}, 'w').close()"
    return {
        "os.system": (saved(Malicious(os.system, command)), "posix.system"),
        "beside a net": (
            saved({"net": named(), "x": Malicious(os.system, command)}),
            "posix.system",
        ),
        "exec": (saved(Malicious(exec, code)), "builtins.exec"),
        "eval": (saved(Malicious(eval, code)), "builtins.eval"),
        "open": (saved(Malicious(open, str(sign), "w")), "open"),
        "old format": (old({"net": named(), "x": Malicious(exec, code)}), "builtins.exec"),
        "getattr": (saved(Malicious(getattr, int, "bit_length")), "builtins.getattr"),
        "torch.load": (saved(Malicious(torch.load, str(sign))), "torch.serialization.load"),
        "pickle": (saved(Malicious(pickle.loads, b"N.")), "pickle.loads"),
        "made as an object": (
            hollow_pickle(b"\x80\x02csubprocess\nPopen\nX\x01\x00\x00\x00x\x85\x81."),
            "subprocess.Popen",
        ),
        "as the safe name of another class": (
            hollow_pickle(b"\x80\x02cnumpy.f2py\ncompile\nX\x01\x00\x00\x00x\x85R."),
            "numpy.f2py.compile",
        ),
    }
