"""Printing: results on stdout, as text or JSON; progress, warnings and errors on stderr."""

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fluffy_sql.words import count

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row")
Columns: TypeAlias = Mapping[str, Callable[[Row], str | Text]]
Part: TypeAlias = str | Text | Table

STOPPED_BY_SIGNAL = 130
# Into a file, a pipe or cron's mail: rich would fold tables at 80 columns and cut paths.
_WIDTH_OF_A_FILE = 160
# Columns of words stand to the left, those of numbers to the right.
_WORDS = re.compile(
    r"|central photo|change|kept because|kind|name|phase|settings|started \(UTC\)|status"
)


def stdout_console() -> Console:
    """Results go here."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_OF_A_FILE)


def stderr_console() -> Console:
    """Progress, warnings and errors go here."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """A warning or an error, in a line on stderr."""
    stderr_console().print(Text(printable(f"fluffy-sql: {message}")))


def print_result(
    result: "DataclassInstance | dict[str, Any]", parts: str | Iterable[Part], *, as_json: bool
) -> None:
    """Prints the result of a command: as a JSON object, or the parts that describe it."""
    if as_json:
        print_json(result if isinstance(result, dict) else asdict(result))
        return
    for part in [parts] if isinstance(parts, str) else parts:
        if isinstance(part, str):
            print(part)
        else:
            stdout_console().print(part, soft_wrap=isinstance(part, Text))


def print_json(value: dict[str, Any]) -> None:
    """Prints one line of JSON."""
    value = _finite(value)
    text = json.dumps(value, default=_plain, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # JSON has escapes of its own
        text = json.dumps(value, default=_plain)
    print(text)


def _finite(value: Any) -> Any:
    """The same with null for what is no number: JSON knows no infinity."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> str | float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def table(rows: Iterable[Row], columns: Columns[Row]) -> Table:
    """A table without lines, whose cells are folded, never cut; columns go by heading."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in columns:
        left = _WORDS.fullmatch(heading)
        made.add_column(heading, justify="left" if left else "right", overflow="fold")
    for row in rows:
        made.add_row(*(cell(row) for cell in columns.values()))
    return made


def literal(value: object) -> Text:
    """Plain text: a path or a name may hold what rich or the terminal would take for a command."""
    return Text("" if value is None else printable(str(value)))


def printable(characters: str) -> str:
    r"""One line that shows what is there: a newline as \n."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in characters)


def number(value: float | None, digits: int = 0) -> str:
    """A number with this many decimals; nothing if it is not known, or none (infinite)."""
    return f"{value:,.{digits}f}" if value is not None and math.isfinite(value) else ""


def list_counts(counts: Mapping[str, int], reasons: Mapping[str, str]) -> str:
    """How many photos there are for each of the reasons: `2 photos pinned, 1 photo too far`."""
    return ", ".join(
        f"{count(photos, 'photo')} {reasons[reason]}"
        for reason, photos in counts.items()
        if photos and reason in reasons
    )
