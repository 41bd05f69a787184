"""Optimization algorithms: one file a method, in one folder a family, found by the registry."""
