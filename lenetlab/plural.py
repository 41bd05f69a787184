"""How many of what, in words."""


def count(n: int, thing: str) -> str:
    """`1 seed`, `10 seeds`, `1,000 seeds`."""
    return f"{n:,} {thing}" + ("" if n == 1 else "s")
