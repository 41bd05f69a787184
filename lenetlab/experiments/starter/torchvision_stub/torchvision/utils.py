"""Imported by the script and never used by it."""
