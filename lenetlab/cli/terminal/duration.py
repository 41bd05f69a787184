"""Durations as a person reads them."""


def duration(seconds: float) -> str:
    """`5 s`, `12 min`, `3 h 05 min`, `2 d 4 h`."""
    whole = max(int(seconds), 0)
    if whole < 120:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"
