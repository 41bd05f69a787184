"""lenetlab: how well, and how cheaply, can an optimizer train one fixed LeNet-5?

    from lenetlab import run, sweep

Importing the package costs nothing; PyTorch is loaded when something is trained.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lenetlab.experiments.api import run, sweep
    from lenetlab.experiments.run.runtime import Runtime

__all__ = ["Runtime", "run", "sweep"]


def __getattr__(name: str) -> Any:
    if name in ("run", "sweep"):
        from lenetlab.experiments import api

        return getattr(api, name)
    if name == "Runtime":
        from lenetlab.experiments.run.runtime import Runtime

        return Runtime
    raise AttributeError(f"module 'lenetlab' has no attribute {name!r}")
