"""Words that more than one layer says."""


def count(things: int, noun: str) -> str:
    """`1 photo`, `1,296 photos`."""
    return f"{things:,} {noun}{'' if things == 1 else 's'}"
