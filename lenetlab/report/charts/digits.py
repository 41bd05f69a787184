"""The digits that charts keep: more than a picture shows would make a page large."""


def short(value: float, digits: int = 6) -> float:
    """`value` to so many digits that count."""
    return float(f"{value:.{digits}g}")
