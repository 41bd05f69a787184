"""Figures and pages, made from recorded runs."""
