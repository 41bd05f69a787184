"""The native engine against float64 autograd, at every width of its vectors this machine has."""

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lenetlab.oracle.native import build
from lenetlab.oracle.native_engine import NativeEngine
from lenetlab.oracle.torch_engine import TorchEngine
from lenetlab.problem.model import LAYERS, SIZE, initial_weights, logits, views
from tests.waiting import join, wait_until

CPU = torch.device("cpu")
SIZES = (1, 2, 15, 16, 17, 63, 64, 100, 256, 1000)


# A machine that has AVX-512 has AVX2 too; what it never uses itself is compiled for the long tests.
HERE = build.instruction_set()
WIDTHS = [HERE, *([pytest.param("AVX2", marks=pytest.mark.long)] if HERE == "AVX512" else [])]


@pytest.fixture(scope="module", params=WIDTHS)
def engine(request, train, tmp_path_factory):
    """An engine over the training images, compiled for one instruction set."""
    made = NativeEngine(train.images, train.labels, threads=2)
    if request.param == HERE:
        return made  # by the library of this machine
    path = tmp_path_factory.mktemp("native") / "lenet.so"
    flags = (*build.FLAGS, *build.INSTRUCTIONS[request.param])
    build._compile(build.compiler(), flags, path)
    made.use(build.load(path))
    return made


@pytest.fixture(scope="module")
def points(train):
    """The initial weights, and weights after 300 steps of SGD at a large rate."""
    w = initial_weights(torch.Generator().manual_seed(3))
    trained, g = w.clone(), torch.empty(SIZE)
    fast = NativeEngine(train.images, train.labels, threads=2)
    for k in range(300):
        fast.gradient(trained, torch.arange(64 * k, 64 * k + 64), g)
        trained -= 0.3 * g
    return {"initial": w, "trained": trained}


def batch_of(size: int) -> torch.Tensor:
    return torch.randint(60_000, (size,), generator=torch.Generator().manual_seed(size))


def pooled_at(z: torch.Tensor, winners: torch.Tensor) -> torch.Tensor:
    """2×2 pooling that takes the entries marked in `winners`, the largest where none is marked."""

    def windows(x):
        b, c, h, w = x.shape
        return x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 1, 2, 4, 3, 5).flatten(4)

    marked = windows(winners).to(torch.float32)
    choice = torch.where(marked.sum(-1) > 0, marked.argmax(-1), windows(z).argmax(-1))
    return windows(z).gather(-1, choice.unsqueeze(-1)).squeeze(-1)


def reference(w, images, labels, winners=None):
    """Loss, per-tensor gradients and pre-pool maps in float64 autograd; `winners` of the pools."""
    p = {k: v.double().requires_grad_() for k, v in views(w).items()}
    x = images.double().div(255).unsqueeze(1)
    z1 = F.conv2d(x, p["conv1.weight"], p["conv1.bias"])
    a1 = torch.tanh(F.max_pool2d(z1, 2) if winners is None else pooled_at(z1, winners[0]))
    z2 = F.conv2d(a1, p["conv2.weight"], p["conv2.bias"])
    a2 = torch.tanh(F.max_pool2d(z2, 2) if winners is None else pooled_at(z2, winners[1]))
    h = torch.tanh(F.linear(a2.flatten(1), p["fc1.weight"], p["fc1.bias"]))
    h = torch.tanh(F.linear(h, p["fc2.weight"], p["fc2.bias"]))
    loss = F.cross_entropy(F.linear(h, p["fc3.weight"], p["fc3.bias"]), labels)
    grads = dict(zip(p, torch.autograd.grad(loss, list(p.values())), strict=True))
    return float(loss.detach()), grads, (z1.detach(), z2.detach())


@pytest.mark.parametrize("point", ["initial", "trained"])
@pytest.mark.parametrize("size", SIZES)
def test_gradient_is_that_of_float64(engine, points, train, size, point):
    w, batch = points[point], batch_of(size)
    out = torch.full((SIZE,), torch.nan)
    loss = engine.gradient(w, batch, out)
    deltas = engine.layers(w, batch).output_gradients
    winners = deltas["conv1"] != 0, deltas["conv2"] != 0
    expected, grads, _ = reference(w, train.images[batch], train.labels[batch], winners)
    assert float(loss) == pytest.approx(expected, rel=2e-6)
    for name, found in views(out).items():
        error = (found.double() - grads[name]).norm() / grads[name].norm()
        assert error <= 5e-6, f"{name}: {error:.1e}"


def test_winners_differ_as_rarely_as_pytorchs(engine, points, train):
    """Where two entries of a window tie within rounding, float32 may pick the other one."""
    w, batch = points["trained"], torch.arange(2000)
    deltas = engine.layers(w, batch).output_gradients
    theirs = TorchEngine(train, CPU).layers(w, batch).output_gradients
    _, _, maps = reference(w, train.images[batch], train.labels[batch])
    for name, z in zip(("conv1", "conv2"), maps, strict=True):
        _, right = F.max_pool2d(z, 2, return_indices=True)
        other = []
        for delta in (deltas[name], theirs[name]):
            at_right = delta.flatten(2).gather(2, right.flatten(2)) != 0
            given = F.max_pool2d(delta.abs(), 2).flatten(2) != 0
            other.append(int((given & ~at_right).sum()))
        assert other[0] <= 3 * other[1] + 20, (name, other)


@pytest.mark.parametrize("size", [1, 16, 17, 100, 1000, 5000])
def test_bits_are_the_same_for_any_number_of_threads_and_every_time(engine, points, size):
    w, batch = points["trained"], batch_of(size)
    found = []
    for threads in (1, 2, 3, 5, 8, 1, 2, 2):
        engine._question["threads"] = threads
        out = torch.empty(SIZE)
        loss = engine.gradient(w, batch, out)
        found.append((loss, out, engine.logits(w, batch), engine.per_example_norms(w, batch)[1]))
    engine._question["threads"] = 2
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def logits64(images, winners):
    """w ↦ class scores in float64, with the pools' choices given."""
    x = images.double().div(255).unsqueeze(1)

    def scores(w):
        p = views(w)
        a1 = torch.tanh(pooled_at(F.conv2d(x, p["conv1.weight"], p["conv1.bias"]), winners[0]))
        a2 = torch.tanh(pooled_at(F.conv2d(a1, p["conv2.weight"], p["conv2.bias"]), winners[1]))
        h = torch.tanh(F.linear(a2.flatten(1), p["fc1.weight"], p["fc1.bias"]))
        h = torch.tanh(F.linear(h, p["fc2.weight"], p["fc2.bias"]))
        return F.linear(h, p["fc3.weight"], p["fc3.bias"])

    return scores


def product64(kind, w, v, images, labels, winners):
    """The product in float64: the Hessian's by two backward passes, the others' as Jᵀ C J v."""
    w, v = w.double().requires_grad_(), v.double()
    z = logits64(images, winners)(w)
    if kind == "hessian":
        (g,) = torch.autograd.grad(F.cross_entropy(z, labels), w, create_graph=True)
        return torch.autograd.grad(g, w, v)[0]
    u = torch.zeros_like(z, requires_grad=True)
    (pulled,) = torch.autograd.grad(z, w, u, create_graph=True)  # Jᵀ u, whose derivative by u is J
    (along,) = torch.autograd.grad(pulled, u, v, retain_graph=True)
    p = z.detach().softmax(1)
    if kind == "ggn":
        middle = p * (along - (p * along).sum(1, keepdim=True))
    else:
        r = p - F.one_hot(labels, 10)
        middle = r * (r * along).sum(1, keepdim=True)
    return torch.autograd.grad(z, w, middle / len(images))[0]


@pytest.mark.parametrize("kind", ["hessian", "ggn", "fisher"])
@pytest.mark.parametrize("point", ["initial", "trained"])
@pytest.mark.parametrize("size", [1, 15, 17, 64, 250])
def test_curvature_products_are_those_of_float64(engine, points, train, kind, point, size):
    w, batch = points[point], batch_of(size)
    v = torch.randn(SIZE, generator=torch.Generator().manual_seed(size))
    deltas = engine.layers(w, batch).output_gradients
    winners = deltas["conv1"] != 0, deltas["conv2"] != 0
    expected = product64(kind, w, v, train.images[batch], train.labels[batch], winners)
    for name, found in views(engine.product(kind, w, batch, v)).items():
        right = views(expected)[name]
        error = (found.double() - right).norm() / right.norm()
        assert error <= 1e-5, f"{name}: {error:.1e}"


def test_a_fisher_product_of_drawn_labels_is_that_of_their_gradients(engine, points):
    w, batch = points["trained"], batch_of(50)
    uniform = torch.rand(50, generator=torch.Generator().manual_seed(2))
    v = torch.randn(SIZE, generator=torch.Generator().manual_seed(3))
    rows = engine.per_example_gradients(w, batch, uniform).double()
    expected = rows.T @ (rows @ v.double()) / 50
    found = engine.product("fisher", w, batch, v, uniform).double()
    assert (found - expected).norm() < 1e-5 * expected.norm()
    other = engine.product("fisher", w, batch, v).double()
    assert (other - expected).norm() > 0.1 * expected.norm()


def test_per_example_gradients_are_the_gradients_of_the_examples(engine, points):
    w, batch, single = points["trained"], batch_of(35), torch.empty(SIZE)
    uniform = torch.rand(35, generator=torch.Generator().manual_seed(4))
    for drawn in (None, uniform):
        rows = engine.per_example_gradients(w, batch, drawn)
        for i in range(35):
            engine.gradient(
                w, batch[i : i + 1], single, None if drawn is None else drawn[i : i + 1]
            )
            assert (rows[i] - single).norm() <= 2e-6 * single.norm()
        whole = torch.empty(SIZE)
        engine.gradient(w, batch, whole, drawn)
        assert (rows.double().mean(0) - whole).norm() <= 2e-6 * whole.norm()


def test_the_hessian_is_symmetric_and_zero_directions_give_zero(engine, points):
    w, batch = points["trained"], batch_of(40)
    rng = torch.Generator().manual_seed(5)
    u, v = torch.randn(SIZE, generator=rng), torch.randn(SIZE, generator=rng)
    for kind in ("hessian", "ggn", "fisher"):
        hv = engine.product(kind, w, batch, v).double()
        left, right = u.double().dot(hv), v.double().dot(engine.product(kind, w, batch, u).double())
        assert float(left) == pytest.approx(float(right), abs=float(1e-6 * u.norm() * hv.norm()))
        assert torch.equal(engine.product(kind, w, batch, torch.zeros(SIZE)), torch.zeros(SIZE))


def test_bits_of_curvature_do_not_depend_on_threads(engine, points):
    w, v = points["trained"], torch.randn(SIZE, generator=torch.Generator().manual_seed(6))
    for size in (1, 17, 1000):
        batch, found = batch_of(size), []
        for threads in (1, 2, 3, 8, 2):
            engine._question["threads"] = threads
            products = [engine.product(kind, w, batch, v) for kind in ("hessian", "ggn", "fisher")]
            found.append([*products, engine.per_example_gradients(w, batch[:100])])
        engine._question["threads"] = 2
        for other in found[1:]:
            assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_question_of_another_layout_is_refused(engine):
    class Older:
        @staticmethod
        def lenet_question_size():
            return 8

    with pytest.raises(RuntimeError, match="questions of 8 bytes"):
        engine.use(Older())


def threads_of_this_process() -> int:
    return len(os.listdir("/proc/self/task"))


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
def test_engines_have_threads_of_their_own_and_leave_none_behind(engine, points, train):
    """Two answer at the same time, each with its own memory; what is dropped is gone."""
    w = points["trained"]
    batches = [batch_of(64), batch_of(100)]
    expected = [torch.empty(SIZE), torch.empty(SIZE)]
    for batch, out in zip(batches, expected, strict=True):
        engine.gradient(w, batch, out)
    before = threads_of_this_process()
    two = [NativeEngine(train.images, train.labels, threads=3) for _ in range(2)]
    for one in two:
        one.use(engine._library)
    found = [torch.empty(SIZE), torch.empty(SIZE)]

    def ask(one: NativeEngine, batch: torch.Tensor, out: torch.Tensor) -> None:
        for _ in range(50):
            one.gradient(w, batch, out)

    asking = [
        threading.Thread(target=ask, args=given) for given in zip(two, batches, found, strict=True)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        join(thread)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert threads_of_this_process() > before
    del two, one, asking
    gc.collect()
    wait_until(lambda: threads_of_this_process() == before, "the engines' threads to end")


def test_value_logits_and_gradient_agree(engine, points, train):
    w = points["trained"]
    out, batch = torch.empty(SIZE), batch_of(300)
    scores = engine.logits(w, batch)
    expected = logits(views(w.double()), train.images[batch].double().div(255).unsqueeze(1))
    assert (scores - expected).abs().max() < 2e-5 * expected.abs().max()
    assert torch.equal(engine.value(w, batch), engine.gradient(w, batch, out))
    assert torch.equal(engine.logits(w)[:50], engine.logits(w, torch.arange(50)))


def test_values_at_many_points_are_those_of_each_at_any_number_of_threads(engine, points, train):
    rng = torch.Generator().manual_seed(9)
    at = points["trained"] + 0.03 * torch.randn(7, SIZE, generator=rng)
    for size in (1, 17, 64, 1000):
        batch = batch_of(size)
        single = torch.stack([engine.value(w, batch) for w in at])
        x = train.images[batch].double().div(255).unsqueeze(1)
        for w, found in zip(at, single, strict=True):
            right = F.cross_entropy(logits(views(w.double()), x), train.labels[batch])
            assert float(found) == pytest.approx(float(right), rel=1e-5)
        for threads in (1, 2, 3, 8):
            engine._question["threads"] = threads
            assert torch.equal(engine.values(at, batch), single)
        engine._question["threads"] = 2
    assert torch.equal(engine.values(at[:1], None), engine.value(at[0], None).unsqueeze(0))


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"w": torch.zeros(SIZE)}, ValueError, "w has shape"),
        ({"w": torch.zeros(0, SIZE)}, ValueError, "w has no rows"),
        ({"w": torch.zeros(3, SIZE - 1)}, ValueError, "w has shape"),
        ({"w": torch.zeros(SIZE, 3).T}, ValueError, "contiguous"),
        ({"w": torch.zeros(3, SIZE, dtype=torch.float64)}, TypeError, r"w is torch\.float64"),
        ({"batch": torch.tensor([0, 60_000])}, IndexError, r"batch\[1\] is out of range"),
        ({"batch": torch.tensor([], dtype=torch.int64)}, ValueError, "batch is empty"),
    ],
)
def test_wrong_points_are_an_exception(engine, wrong, error, says):
    right = {"w": torch.zeros(3, SIZE), "batch": torch.arange(4)}
    with pytest.raises(error, match=says):
        engine.values(**(right | wrong))


def test_a_large_batch_is_the_mean_of_its_parts(engine, points):
    w, total = points["initial"], torch.zeros(SIZE, dtype=torch.float64)
    whole, part = torch.empty(SIZE), torch.empty(SIZE)
    loss = engine.gradient(w, None, whole)
    losses = []
    for indices in torch.arange(60_000).split(6000):
        losses.append(float(engine.gradient(w, indices, part)))
        total += part.double() / 10
    assert float(loss) == pytest.approx(sum(losses) / 10, rel=1e-6)
    assert (whole - total).norm() < 2e-6 * total.norm()


def test_layers_and_norms_are_pytorchs(engine, points, train):
    w, batch = points["trained"], batch_of(75)
    ours, theirs = engine.layers(w, batch), TorchEngine(train, CPU).layers(w, batch)
    assert float(ours.loss) == pytest.approx(float(theirs.loss), rel=1e-6)
    for name in LAYERS:
        # Winograd's tiles round about 2.5 times as much as the direct sum of 150 products
        torch.testing.assert_close(ours.inputs[name], theirs.inputs[name], rtol=0, atol=8e-6)
        a, b = ours.output_gradients[name], theirs.output_gradients[name]
        assert a.shape == b.shape
        same = (a != 0) == (b != 0)  # but for a tie in a window
        assert (~same).sum() <= 4
        torch.testing.assert_close(a[same], b[same], rtol=0, atol=2e-6)
    _, norms = engine.per_example_norms(w, batch)
    single = torch.empty(SIZE)
    for example, norm in zip(batch[:20], norms[:20], strict=True):
        engine.gradient(w, example.view(1), single)
        assert float(norm) == pytest.approx(float(single.norm()), rel=2e-5)


def test_drawn_labels_are_those_of_float64(engine, points, train):
    """By the numbers that draw them; the winners of the pools are the engine's own."""
    w, batch = points["trained"], batch_of(300)
    uniform = torch.rand(300, generator=torch.Generator().manual_seed(8))
    uniform[:2] = torch.tensor([0.0, 1 - 2**-24])
    found = engine.layers(w, batch, uniform)
    images = train.images[batch]
    z = logits(views(w.double()), images.double().div(255).unsqueeze(1))
    labels = (z.softmax(1).cumsum(1) <= uniform.double().unsqueeze(1)).sum(1)
    assert (labels != train.labels[batch]).sum() > 30
    drawn = NativeEngine(images, labels, threads=2)
    drawn.use(engine._library)
    expected = drawn.layers(w, None)
    for name in LAYERS:
        assert torch.equal(found.inputs[name], expected.inputs[name])
        assert torch.equal(found.output_gradients[name], expected.output_gradients[name])
    assert torch.equal(found.loss, engine.value(w, batch))
    theirs = TorchEngine(train, CPU).layers(w, batch, uniform)
    assert float(theirs.loss) == pytest.approx(float(found.loss), rel=1e-6)
    for name in ("fc1", "fc2", "fc3"):
        a, b = found.output_gradients[name], theirs.output_gradients[name]
        torch.testing.assert_close(a, b, rtol=0, atol=2e-6)
    with pytest.raises(ValueError, match="uniform has shape"):
        engine.layers(w, batch, uniform[:5])


def test_float_images_are_taken_as_well_as_bytes(engine, points, train):
    w, images = points["trained"], train.images[:100].float() / 255
    given = NativeEngine(images, train.labels[:100], threads=2)
    given.use(engine._library)
    a, b = torch.empty(SIZE), torch.empty(SIZE)
    one, other = given.gradient(w, None, a), engine.gradient(w, torch.arange(100), b)
    assert float(one) == pytest.approx(float(other), rel=1e-6)
    assert (a - b).norm() < 1e-5 * b.norm()
    assert torch.equal(given.layers(w, None).inputs["conv1"].flatten(), images.flatten())


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"batch": torch.tensor([5, 60_000])}, IndexError, r"batch\[1\] is out of range"),
        ({"batch": torch.tensor([-1])}, IndexError, r"batch\[0\] is out of range"),
        ({"batch": torch.tensor([1.0])}, TypeError, "batch is torch.float32"),
        ({"batch": torch.tensor([], dtype=torch.int64)}, ValueError, "batch is empty"),
        ({"batch": torch.arange(10)[::2]}, ValueError, "contiguous"),
        ({"batch": torch.zeros(2, 2, dtype=torch.int64)}, ValueError, "batch has shape"),
        ({"w": torch.zeros(SIZE, dtype=torch.float64)}, TypeError, "w is torch.float64"),
        ({"w": torch.zeros(SIZE - 1)}, ValueError, "w has shape"),
        ({"w": torch.zeros(2 * SIZE)[::2]}, ValueError, "contiguous"),
        ({"out": torch.zeros(SIZE - 1)}, ValueError, "out has shape"),
        ({"uniform": torch.zeros(3)}, ValueError, "uniform has shape"),
    ],
)
def test_wrong_arrays_are_an_exception(engine, points, wrong, error, says):
    right = {"w": points["initial"], "batch": torch.arange(4), "out": torch.empty(SIZE)}
    with pytest.raises(error, match=says):
        engine.gradient(**(right | wrong))


def test_a_wrong_direction_is_an_exception(engine, points):
    w, batch = points["initial"], torch.arange(4)
    with pytest.raises(ValueError, match="v has shape"):
        engine.product("ggn", w, batch, torch.zeros(SIZE - 1))
    with pytest.raises(TypeError, match=r"v is torch\.float64"):
        engine.product("ggn", w, batch, torch.zeros(SIZE, dtype=torch.float64))
    with pytest.raises(IndexError, match=r"batch\[0\]"):
        engine.product("hessian", w, torch.tensor([60_000]), torch.zeros(SIZE))


def test_wrong_images_and_labels_are_an_exception(train):
    images, labels = train.images[:20], train.labels[:20]
    nan = images.float().div(255)
    nan[3, 4, 5] = torch.nan
    with pytest.raises(ValueError, match="NaN"):
        NativeEngine(nan, labels)
    with pytest.raises(TypeError, match="int16"):
        NativeEngine(images.to(torch.int16), labels)
    with pytest.raises(ValueError, match="contiguous"):
        NativeEngine(images.transpose(1, 2), labels)
    bad = labels.clone()
    bad[7] = 10
    engine = NativeEngine(images, bad)
    with pytest.raises(IndexError, match=r"label of batch\[7\]"):
        engine.value(torch.zeros(SIZE), None)


def test_weights_that_are_no_numbers_give_a_loss_that_is_none(engine):
    assert engine.value(torch.full((SIZE,), torch.nan), torch.arange(20)).isnan()


def test_python_threads_may_ask_at_once(engine, points):
    w, batch = points["trained"], batch_of(64)
    expected = torch.empty(SIZE)
    engine.gradient(w, batch, expected)
    outs = [torch.empty(SIZE) for _ in range(8)]

    def ask(out: torch.Tensor) -> None:
        for _ in range(20):
            engine.gradient(w, batch, out)

    asking = [threading.Thread(target=ask, args=(out,)) for out in outs]
    for thread in asking:
        thread.start()
    for thread in asking:
        join(thread)
    assert all(torch.equal(out, expected) for out in outs)


def test_a_forked_process_computes_the_same(tmp_path):
    program = (
        "import os, torch\n"
        "from lenetlab.oracle.native_engine import NativeEngine\n"
        "from lenetlab.problem.model import SIZE\n"
        "g = torch.Generator().manual_seed(0)\n"
        "images = torch.randint(256, (100, 28, 28), dtype=torch.uint8, generator=g)\n"
        "engine = NativeEngine(images, torch.arange(100) % 10, threads=2)\n"
        "w = torch.randn(SIZE, generator=g) / 20\n"
        "before = engine.value(w, None)\n"
        "if os.fork() == 0:\n"
        "    os._exit(0 if torch.equal(engine.value(w, None), before) else 1)\n"
        "_, status = os.wait()\n"
        "raise SystemExit(os.waitstatus_to_exitcode(status))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60, cwd=tmp_path)
    assert done.returncode == 0
