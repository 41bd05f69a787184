r"""The oracle: every question a method may ask about the objective, charged when answered.

The objective is the mean cross-entropy at the *effective* weights m∘w, plus λ/2‖w‖² (of all of
them, or of all but biases) where the scenario asks for L2 and the method has no weight decay of its
own. The mask m is all ones except under a constraint; every question goes through it:

    F(w) = mean ℓ(m∘w) + λ/2 ‖m∘w‖²        ∇F(w) = m ∘ (∇ℓ(m∘w) + λ m∘w)

Calling the oracle is a valid PyTorch closure: it fills `.grad` for the present batch and
returns the loss. Second-order answers (`hessian`, `ggn`, `fisher`, `layers`, per-example
gradients) stand beside `value` and `gradient`, on the same batches; `linalg` factorizes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from lenetlab.errors import UserError
from lenetlab.oracle import second_order
from lenetlab.oracle.engine import Curved, Engine, Layers, ManyPoints
from lenetlab.oracle.ledger import PASS, Ledger
from lenetlab.oracle.linalg import LinearAlgebra
from lenetlab.oracle.model import Model
from lenetlab.oracle.norms import per_example_norms
from lenetlab.oracle.order import DataOrder
from lenetlab.oracle.weights import Weights
from lenetlab.problem.model import Layout

REMEMBERED = 4096  # batches of at least this size have their last answer kept


@dataclass(frozen=True, eq=False)
class Batch:
    """Some examples, by index; nothing is computed or copied until it is asked about."""

    indices: Tensor

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True)
class _Answer:
    batch: Batch
    at: Tensor  # effective weights
    loss: Tensor
    gradient: Tensor | None


Kind = TypeVar("Kind", bound=second_order.Operator)


class Oracle:
    """Answers about the training objective.

    Parameters
    ----------
    batch_size : asked once for each present batch; belongs to the batch plan.
    rng : the source of all randomness of methods.
    l2 : λ of the objective; 0 where the method decays weights itself.
    decayed : how many entries of w, from the first, λ is for; all of them if None.
    model : what second-order answers differentiate where the engine has none of its own.
    """

    def __init__(
        self,
        engine: Engine,
        weights: Weights,
        order: DataOrder,
        batch_size: Callable[[], int],
        rng: torch.Generator,
        l2: float = 0.0,
        decayed: int | None = None,
        model: Model | None = None,
    ) -> None:
        self.ledger = Ledger()
        self.linalg = LinearAlgebra(self.ledger, engine)
        self.rng = rng
        self.order = order
        self.full = Batch(torch.arange(order.n))
        self._engine = engine
        candidates = (source for source in (engine, model) if isinstance(source, Curved | Model))
        self._curvature = next(candidates, None)
        self._weights = weights
        self._batch_size = batch_size
        self._l2 = l2
        self._decayed = slice(decayed)
        self._mask: Tensor | None = None
        self.loss: Tensor | None = None  # first loss of the present batch in this step
        self.batch_size = 0  # examples in the batch last drawn
        self.progress = 0.0  # share of the budget spent before this step; the loop knows it
        self.recalled = 0  # questions of this step that were answered from memory, for nothing
        self.end = math.inf  # effective passes at which the budget is spent
        self._present: Batch | None = None
        self._last: _Answer | None = None

    @property
    def w(self) -> Tensor:
        """The trained weights (n,) themselves, not a copy."""
        return self._weights.w

    @property
    def shapes(self) -> Layout:
        """Names and shapes of the tensors in `w`; layer `fc1` of `layers` has `fc1.weight`."""
        return self._weights.shapes

    @property
    def g(self) -> Tensor:
        """The gradient (n,) that `.grad` of every parameter is a view of."""
        return self._weights.g

    @property
    def mask(self) -> Tensor | None:
        """m (44426,) of zeros and ones, or None for all ones; it changes only between steps."""
        return self._mask

    @mask.setter
    def mask(self, mask: Tensor | None) -> None:
        self._mask = mask
        self.forget()  # a remembered gradient went through the old mask

    # batches

    @property
    def batch(self) -> Batch:
        """The present batch: drawn at the first question of a step, the same until the next."""
        return self._present or self.draw()

    def draw(self, n: int | None = None) -> Batch:
        """The next `n` examples of the data order (fewer at the end of a sweep), from now on the
        present batch; as many as the plan says if None. Raises: `UserError` for n out of range."""
        n = self._batch_size() if n is None else n
        self._check_size(n)
        indices = self.order.take(n)
        # The order of a full batch does not matter, and one order lets answers be remembered.
        self._present = self.full if len(indices) == self.order.n else Batch(indices)
        self.batch_size = len(indices)
        return self._present

    def sample(self, n: int) -> Batch:
        """`n` different examples drawn uniformly, independent of the data order."""
        self._check_size(n)
        return Batch(torch.randperm(self.order.n, generator=self.rng)[:n])

    def partition(self, n: int) -> list[Batch]:
        """A fixed partition into batches of `n` consecutive examples (the last may be smaller)."""
        self._check_size(n)
        return [Batch(indices) for indices in torch.split(self.full.indices, n)]

    @property
    def left(self) -> float:
        """Example gradients that the budget has left, infinite where it is not in passes: who has
        costly questions asks those that fit, because a step that ends beyond does not count."""
        return round((self.end - self.ledger.passes) * PASS, 3)  # the cost is a sum of decimals

    def next_step(self) -> None:
        """Forget the present batch; the loop calls this between steps."""
        self._present = None
        self.loss = None
        self.recalled = 0

    def forget(self) -> None:
        """Forget the remembered answer: the objective has changed."""
        self._last = None

    def _check_size(self, n: int) -> None:
        if not 1 <= n <= self.order.n:
            raise UserError(f"batch size {n} is out of range; expected 1 to {self.order.n}")

    # answers

    def __call__(self) -> Tensor:
        """The loss F on the present batch, in nats, detached, 0-dim; `.grad` of all parameters is
        filled, and with it `g`. Charged: one gradient an example."""
        loss, _ = self.gradient(self.batch, out=self._weights.g)
        self.publish_gradient(loss)
        return loss

    def publish_gradient(self, loss: Tensor) -> None:
        """Hand out `g` as `.grad` of all parameters, with the `loss` that belongs to it."""
        self._weights.attach()
        if self.loss is None:
            self.loss = loss

    def renew(self) -> None:
        """Give all parameters another `.grad`, NaN until it is filled: what is left of the last
        answer is no gradient of this batch, and stays with whoever kept it."""
        self._weights.renew()

    def value(self, batch: Batch, at: Tensor | None = None) -> Tensor:
        """F on `batch` at the vector `at` (n,) (the current weights if None), 0-dim; at every row
        of a matrix `at` (k, n), as values (k,) with the same bits, which a native engine computes
        side by side. Charged: 0.4 gradients an example and row."""
        if at is not None and at.dim() == 2:
            return self._values(batch, at)
        w = self._effective(at)
        known = self._recall(batch, w)
        if known is not None:
            self.recalled += 1
            return known.loss.clone()
        loss = self._engine.value(w, batch.indices)
        self.ledger.charge("forwards", len(batch))
        if self._l2:
            loss = loss + self._penalty(w)
        self._remember(batch, w, loss, None)
        return loss

    def _values(self, batch: Batch, at: Tensor) -> Tensor:
        """F at every row of `at`. A large batch, of which an answer may be known already, is asked
        about row by row: it keeps an engine's threads busy by itself."""
        if not isinstance(self._engine, ManyPoints) or len(batch) >= REMEMBERED:
            return torch.stack([self.value(batch, at=row) for row in at])
        w = self._effective(at)
        values = self._engine.values(w, batch.indices)
        self.ledger.charge("forwards", len(batch) * len(w))
        if self._l2:
            values = values + torch.stack([self._penalty(row) for row in w])
        return values

    def gradient(
        self, batch: Batch, at: Tensor | None = None, out: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """F, 0-dim, and ∇F (44426,) on `batch` at `at`; the gradient is written to `out` if given.
        Neither `.grad` nor `g` is touched. Charged: one gradient an example."""
        w = self._effective(at)
        out = torch.empty_like(w) if out is None else out
        known = self._recall(batch, w)
        if known is not None and known.gradient is not None:
            self.recalled += 1
            out.copy_(known.gradient)
            return known.loss.clone(), out
        loss = self._engine.gradient(w, batch.indices, out)
        self.ledger.charge("gradients", len(batch))
        if self._l2:
            loss = loss + self._penalty(w)
            out[self._decayed].add_(w[self._decayed], alpha=self._l2)
        if self._mask is not None:
            out.mul_(self._mask)
        self._remember(batch, w, loss, out)
        return loss, out

    # second order

    def hessian(self, batch: Batch, at: Tensor | None = None) -> second_order.Hessian:
        """∇²F on `batch` at `at` (the current weights if None), as an operator: `H @ v`.

        Charged: a Hessian product an example and column of v. Source: Pearlmutter 1994. Raises:
        `UserError` where nothing can be differentiated, here as in all second-order answers."""
        return self._operator(second_order.Hessian, batch, at)

    def ggn(self, batch: Batch, at: Tensor | None = None) -> second_order.GaussNewton:
        """The generalised Gauss-Newton matrix on `batch` at `at`; never indefinite.

        Charged: a Gauss-Newton product an example and column. Source: Schraudolph 2002."""
        return self._operator(second_order.GaussNewton, batch, at)

    def fisher(
        self, batch: Batch, at: Tensor | None = None, sampled: bool = False
    ) -> second_order.Fisher:
        """The empirical Fisher matrix; with `sampled`, of labels drawn from the model once.

        Charged as `ggn`. Source: Kunstner et al. 2019."""
        return self._operator(second_order.Fisher, batch, at, self._drawing(batch, sampled))

    def sampled_gradient(self, batch: Batch, at: Tensor | None = None) -> Tensor:
        """The gradient (n,) of the mean loss, without L2, for labels drawn from the model at `at`:
        of mean zero, and b times its square is an estimate of the Gauss-Newton diagonal (Liu et
        al., Sophia, 2024). Charged: one gradient an example."""
        w = self._effective(at)
        g = torch.empty_like(w)
        self._engine.gradient(w, batch.indices, g, self._drawing(batch, True))
        self.ledger.charge("gradients", len(batch))
        return g if self._mask is None else g.mul_(self._mask)

    def layers(self, batch: Batch, at: Tensor | None = None, sampled: bool = False) -> Layers:
        """Inputs and output gradients of every layer at m∘w, of the loss without L2.

        With `sampled`, the output gradients are of labels drawn from the model, as the Fisher
        matrix has them, for the same price. Charged: layers, an example. Shapes: `Layers`.
        """
        drawing = self._drawing(batch, sampled)
        layers = self._engine.layers(self._effective(at), batch.indices, drawing)
        self.ledger.charge("layers", len(batch))
        return layers

    def per_example_gradients(
        self, batch: Batch, at: Tensor | None = None, sampled: bool = False
    ) -> Tensor:
        """∇F_i, a row an example (b, n): 0.18 MB each on LeNet-5; with `sampled`, of labels drawn
        from the model. Charged: a gradient of its own an example."""
        w, drawing = self._effective(at), self._drawing(batch, sampled)
        rows = second_order.per_example_gradients(self._source(), w, batch.indices, drawing)
        self.ledger.charge("per_example_gradients", len(batch))
        if self._l2:
            rows[:, self._decayed].add_(w[self._decayed], alpha=self._l2)
        return rows if self._mask is None else rows.mul_(self._mask)

    def per_example_norms(self, batch: Batch, at: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """F on `batch`, 0-dim, and ‖∇F_i‖ of every example (b,). Charged: layers, an example."""
        w = self._effective(at)
        self.ledger.charge("layers", len(batch))
        if self._mask is None and not self._l2:
            return self._engine.per_example_norms(w, batch.indices)
        # The norm of ∇ℓ_i does not tell what mask and λw make of it; the layers do.
        mask = torch.ones_like(w) if self._mask is None else self._mask
        decay = torch.zeros_like(w)
        decay[self._decayed] = self._l2 * w[self._decayed]
        total, norms = torch.zeros_like(w[0]), []
        for chunk in torch.split(batch.indices, second_order.CHUNK):
            layers = self._engine.layers(w, chunk)
            total += layers.loss * len(chunk)
            norms.append(per_example_norms(layers, self.shapes, mask, decay))
        return total / len(batch) + self._penalty(w), torch.cat(norms)

    def _operator(
        self, kind: type[Kind], batch: Batch, at: Tensor | None, uniform: Tensor | None = None
    ) -> Kind:
        return kind(
            self._source(), self._effective(at), batch.indices, self.ledger,
            self._mask, self._l2, uniform, self._decayed,
        )  # fmt: skip

    def _drawing(self, batch: Batch, sampled: bool) -> Tensor | None:
        """Numbers that draw a label for every example of `batch`, if labels are to be drawn."""
        return torch.rand(len(batch), generator=self.rng) if sampled else None

    def _penalty(self, w: Tensor) -> Tensor:
        """λ/2‖w‖² at effective weights."""
        part = w[self._decayed]
        return 0.5 * self._l2 * part.dot(part)

    def _source(self) -> Curved | Model:
        if self._curvature is None:
            raise UserError(f"engine {self._engine.name} has no second-order answers; take torch")
        return self._curvature

    def _effective(self, at: Tensor | None) -> Tensor:
        w = self._weights.w if at is None else at.detach()
        return w if self._mask is None else w * self._mask

    def _remember(self, batch: Batch, w: Tensor, loss: Tensor, gradient: Tensor | None) -> None:
        if len(batch) >= REMEMBERED:
            kept = None if gradient is None else gradient.clone()
            self._last = _Answer(batch, w.clone(), loss.clone(), kept)

    def _recall(self, batch: Batch, w: Tensor) -> _Answer | None:
        """The last answer, if it was to the same question at the same bits of w: it is free."""
        last = self._last
        if last is None or not torch.equal(last.at, w):
            return None
        if last.batch is not batch and not torch.equal(last.batch.indices, batch.indices):
            return None
        return last

    # checkpoints

    def state(self) -> dict[str, object]:
        """Ledger, data position, random state, mask, and the answer that is remembered: asked again
        after a resume, it must be as free as it would have been."""
        last = self._last
        return {
            "ledger_counts": self.ledger.counts(),
            "factorization_seconds": self.linalg.seconds,
            "order": self.order.state(),
            "rng": self.rng.get_state(),
            "mask": self._mask,
            "last": last and [last.batch.indices, last.at, last.loss, last.gradient],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a recorded state."""
        self.ledger.restore(state["ledger_counts"])
        self.linalg.seconds = state["factorization_seconds"]
        self.order.restore(state["order"])
        self.rng.set_state(state["rng"])
        self.mask = state["mask"]
        if state["last"] is not None:
            indices, at, loss, gradient = state["last"]
            self._last = _Answer(Batch(indices), at, loss, gradient)
