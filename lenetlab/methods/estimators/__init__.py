"""Estimators: a gradient with less noise, or at another point, for any method that asks once."""
