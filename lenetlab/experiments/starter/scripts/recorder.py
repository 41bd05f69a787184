"""The process in which a script runs: as it would by itself, and what it builds is recorded.

    python -m lenetlab.experiments.starter.scripts.recorder RECORD CODE FOLDER [notebook]

The file RECORD gets what was seen; the weights that were left lie beside it.

Listening draws no random number and changes no tensor: the script's bits are its own.
"""

import inspect
import json
import math
import os
import runpy
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer, lr_scheduler
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.data import DataLoader, RandomSampler

from lenetlab.experiments.run.parent import end_with
from lenetlab.experiments.starter.scripts.nets import beginning, is_starters, net_of, ordered
from lenetlab.experiments.starter.scripts.record import Loader, Net, Record, Scheduler, Trained


class Recorder:
    """Listens from `listen` on; `record` sums up."""

    def __init__(self) -> None:
        self.seeds: list[int] = []
        self.optimizers: dict[int, tuple[Optimizer, Trained]] = {}
        self.nets: dict[int, tuple[nn.Module, dict[str, Tensor]]] = {}  # and the first weights
        self.schedulers: list[tuple[Any, dict[str, Any]]] = []
        self.loaders: list[tuple[Any, Loader]] = []
        self.clips: Counter[tuple[str, float, float]] = Counter()
        self.losses: Counter[tuple[str, str]] = Counter()

    def listen(self) -> None:
        """Wrap everything that decides a training, so that its calls are recorded."""
        register_optimizer_step_pre_hook(self._step)
        for module, name, heard in (
            (torch, "manual_seed", self._seed),
            (torch.random, "manual_seed", self._seed),
            (nn.utils, "clip_grad_norm_", self._clip),
            (nn.utils.clip_grad, "clip_grad_norm_", self._clip),
            (nn.utils, "clip_grad_value_", self._clip),
            (nn.utils.clip_grad, "clip_grad_value_", self._clip),
            (F, "cross_entropy", self._loss),
            (F, "nll_loss", self._loss),
        ):
            setattr(module, name, _overheard(getattr(module, name), heard))
        for kind in vars(lr_scheduler).values():
            if inspect.isclass(kind) and issubclass(kind, lr_scheduler.LRScheduler):
                _after_init(kind, self._scheduler)
        _after_init(DataLoader, self._loader)
        iterate = DataLoader.__iter__

        @wraps(iterate)
        def begin(loader: Any) -> Any:
            for known, said in self.loaders:
                if known is loader:
                    said.epochs += 1
            return iterate(loader)

        DataLoader.__iter__ = begin  # type: ignore[method-assign]

    def _seed(self, given: dict[str, Any]) -> None:
        self.seeds.append(int(given["seed"]))

    def _clip(self, given: dict[str, Any]) -> None:
        by = "norm" if "max_norm" in given else "value"
        bound = given["max_norm" if by == "norm" else "clip_value"]
        self.clips[by, float(bound), float(given.get("norm_type", 2.0))] += 1

    def _loss(self, given: dict[str, Any]) -> None:
        if torch.is_grad_enabled():
            name = "cross_entropy" if "label_smoothing" in given else "nll_loss"
            said: dict[str, Any] = {"weighted": given["weight"] is not None}
            said |= {k: given[k] for k in ("reduction", "label_smoothing") if k in given}
            self.losses[name, json.dumps(said)] += 1

    def _scheduler(self, scheduler: Any, given: dict[str, Any]) -> None:
        self.schedulers.append((scheduler, given))

    def _loader(self, loader: Any, given: dict[str, Any]) -> None:
        try:
            examples, batches = len(loader.dataset), len(loader)
        except TypeError:  # a stream has no length
            examples = batches = 0
        self.loaders.append((loader, Loader(
            loader.batch_size, examples, batches, isinstance(loader.sampler, RandomSampler),
            loader.drop_last, _transforms(loader.dataset),
        )))  # fmt: skip

    def _step(self, optimizer: Optimizer, args: object, kwargs: object) -> None:
        group = optimizer.param_groups[0]
        if id(optimizer) not in self.optimizers:
            self._first(optimizer)
        _, said = self.optimizers[id(optimizer)]
        rate = float(group.get("lr", math.nan))
        if not said.rates or said.rates[-1][1] != rate:
            said.rates.append((said.steps, rate))
        said.steps += 1
        for key, value in _plain(group).items():
            if key != "lr" and value != said.groups[0].get(key) and key not in said.moved:
                said.moved.append(key)

    def _first(self, optimizer: Optimizer) -> None:
        """An optimizer before its first step, and the net it trains."""
        kind = type(optimizer)
        groups = [
            {**_plain(group), "dimensions": sorted({p.dim() for p in group["params"]})}
            for group in optimizer.param_groups
        ]
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        said = Trained(
            kind.__name__, kind.__module__, _plain(optimizer.defaults), _defaults(kind), groups,
            sum(p.numel() for p in parameters),
        )  # fmt: skip
        self.optimizers[id(optimizer)] = optimizer, said
        net = net_of(parameters)
        if net is not None:
            first = {name: p.detach().clone() for name, p in net.named_parameters()}
            self.nets[id(optimizer)] = net, first
            said.net = Net(type(net).__name__, sum(p.numel() for p in net.parameters()))
            _look_at_input(net, said.net)

    def weights(self) -> dict[str, Tensor]:
        """Those of the net that was trained most, the last of equals, by the starter script's
        names; empty if it has other tensors."""
        steps = {key: said.steps for key, (_, said) in self.optimizers.items() if key in self.nets}
        if not steps:
            return {}
        net, _ = self.nets[max(reversed(steps), key=steps.__getitem__)]
        return ordered(dict(net.named_parameters())) or {}

    def record(self) -> Record:
        """All that was heard."""
        for key, (net, first) in self.nets.items():
            about = self.optimizers[key][1].net
            assert about is not None
            about.starter = is_starters(net)
            about.start = beginning(first, self.seeds) if about.starter else "own"
        order = list(self.optimizers)
        made = [scheduler for scheduler, _ in self.schedulers]
        return Record(
            [said for _, said in self.optimizers.values()],
            [
                Scheduler(
                    type(it).__name__,
                    {key: value for key, value in _plain(given).items() if key != "optimizer"},
                    _defaults(type(it)),
                    _index(order, id(getattr(it, "optimizer", None))),
                    int(it.last_epoch),
                    [made.index(part) for part in getattr(it, "_schedulers", ())],
                )
                for it, given in self.schedulers
            ],
            [said for _, said in self.loaders],
            self.seeds,
            [(*clip, n) for clip, n in self.clips.items()],
            [(name, json.loads(said), n) for (name, said), n in self.losses.items()],
        )


def _overheard(call: Callable[..., Any], heard: Callable[[dict[str, Any]], None]) -> Any:
    """`call`, whose arguments are told by name."""
    signature = inspect.signature(call)

    @wraps(call)
    def overheard(*args: Any, **kwargs: Any) -> Any:
        answer = call(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        heard(bound.arguments)
        return answer

    return overheard


def _after_init(kind: Any, note: Callable[[Any, dict[str, Any]], None]) -> None:
    """Tell of every new `kind` itself, not of what extends it and calls its constructor."""
    init = kind.__init__
    signature = inspect.signature(init)

    @wraps(init)
    def after(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        if type(self) is kind:
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            note(self, {key: value for key, value in bound.arguments.items() if key != "self"})

    kind.__init__ = after


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that are numbers, words or several of them; a tensor of one number is one."""

    def value(given: Any) -> Any:
        if isinstance(given, Tensor) and given.numel() == 1:
            return given.item()
        if isinstance(given, np.ndarray | np.generic):
            return given.tolist()
        return [value(part) for part in given] if isinstance(given, tuple | list | range) else given

    plain = {key: value(given) for key, given in settings.items() if key != "params"}
    return {key: it for key, it in plain.items() if _is_plain(it)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _defaults(kind: type) -> dict[str, Any]:
    """What a constructor takes where it is told nothing."""
    parameters = inspect.signature(kind).parameters.values()
    return _plain({p.name: p.default for p in parameters if p.default is not p.empty})


def _index(items: Sequence[int], item: int) -> int | None:
    return items.index(item) if item in items else None


def _transforms(dataset: Any) -> list[str]:
    """The names of what changes an image, through subsets of subsets."""
    while hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    return list(_named(getattr(dataset, "transform", None)))


def _named(transform: Any) -> Iterator[str]:
    if isinstance(parts := getattr(transform, "transforms", None), list | tuple):
        for part in parts:
            yield from _named(part)
    elif transform is not None:
        yield type(transform).__name__


def _look_at_input(net: nn.Module, about: Net) -> None:
    """Note the range of the next images that the net is given."""

    def note_range(module: nn.Module, args: tuple[Any, ...]) -> None:
        hook.remove()
        if args and isinstance(args[0], Tensor) and args[0].numel():
            about.lowest, about.highest = float(args[0].min()), float(args[0].max())

    hook = net.register_forward_pre_hook(note_range)


@contextmanager
def _silence() -> Iterator[None]:
    """What a net prints when it is looked at is not the script's."""
    before = sys.stdout
    with Path(os.devnull).open("w") as sys.stdout:
        try:
            yield
        finally:
            sys.stdout = before


def main(record: str, code: str, folder: str, notebook: str = "") -> None:
    """Run the file `code` as the main program, its modules found in `folder`. What was a `notebook`
    has `display`."""
    sys.path[0] = folder
    sys.argv = [code]
    recorder = Recorder()
    recorder.listen()
    error = None
    try:
        runpy.run_path(code, {"display": print} if notebook else None, "__main__")
    except BaseException as raised:
        if not isinstance(raised, SystemExit) or raised.code not in (None, 0):
            lines = [
                f.lineno for f in traceback.extract_tb(raised.__traceback__) if f.filename == code
            ]
            error = (type(raised).__name__, str(raised), lines[-1] if lines else None)
        raise
    finally:
        with _silence():
            found = recorder.record()
        found.error = error
        Path(record).write_text(json.dumps(asdict(found)))
        torch.save(recorder.weights(), Path(record).with_suffix(".pt"))


def _end_all() -> None:
    """End this process with all that the script began: of the group that it leads."""
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    end_with(int(sys.argv[1]), _end_all)
    main(*sys.argv[2:])
