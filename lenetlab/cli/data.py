"""`lenetlab data`: find, verify and describe the images of a problem."""

from pathlib import Path
from typing import Any

from rich.text import Text

from lenetlab.cli.shared.options import Data, Json, Problem
from lenetlab.cli.terminal.console import out, print_json, print_out
from lenetlab.problem import problems
from lenetlab.problem.data import Split, load
from lenetlab.problem.own_folder import find_problem
from lenetlab.problem.problems import DEFAULT, held_out


def data(problem: Problem = DEFAULT, data: Data = None, json: Json = False) -> None:
    """Find, verify and describe the four files of Fashion-MNIST, or of another problem.

    Sources, in this order: --data or LENETLAB_DATA; ./data/FashionMNIST/raw; Debian's package
    dataset-fashion-mnist; the cache; a download into the cache. Of another problem: --data or a
    folder of its name in LENETLAB_DATA; torchvision's folder of it in ./data; the cache; a download
    into the cache, but for emnist-digits, whose files come in one large archive.

    - `lenetlab data --data ~/FashionMNIST/raw`
    - `lenetlab data --problem kmnist`
    - `lenetlab data --problem ~/leaves`
    """
    found = find_problem(problem)
    halves = {half: load(half, data, found) for half in ("train", "test")}
    checked = {half: _checked(found, half) for half in halves}
    if json:
        facts = {half: _facts(split, checked[half]) for half, split in halves.items()}
        about = {"problem": found.name, "held_out": held_out(len(halves["train"]))}
        print_json(about | facts | {"classes": list(found.classes)})
        return
    if not found.default:
        out.print(Text.assemble((found.title, "bold"), f", as a problem: {found.name}"))
    for half, split in halves.items():
        counts = split.labels.bincount(minlength=len(found.classes))
        shape = f": {len(split):,} images of 28 × 28, uint8, {checked[half]}"
        print_out(Text.assemble((half, "bold"), shape))
        print_out(f"  from {split.source}: {split.folder}")
        few, most = int(counts.min()), int(counts.max())
        each = f"{few:,}" if few == most else f"{few:,} to {most:,}"
        out.print(f"  {each} images of each of {len(found.classes)} classes")
    print_out("classes: " + ", ".join(found.classes))
    if not found.default:
        last = held_out(len(halves["train"]))
        out.print(f"held out for tuning: the last {last:,} training images")


def _facts(split: Split, checked: str) -> dict[str, Any]:
    return {
        "images": len(split),
        "shape": list(split.images.shape),
        "source": split.source,
        "folder": str(Path(split.folder)),
        "sha256": split.checksum,
        "verified": checked,
        "per_class": split.labels.bincount().tolist(),
    }


def _checked(problem: problems.Problem, half: str) -> str:
    """By what the files were known."""
    if problem.folder is not None:
        return "validated"
    if all(file.sha256 for file in problem.files[half]):
        return "verified (SHA-256)"
    return "checked (header, labels and sizes of classes; no SHA-256 is published)"
