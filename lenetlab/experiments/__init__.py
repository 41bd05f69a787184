"""Recipes and runs: what is trained, how the loop drives it, and what is kept of it."""
