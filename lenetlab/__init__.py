"""lenetlab: how well, and how cheaply, can an optimizer train one fixed LeNet-5?

    from lenetlab import Oracle, Runtime, run, sweep, table

Importing the package costs nothing; PyTorch is loaded when something of it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lenetlab.api import run, sweep
    from lenetlab.experiments.run.runtime import Runtime
    from lenetlab.experiments.table import table
    from lenetlab.oracle.oracle import Oracle

__all__ = ["Oracle", "Runtime", "run", "sweep", "table"]

_PLACES = {
    "Oracle": "lenetlab.oracle.oracle",
    "Runtime": "lenetlab.experiments.run.runtime",
    "run": "lenetlab.api",
    "sweep": "lenetlab.api",
    "table": "lenetlab.experiments.table",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'lenetlab' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
