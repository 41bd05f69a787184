"""The native engine: LeNet-5 on a CPU by kernels of our own, several times faster than PyTorch.

The bits do not depend on the number of threads. They do depend on the compiler and on the width
of the processor's vectors, which is why `key` is part of a run's identity.
"""

import ctypes
import weakref
from array import array
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lenetlab.oracle.engine import Curvature, Layers
from lenetlab.oracle.native.build import native_kernel
from lenetlab.oracle.newton_schulz import LEAST, Quintic
from lenetlab.problem.model import SIZE

_NUMBERS = ("bytes", "n", "b", "points", "threads", "curvature")
_FIELDS = (
    "images", "bytes", "labels", "n", "indices", "b", "w", "points", "threads", "uniform",
    "direction", "curvature",
    "loss", "gradient", "logits", "norms", "rows",
    "x", "a1", "a2", "h1", "h2", "d_conv1", "d_conv2", "d_fc1", "d_fc2", "d_fc3",
)  # fmt: skip


_CURVATURE: dict[Curvature, int] = {"hessian": 1, "ggn": 2, "fisher": 3}


class _Question(ctypes.Structure):
    """`struct Question` of native/question.h, field by field."""

    _fields_ = [(name, ctypes.c_int64 if name in _NUMBERS else ctypes.c_void_p) for name in _FIELDS]


class NativeEngine:
    """Answers about `images` (n, 28, 28), uint8 or float32 in [0, 1], with `labels` (n,) int64.

    To bind it to other images, an augmented batch for instance, costs microseconds: make another.
    Arrays of a wrong kind are a `TypeError`, of a wrong shape or with NaN a `ValueError`, indices
    out of range an `IndexError`. `batch` is None for all images in their order.
    """

    name = "native"

    def __init__(self, images: Tensor, labels: Tensor, threads: int = 1) -> None:
        kinds = (torch.uint8, torch.float32)
        _check("images", images, kinds, (len(labels), 28, 28))
        _check("labels", labels, (torch.int64,), (len(labels),))
        if images.dtype == torch.float32 and not bool(images.isfinite().all()):
            raise ValueError("images hold NaN or infinite pixels; expected numbers in [0, 1]")
        self.n, self.threads = len(labels), threads
        self.key = native_kernel().key
        self.use(native_kernel().library)
        self._data = images, labels  # kept alive: the library reads their memory
        self._question: dict[str, Any] = {
            "images": images.data_ptr(),
            "bytes": images.dtype == torch.uint8,
            "labels": labels.data_ptr(),
            "n": self.n,
            "threads": threads,
        }

    def use(self, library: ctypes.CDLL) -> None:
        """Answer by `library`, with threads and memory of this engine's own.

        Raises: `RuntimeError` if its question is not laid out as it is here."""
        if library.lenet_question_size() != ctypes.sizeof(_Question):
            raise RuntimeError(
                f"the compiled engine has questions of {library.lenet_question_size()} bytes, "
                f"native_engine.py of {ctypes.sizeof(_Question)}; their fields must be the same"
            )
        self._library, self._handle = library, library.lenet_open()
        weakref.finalize(self, library.lenet_close, self._handle)

    def gradient(
        self, w: Tensor, batch: Tensor | None, out: Tensor, uniform: Tensor | None = None
    ) -> Tensor:
        """Mean cross-entropy, 0-dim; its gradient is written to `out` (44426,), with `uniform` that
        of the labels which it draws."""
        _check("out", out, (torch.float32,), (SIZE,))
        return self._ask(w, batch, gradient=out, **self._drawing(batch, uniform))

    def product(
        self,
        kind: Curvature,
        w: Tensor,
        batch: Tensor | None,
        v: Tensor,
        uniform: Tensor | None = None,
    ) -> Tensor:
        """The loss's `kind` of curvature times `v` (44426,)."""
        _check("v", v, (torch.float32,), (SIZE,))
        out = _floats(SIZE)
        drawing = self._drawing(batch, uniform)
        self._ask(w, batch, curvature=_CURVATURE[kind], direction=v, gradient=out, **drawing)
        return out

    def per_example_gradients(
        self, w: Tensor, batch: Tensor | None, uniform: Tensor | None = None
    ) -> Tensor:
        """Every example's gradient, a row each (b, 44426); with `uniform` of the drawn labels."""
        rows = _floats(self._size(batch), SIZE)
        self._ask(w, batch, rows=rows, **self._drawing(batch, uniform))
        return rows

    def newton_schulz(self, matrices: Sequence[Tensor], steps: Sequence[Quintic]) -> list[Tensor]:
        """`lenetlab.oracle.newton_schulz` of float32 matrices and vectors, all in one call."""
        for g in matrices:
            _check("matrices", g, (torch.float32,), tuple(g.shape))
        found = [torch.empty_like(g) for g in matrices]
        shapes = array("q", [n for g in matrices for n in (0, *g.shape)[-2:]])
        coefficients = array("f", [x for quintic in steps for x in quintic])
        self._library.lenet_level(
            _addresses(matrices), _addresses(found), shapes.buffer_info()[0], len(matrices), LEAST,
            coefficients.buffer_info()[0], len(steps),
        )  # fmt: skip
        return found

    def value(self, w: Tensor, batch: Tensor | None) -> Tensor:
        """Mean cross-entropy, 0-dim, by a forward pass alone."""
        return self._ask(w, batch)

    def values(self, w: Tensor, batch: Tensor | None) -> Tensor:
        """Mean cross-entropy at every row of `w` (k, 44426), as values (k,): the bits of `value`,
        while the threads share the points as well as the batch."""
        if len(w) == 0:
            raise ValueError("w has no rows; expected at least one point")
        _check("w", w, (torch.float32,), (len(w), SIZE))
        return self._losses(w, batch)

    def logits(self, w: Tensor, batch: Tensor | None = None) -> Tensor:
        """Class scores (b, 10)."""
        out = _floats(self._size(batch), 10)
        self._ask(w, batch, logits=out)
        return out

    def layers(self, w: Tensor, batch: Tensor | None, uniform: Tensor | None = None) -> Layers:
        """Inputs and output gradients of every layer; 62 kB an example."""
        b = self._size(batch)
        inputs = {
            "conv1": _floats(b, 1, 28, 28),
            "conv2": _floats(b, 6, 12, 12),
            "fc1": _floats(b, 256),
            "fc2": _floats(b, 120),
            "fc3": _floats(b, 84),
        }
        deltas = {
            "conv1": _floats(b, 6, 24, 24).zero_(),  # the library writes the pools' winners alone
            "conv2": _floats(b, 16, 8, 8).zero_(),
            "fc1": _floats(b, 120),
            "fc2": _floats(b, 84),
            "fc3": _floats(b, 10),
        }
        names = zip(("x", "a1", "a2", "h1", "h2"), inputs.values(), strict=True)
        arrays: dict[str, Any] = dict(names) | {
            f"d_{name}": delta for name, delta in deltas.items()
        }
        arrays |= self._drawing(batch, uniform)
        return Layers(self._ask(w, batch, **arrays), inputs, deltas)

    def per_example_norms(self, w: Tensor, batch: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy, and the Euclidean norm of every example's gradient (b,)."""
        norms = _floats(self._size(batch))
        return self._ask(w, batch, norms=norms), norms

    def _size(self, batch: Tensor | None) -> int:
        return self.n if batch is None else len(batch)

    def _drawing(self, batch: Tensor | None, uniform: Tensor | None) -> dict[str, Any]:
        """What a question needs for drawn labels."""
        if uniform is None:
            return {}
        _check("uniform", uniform, (torch.float32,), (self._size(batch),))
        return {"uniform": uniform}

    def _ask(
        self, w: Tensor, batch: Tensor | None, /, *, curvature: int = 0, **arrays: Any
    ) -> Tensor:
        """The mean loss, 0-dim; the library reads and fills the `arrays` of the question."""
        _check("w", w, (torch.float32,), (SIZE,))
        return self._losses(w.unsqueeze(0), batch, curvature=curvature, **arrays)[0]

    def _losses(
        self, points: Tensor, batch: Tensor | None, /, *, curvature: int = 0, **arrays: Any
    ) -> Tensor:
        """The mean losses (k,) at `points` (k, 44426); only one point may have `arrays`."""
        losses = torch.empty(len(points), dtype=torch.float64, device="cpu")
        question = _Question(
            w=points.data_ptr(),
            points=len(points),
            b=self.n,
            loss=losses.data_ptr(),
            curvature=curvature,
            **self._question,
            **{name: array.data_ptr() for name, array in arrays.items()},
        )
        if batch is not None:
            _check("batch", batch, (torch.int64,), (len(batch),))
            question.b, question.indices = len(batch), batch.data_ptr()
        if question.b == 0:
            raise ValueError("batch is empty; expected at least one example")
        wrong = self._library.lenet_answer(self._handle, ctypes.addressof(question))
        if wrong > 0:
            raise IndexError(f"batch[{wrong - 1}] is out of range; expected 0 to {self.n - 1}")
        if wrong < 0:
            raise IndexError(f"label of batch[{-wrong - 1}] is out of range; expected 0 to 9")
        return losses.to(torch.float32)


def _floats(*shape: int) -> Tensor:
    """Memory for an answer, whatever an optimizer has made PyTorch's default."""
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def _addresses(arrays: Sequence[Tensor]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*[x.data_ptr() for x in arrays])


def _check(name: str, x: Tensor, kinds: tuple[torch.dtype, ...], shape: tuple[int, ...]) -> None:
    if x.dtype not in kinds or x.device.type != "cpu":
        expected = " or ".join(str(kind).removeprefix("torch.") for kind in kinds)
        raise TypeError(f"{name} is {x.dtype} on {x.device.type}; expected {expected} on the CPU")
    if x.shape != shape or not x.is_contiguous():
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected contiguous {shape}")
