"""Optimizers that were written elsewhere: loaded, understood, and driven under our contract."""
