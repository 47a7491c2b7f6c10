"""Numbers and text of the database as a report writes them."""

# Joins emoji into one and shapes letters of some scripts; it turns nothing around.
_HARMLESS = {"\u200c", "\u200d"}
_LONGEST = 4_096


def printable(text: str) -> str:
    r"""One line that shows what is there: a newline as \n, what reverses text as \u202e.

    What is longer than any path is cut.
    """
    # A path that was not UTF-8 comes with surrogates, which no file could be written with.
    shown = "".join(
        c if c.isprintable() or c in _HARMLESS else c.encode("unicode_escape").decode("ascii")
        for c in text[:_LONGEST]
    )
    return shown if len(text) <= _LONGEST else f"{shown}..."


def distance(value: float | None) -> str:
    """Three figures that count, so that cosine distances and Euclidean ones read alike."""
    if value is None:
        return "no distance"
    if value == 0:
        return "0"
    decimals = 4 if abs(value) < 1 else 3 if abs(value) < 10 else 1  # noqa: PLR2004
    return f"{value:,.{decimals}f}"
