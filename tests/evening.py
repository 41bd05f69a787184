"""Folders of single runs as `lenetlab run` leaves them, of what figures one wants."""

import json
from pathlib import Path
from typing import Any

NUMERICS = {"engine": "native", "device": "cpu", "torch": "2.13"}
MACHINE = {"processor": "a processor", "cores": 2, "threads": 2, "system": "Linux x86_64"}


def write_run(
    folder: Path,
    seed: int = 0,
    numerics: Any = NUMERICS,
    accuracy: float | None = None,
    passes: float = 10,
    epochs: float = 10,
    failed: str | None = None,
    machine: Any = MACHINE,
    **recipe: Any,
) -> None:
    """A run folder with these fields of the recipe; `failed` is the reason of one that diverged."""
    recipe = {"method": ["sgd", {}], **recipe}
    name = f"run-{len(list(folder.glob('*')))}"
    (folder / name).mkdir(parents=True)
    reached = 90.0 + seed if accuracy is None else accuracy
    final = {"accuracy": reached, "loss": 0.3, "starter_average_loss": 0.005,
             "correct": round(100 * reached)}  # fmt: skip
    evaluation = {"at": epochs, "passes": passes, "epochs": epochs, "steps": 9,
                  "gradients": 60_000, "accuracy": reached, "loss": 0.3,
                  "starter_average_loss": 0.005, "nonzeros": 5}  # fmt: skip
    evaluations = [] if failed else [evaluation]
    files = {
        "run": {"format": 3, "id": f"{name}", "label": "x", "recipe": recipe, "seed": seed,
                "numerics": numerics},
        "result": {"status": "diverged" if failed else "done", "reason": failed,
                   **(dict.fromkeys(final) if failed else final), "nonzeros": 5,
                   "train_accuracy": None, "train_loss": None, "discarded_passes": 0,
                   "passes": passes, "epochs": epochs, "steps": 9,
                   "ledger_counts": {"gradients": 60_000}},
        "curve": {"evaluations": evaluations, "trace": []},
        "machine": {"train_seconds": 1, "cpu_seconds": 1, "overhead_seconds": 0,
                    "peak_memory_mb": 1, "evaluation_seconds": [1.0] * len(evaluations),
                    "evaluation_cpu_seconds": [1.0] * len(evaluations), **machine},
    }  # fmt: skip
    for file, content in files.items():
        (folder / name / f"{file}.json").write_text(json.dumps(content))
