"""Words that more than one layer says."""

from collections.abc import Mapping, Sequence

# Names in a message, if there may be many.
_NAMED = 3


def count(things: int, noun: str) -> str:
    """`1 photo`, `1,296 photos`."""
    return f"{things:,} {noun}{'' if things == 1 else 's'}"


def plain(value: float) -> str:
    """A number with as many decimals as it needs: `1,296`, `0.354`."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.6g}"


def first_few(names: Sequence[object]) -> str:
    """The first of many names: `7, 9, 12, ...`."""
    more = ", ..." if len(names) > _NAMED else ""
    return f"{', '.join(map(str, names[:_NAMED]))}{more}"


def by_reason(reasons: Mapping[str, int]) -> str:
    """How many there are for each reason: `2 damaged, 1 empty`."""
    return ", ".join(f"{things:,} {reason}" for reason, things in reasons.items())
