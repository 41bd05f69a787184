"""The method pages: made from the registry, and from what was measured (`results/*.json`).

python docs/generator/method_pages.py FOLDER     writes them there, in place of those that were
"""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any, get_args

import curves
from markdown_table import markdown_table
from wording import body, prose

from lenetlab.methods.constraint import ConstraintEntry, constraints
from lenetlab.methods.registry import DECAYS, FAMILIES, NORMS, SCALINGS, Method, methods
from lenetlab.methods.wrappers import Kind, Wrapper, wrappers
from lenetlab.phrases import in_units
from lenetlab.problem.model import SIZE
from lenetlab.settings import show

RESULTS = Path(__file__).parents[2] / "results"
BESIDE = ("sgd", "adamw")  # in grey in every figure


def pages() -> dict[str, str]:
    """Every page below `methods/` by its file's name, figures among them."""
    measured = _read("defaults.json").get("methods", {})
    cost = {k: v for k, v in _read("cost.json").items() if "failed" not in v}
    out = {}
    entries: list[Method | Wrapper] = [*methods().values(), *wrappers().values()]
    for entry in entries:
        spec = entry.name if isinstance(entry, Method) else f"{entry.name}+sgd"
        found = measured.get(spec)
        if found and found["at"]:
            beside = {n: measured[n] for n in BESIDE if n in measured and n != spec}
            out[f"{entry.name}.svg"] = curves.one(spec, found, beside)
        rates = {k: v for k, v in measured.items() if k.startswith(f"{spec}, ") and v["at"]}
        if found and rates:
            out[f"{entry.name}_rates.svg"] = curves.several({f"{spec}, constant": found} | rates)
        out[f"{entry.name}.md"] = _page(entry, spec, found, rates, cost.get(entry.name))
    by_family = {f: [m.name for m in methods().values() if m.family == f] for f in FAMILIES}
    best = curves.best_two(by_family, measured)
    if best:
        out["families.svg"] = curves.families(best, measured)
    for constraint in constraints().values():
        out[f"{constraint.name}.md"] = _constraint_page(constraint)
    out["index.md"] = _index(measured, cost)
    return out


def _read(name: str) -> dict[str, Any]:
    path = RESULTS / name
    return json.loads(path.read_text()) if path.exists() else {}


# one page


def _page(
    entry: Method | Wrapper,
    spec: str,
    found: Mapping[str, Any] | None,
    rates: Mapping[str, Mapping[str, Any]],
    cost: Mapping[str, Any] | None,
) -> str:
    title, _, rest = entry.page.strip().partition("\n\n")
    parts = [f"# {entry.name}", f"**{prose(title)}**", body(rest), _settings(entry)]
    if isinstance(entry, Method):
        parts.append(
            f"Family {entry.family.replace('_', ' ')}; batch size {entry.batch_size:,} unless set "
            f"otherwise. Weight decay: {DECAYS[entry.decay]}. Norms of the weights: "
            f"{NORMS[entry.norms]}. Charged: {entry.cost}."
            + f" In a search {SCALINGS[entry.batch_scaling]}."
            * ("lr" in entry.space)
        )
        command = f"lenetlab run {entry.name}"
    else:
        rate = f" The rate inside is {entry.rate:g} of the registered one." * (entry.rate != 1)
        parts.append(f"Kind: {entry.kind}. Charged: {entry.cost}.{rate}")
        command = f"lenetlab run {spec}"
    parts.append(f"    {command}")
    parts.append("## Measured")
    parts.append(_measured(entry.name, spec, found, cost))
    if found and rates:
        parts.append(
            f"![Constant, stepwise and 1/t rates]({entry.name}_rates.svg)\n\n"
            "The same with other rates: "
            + "; ".join(f"{name} {_points(curve)}" for name, curve in rates.items())
            + "."
        )
    return "\n\n".join(parts) + "\n"


def _constraint_page(entry: ConstraintEntry) -> str:
    title, _, rest = entry.page.strip().partition("\n\n")
    return "\n\n".join(
        [
            f"# {entry.name}",
            f"**{prose(title)}**",
            body(rest),
            _settings(entry),
            f"Kind: constraint, beside any method. Charged: {entry.cost}.",
            f"    lenetlab run adamw --scenario sparse --constraint {entry.name}",
            "What it reaches is among the [scenarios](../scenarios.md).\n",
        ]
    )


def _settings(entry: Method | Wrapper | ConstraintEntry) -> str:
    if not entry.defaults:
        return "It has no settings."
    rows = [
        [f"`{key}`", show(value), str(entry.space.get(key, ""))]
        for key, value in entry.defaults.items()
    ]
    return markdown_table(["setting", "default", "search"], rows)


def _measured(
    name: str, spec: str, found: Mapping[str, Any] | None, cost: Mapping[str, Any] | None
) -> str:
    if not found:
        return "Not yet."
    lines = []
    if found["at"]:
        lines.append(f"![Test accuracy of {spec} against effective passes]({name}.svg)")
    n = found["seeds"]
    lines.append(
        f"With the defaults, a constant rate, plain, n = {n} seeds (band: lowest to "
        f"highest); {_points(found)}."
    )
    for reason in found["failed"]:
        lines.append(f"A run failed: {prose(reason)}.")
    if cost:
        lines.append(
            f"A whole step takes {cost['ratio_min']:.2f} times a gradient of batch {cost['batch']} "
            f"(native engine, 2 threads, minimum; median {cost['ratio_median']:.2f}); its state is "
            f"{cost['state_bytes'] / (4 * SIZE):.1f} vectors of the weights' size."
        )
    return "\n\n".join(lines)


def _points(found: Mapping[str, Any]) -> str:
    said = []
    for amount in (1, 5):
        if amount in found["at"]:
            i = found["at"].index(amount)
            said.append(
                f"after {in_units(amount)} "
                f"{_spread(found['accuracy'][i], 2)} % and a mean loss of "
                f"{_spread(found['loss'][i], 4)}"
            )
    return ", ".join(said) or "no point was reached"


def _spread(values: list[float], digits: int) -> str:
    """Mean, and half the range over seeds."""
    text = f"{fmean(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ± {(max(values) - min(values)) / 2:.{digits}f}"


# the overview


def _index(measured: Mapping[str, Any], cost: Mapping[str, Any]) -> str:
    parts = [
        "# Methods",
        "Every method under one contract, with its registered defaults: a constant rate, no "
        "weight decay, all 60,000 training images, measured on the test set. The defaults were "
        "chosen on the last 10,000 training images, by small grids and not at equal price: this "
        "is a first look at what each method does when it is simply called, not the tuned "
        "comparison. ± is half the range over the seeds. Updates: in five passes; step: a whole "
        "step of batch 64, in times a gradient of that batch takes by the native engine on two "
        "threads; state: in vectors of the weights' size.",
    ]
    if measured:
        parts.append("![The best two methods of every family](families.svg)")
        parts.append(
            "Test accuracy against effective passes (60,000 example gradients each): in every "
            "family the two methods that came out highest, the others' in grey; dotted: the "
            "starter script after ten epochs, 59.53 %."
        )
    for family, what in FAMILIES.items():
        own = [entry for entry in methods().values() if entry.family == family]
        if own:
            parts.append(f"## {family.replace('_', ' ').capitalize()}\n\n{what.capitalize()}.")
            parts.append(_table([(m, m.name, cost.get(m.name)) for m in own], measured))
    for kind in get_args(Kind):
        around = [w for w in wrappers().values() if w.kind == kind]
        parts.append(f"## Wrappers: {kind}s\n\nAround a method; here around `sgd`.")
        parts.append(_table([(w, f"{w.name}+sgd", None) for w in around], measured))
    parts.append("## Constraints\n\nBeside any method, in scenario sparse and on the frontier.")
    parts.append(
        "\n".join(f"- [{c.name}]({c.name}.md): {prose(c.summary)}" for c in constraints().values())
    )
    return "\n\n".join(parts) + "\n"


def _table(
    entries: list[tuple[Method | Wrapper, str, Mapping[str, Any] | None]],
    measured: Mapping[str, Any],
) -> str:
    heads = ["method", ">1 pass, %", ">loss", ">5 passes, %", ">loss", ">updates", ">step",
             ">state"]  # fmt: skip
    rows = []
    for entry, spec, cost in entries:
        cells = [f"[{spec}]({entry.name}.md)"]
        found = measured.get(spec)
        for passes in (1, 5):
            if found and passes in found["at"]:
                i = found["at"].index(passes)
                cells += [_spread(found["accuracy"][i], 2), f"{fmean(found['loss'][i]):.4f}"]
            else:
                cells += ["failed" if found and found["failed"] else "—", "—"]
        cells.append(f"{found['steps']:,}" if found else "—")
        cells.append(f"{cost['ratio_min']:.2f}×" if cost else "—")
        cells.append(f"{cost['state_bytes'] / (4 * SIZE):.1f}" if cost else "—")
        rows.append(cells)
    return markdown_table(heads, rows)


def write(folder: Path) -> None:
    """Every page, as a file."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in pages().items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
