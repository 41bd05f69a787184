"""Does a net keep the rules: is it LeNet-5, in float32, finite, and within the scenario's bound?"""

from collections.abc import Mapping
from difflib import get_close_matches

import torch
from torch import Tensor

from lenetlab.problem.model import CONSTRAINED, SHAPES
from lenetlab.problem.scenarios import find_scenario

SHOWN = 3  # problems of one kind that are spelled out


def architecture_problems(named: Mapping[str, Tensor]) -> list[str]:
    """What distinguishes the tensors from LeNet-5's ten in float32; empty if nothing does.

    Only float32 passes, even where another dtype would convert without loss: what is judged is
    what was handed in, to the bit.
    """
    problems = []
    missing = [name for name in SHAPES if name not in named]
    extra = [name for name in named if name not in SHAPES]
    if missing:
        near = get_close_matches(missing[0], extra, n=1, cutoff=0.6)
        guess = f" (is it {near[0]!r}?)" if near else ""
        problems.append(f"{_some(missing)} missing{guess}")
    if extra:
        problems.append(f"{_some(extra)} not of LeNet-5")
    wrong = {name: said for name, shape in SHAPES.items()
             if name in named and (said := _what_is_wrong(named[name], shape))}  # fmt: skip
    if len(wrong) == len(SHAPES) and len(set(wrong.values())) == 1:
        return [*problems, f"every tensor {next(iter(wrong.values()))}"]
    problems += [f"{name} {said}" for name, said in wrong.items()][:SHOWN]
    if len(wrong) > SHOWN:
        problems.append(f"{len(wrong) - SHOWN} more tensors are wrong")
    return problems


def scenario_problems(w: Tensor, scenario: str) -> list[str]:
    """Whether the flat weights `w` keep the scenario's bound on nonzeros.

    That the loss was plain cross-entropy cannot be seen in weights; a run's recipe says it.
    """
    nonzeros = int(w[:CONSTRAINED].count_nonzero())
    bound = find_scenario(scenario).bound
    if bound is not None and nonzeros > bound:
        return [f"{nonzeros:,} nonzeros in fc1.weight and fc2.weight, at most {bound:,} allowed"]
    return []


def _what_is_wrong(tensor: Tensor, shape: tuple[int, ...]) -> str | None:
    if tensor.is_quantized:
        return f"is quantised ({_plain(tensor.dtype)}), expected float32"
    if tensor.is_nested or tensor.layout != torch.strided:
        layout = "nested" if tensor.is_nested else _plain(tensor.layout)
        return f"is stored as {layout}, expected dense; use .to_dense()"
    if tuple(tensor.shape) != shape:
        return f"has shape {tuple(tensor.shape)}, expected {shape}"
    if tensor.is_meta:
        return "is on the meta device: it has a shape and no numbers"
    if tensor.dtype != torch.float32:
        return f"is {_plain(tensor.dtype)}, expected float32; use model.float()"
    if bad := int((~torch.isfinite(tensor)).sum()):
        return f"has {bad:,} of {tensor.numel():,} numbers that are NaN or infinite"
    return None


def _plain(kind: torch.dtype | torch.layout) -> str:
    return str(kind).removeprefix("torch.")


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{shown}{more} {'is' if len(names) == 1 else 'are'}"
