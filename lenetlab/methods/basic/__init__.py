"""Gradient descent at a constant batch size: one example, a mini-batch, all of them."""
