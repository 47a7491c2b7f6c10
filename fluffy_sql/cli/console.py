"""Printing: results on stdout, as text or JSON; progress, warnings and errors on stderr."""

import csv
import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

from fluffy_sql.cli.stopping import STOPPED_BY_SIGNAL
from fluffy_sql.cli.streams import OutputError
from fluffy_sql.errors import FluffySqlError
from fluffy_sql.words import count

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row")
Columns: TypeAlias = Mapping[str, Callable[[Row], str | Text]]

# Into a file, a pipe or cron's mail, unless COLUMNS says otherwise: 80 columns would cut paths.
_WIDTH_OF_A_FILE = 160
# Texts may go over several lines of this many characters; no number is that long.
_TEXTS = re.compile(r"central photo|(kept )?because|name|path|run \d+|settings|value")
_LEAST_OF_TEXT = 20
# Columns of words stand to the left, those of numbers to the right.
_LEFT = re.compile(
    r"|central photo|change|group|(kept )?because|kind|name|path|phase|settings|started \(UTC\)"
    r"|status|value"
)
_GAP = "  "


@dataclass(frozen=True)
class Table:
    """Rows under headings, laid out once it is known how wide they may be.

    Attributes:
        columns: the cells of each, by heading.
        spare: headings of what is left out if there is no room, the least important first.
        headed: whether headings are shown.
    """

    columns: dict[str, list[Text]]
    spare: Sequence[str] = ()
    headed: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """All columns, or as many as there is room for; else a block for each row."""
        room = options.max_width
        shown = dict(self.columns)
        # Empty ones first.
        for heading in sorted(self.spare, key=lambda name: any(map(str, self.columns[name]))):
            if _least_width(shown) > room:
                del shown[heading]
        if _least_width(shown) <= room:
            head = [[Text(heading, style="bold") for heading in shown]] if self.headed else []
            yield from _lines(console, shown, [*head, *zip(*shown.values(), strict=True)], room)
            return
        names = [Text(heading) for heading in self.columns]
        for place, row in enumerate(zip(*self.columns.values(), strict=True)):
            if place:
                yield Text()
            block = {"": names, "value": row}
            yield from _lines(console, block, zip(*block.values(), strict=True), room)


Part: TypeAlias = str | Text | Table


def _lines(
    console: Console,
    columns: Mapping[str, Sequence[Text]],
    rows: Iterable[Sequence[Text]],
    room: int,
) -> Iterator[Text]:
    """Lines of rows, whose cells are folded, never cut."""
    left = room - _least_width(columns)
    widths = []
    for heading, cells in columns.items():
        least, widest = _least(heading, cells), _widest(heading, cells)
        # Less than the least, too, in a block on a very narrow terminal.
        widths.append(min(widest, max(least + left, 1)) if _TEXTS.fullmatch(heading) else widest)
        left -= widths[-1] - least
    for row in rows:
        folded = (
            cell.wrap(console, width, overflow="fold")
            for cell, width in zip(row, widths, strict=True)
        )
        for parts in zip_longest(*folded, fillvalue=Text()):
            line = [part.copy() for part in parts]
            for part, heading, width in zip(line, columns, widths, strict=True):
                part.align("left" if _LEFT.fullmatch(heading) else "right", width)
            joined = Text(_GAP).join(line)
            joined.rstrip()
            yield joined


def _least_width(columns: Mapping[str, Sequence[Text]]) -> int:
    return sum(_least(*column) + len(_GAP) for column in columns.items()) - len(_GAP)


def _widest(heading: str, cells: Iterable[Text]) -> int:
    return max(cell_len(heading), *(cell.cell_len for cell in cells), 0)


def _least(heading: str, cells: Iterable[Text]) -> int:
    """The least that a column needs: its heading, and no number broken over lines."""
    widest = _widest(heading, cells)
    if not _TEXTS.fullmatch(heading):
        return widest
    return max(cell_len(heading), min(widest, _LEAST_OF_TEXT))


def stdout_console() -> Console:
    """Results go here."""
    columns, _ = shutil.get_terminal_size((_WIDTH_OF_A_FILE, 0))
    return Console(highlight=False, width=columns)


def stderr_console() -> Console:
    """Progress, warnings and errors go here."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """A warning or an error, in a line on stderr."""
    stderr_console().print(Text(printable(f"fluffy-sql: {message}")))


def print_result(
    result: "DataclassInstance | dict[str, Any]",
    parts: str | Iterable[Part],
    *,
    as_json: bool,
    done: str = "",
) -> None:
    """Prints the result of a command: as a JSON object, or the parts that describe it.

    Args:
        result: of the operation.
        parts: what is said of it.
        as_json: whether it is the object that is printed.
        done: what is committed, as in "run 7 was committed": said if the result can't be printed.

    Raises:
        OutputError: it can't; if its reader has left, that is no failure.
    """
    try:
        if as_json:
            print_json(result if isinstance(result, dict) else asdict(result))
        else:
            for part in [parts] if isinstance(parts, str) else parts:
                _print(part)
        sys.stdout.flush()
    except OutputError as error:
        if not error.reader_left:
            raise OutputError(error.reason, done=done) from None
        if done:
            say(f"{done}; the reader of its result left before the end")
    except FluffySqlError as error:
        if not done:
            raise
        raise OutputError(str(error), done=done) from None
    except KeyboardInterrupt:
        if not done:
            raise
        raise OutputError("stopped by a signal", done=done, exit_code=STOPPED_BY_SIGNAL) from None


def _print(part: Part) -> None:
    if isinstance(part, str):
        print(part)
        return
    console = stdout_console()
    with console.capture() as captured:
        console.print(part, soft_wrap=isinstance(part, Text))
    for line in captured.get().splitlines():
        print(line.rstrip())


def print_json(value: dict[str, Any]) -> None:
    """Prints one line of JSON."""
    value = _finite(value)
    text = json.dumps(value, default=_plain, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # JSON has escapes of its own
        text = json.dumps(value, default=_plain)
    print(text)


def print_rows(
    kind: "type[DataclassInstance]", rows: "Iterable[DataclassInstance]", *, as_json: bool
) -> None:
    """Prints rows as they come: as CSV under the names of their fields, or as one JSON array."""
    columns = [field.name for field in fields(kind)]
    if not as_json:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(columns)
        for row in rows:
            table.writerow(getattr(row, column) for column in columns)
    else:
        before = "["
        for row in rows:
            text = json.dumps(_finite(asdict(row)), default=_plain)
            print(f"{before}\n{text}", end="")
            before = ","
        print("\n]" if before == "," else "[]")
    sys.stdout.flush()


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


def table(
    rows: Iterable[Row],
    columns: Columns[Row],
    spare: Sequence[str] = (),
    *,
    headed: bool = True,
) -> Table:
    """A table; columns go by heading. Of `spare` ones, the first are left out first."""
    rows = list(rows)
    cells = {
        heading: [Text(cell) if isinstance(cell := cell_of(row), str) else cell for row in rows]
        for heading, cell_of in columns.items()
    }
    return Table(cells, spare, headed)


def literal(value: object) -> Text:
    """Plain text: a path or a name may hold what rich or the terminal would take for a command."""
    return Text("" if value is None else printable(str(value)))


def printable(characters: str) -> str:
    r"""One line that shows what is there: a newline as \n."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in characters)


def number(value: float | None, digits: int = 0) -> str:
    """A number with this many decimals; nothing if it is not known, or none (infinite)."""
    return f"{value:,.{digits}f}" if value is not None and math.isfinite(value) else ""


def committed(run_id: int | None) -> str:
    """What is told of a run whose result can't be printed; None: it changed nothing."""
    return f"run {run_id} was committed" if run_id is not None else "nothing was changed"


def list_counts(counts: Mapping[str, int], reasons: Mapping[str, str]) -> str:
    """How many photos there are for each of the reasons: `2 photos pinned, 1 photo too far`."""
    return ", ".join(
        f"{count(photos, 'photo')} {reasons[reason]}"
        for reason, photos in counts.items()
        if photos and reason in reasons
    )
