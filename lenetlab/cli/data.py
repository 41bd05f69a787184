"""`lenetlab data`: find, verify and describe the data."""

from rich.text import Text

from lenetlab.cli.options import Data, Json
from lenetlab.cli.terminal.console import out, print_json
from lenetlab.problem.data import CLASSES, load


def data(data: Data = None, json: Json = False) -> None:
    """Find, verify and describe the four files of Fashion-MNIST.

    Sources, in this order: --data or LENETLAB_DATA; ./data/FashionMNIST/raw; Debian's package
    dataset-fashion-mnist; the cache; a download into the cache.

    Example: `lenetlab data --data ~/FashionMNIST/raw`
    """
    halves = {half: load(half, data) for half in ("train", "test")}
    if json:
        facts = {
            half: {
                "images": len(split),
                "shape": list(split.images.shape),
                "source": split.source,
                "folder": str(split.folder),
                "sha256": split.checksum,
                "per_class": split.labels.bincount().tolist(),
            }
            for half, split in halves.items()
        }
        print_json(facts | {"classes": list(CLASSES)})
        return
    for half, split in halves.items():
        counts = split.labels.bincount()
        shape = f": {len(split):,} images of 28 × 28, uint8, verified (SHA-256)"
        out.print(Text.assemble((half, "bold"), shape))
        out.print(f"  from {split.source}: {split.folder}", soft_wrap=True)
        out.print(
            f"  {counts.min():,} to {counts.max():,} images of each of {len(CLASSES)} classes"
        )
    out.print("classes: " + ", ".join(CLASSES), soft_wrap=True)
