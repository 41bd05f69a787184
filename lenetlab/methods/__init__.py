"""Optimization algorithms: one file a method, in one folder a family, found by the registry.

from lenetlab.methods import Base, log_uniform, method, uniform
"""

from lenetlab.component import log_uniform, uniform
from lenetlab.methods.base import Base
from lenetlab.methods.registry import method

__all__ = ["Base", "log_uniform", "method", "uniform"]
