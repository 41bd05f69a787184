"""Averages: the weights that are judged are a mean of those that were trained."""
