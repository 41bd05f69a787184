"""Proximal, projected and conditional-gradient methods."""
