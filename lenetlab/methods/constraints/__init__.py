"""Constraints: how a net comes to have few nonzero weights, whatever method trains it."""
