"""Words that more than one layer says."""


def count(things: int, noun: str) -> str:
    """`1 photo`, `1,296 photos`."""
    return f"{things:,} {noun}{'' if things == 1 else 's'}"


def plain(value: float) -> str:
    """A number with as many decimals as it needs: `1,296`, `0.354`."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.6g}"
