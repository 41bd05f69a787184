"""Which extra of the package brings a library that not all commands need."""

EXTRAS = {
    "altair": "report", "jinja2": "report", "markupsafe": "report", "vl_convert": "report",
    "typst": "paper", "distributed": "dask", "optuna": "tpe", "tensorboard": "tensorboard",
}  # fmt: skip


def bringing(module: str | None) -> str | None:
    """The extra that brings a module, by its whole name; None for what every command has."""
    return EXTRAS.get((module or "").partition(".")[0])


def libraries(extra: str) -> list[str]:
    """What an extra brings."""
    return [name for name, own in EXTRAS.items() if own == extra]
