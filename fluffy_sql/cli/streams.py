"""The standard streams: losing one loses no work, and ends in one line on the other."""

import io
import os
import sys
from typing import TextIO

from fluffy_sql.errors import FluffySqlError


class OutputError(FluffySqlError):
    """A result could not be printed.

    `done` is what is committed nevertheless, as in "run 7 was committed".
    """

    def __init__(
        self, reason: str, *, done: str = "", reader_left: bool = False, exit_code: int = 1
    ) -> None:
        its = f"{done}, but its" if done else "the"
        super().__init__(f"{its} result could not be printed: {reason}")
        self.reason = reason
        self.reader_left = reader_left
        self.exit_code = exit_code


class _Stream(io.TextIOWrapper):
    """A stream that fails once at most; what is written afterwards goes nowhere."""

    lost = False

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, _error: OSError) -> None:
        self.lost = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


class Messages(_Stream):
    """Stderr: a run goes on without progress."""


class Results(_Stream):
    """Stdout. Its failures are no OSError: click and rich exit for one, whatever the outcome."""

    def _lose(self, error: OSError) -> None:
        super()._lose(error)
        reader_left = isinstance(error, BrokenPipeError)
        raise OutputError(str(error.strerror), reader_left=reader_left)


def open_streams() -> None:
    """Puts our own streams into the place of Python's."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # it is closed; a connection to the database must not get its number
            os.open(os.devnull, os.O_RDONLY)  # takes the lowest number, and can't be written to
    sys.stdout = _opened(Results, 1, sys.stdout)
    sys.stderr = _opened(Messages, 2, sys.stderr)


def _opened(kind: type[_Stream], number: int, before: TextIO | None) -> _Stream:
    return kind(
        open(number, "wb", closefd=False),
        encoding=before.encoding if before else None,
        errors="backslashreplace",  # a path may hold what the encoding lacks
        line_buffering=number == 2 or os.isatty(number),  # noqa: PLR2004 - stderr
    )


def is_lost(stream: object) -> bool:
    """Whether what is written to it goes nowhere."""
    return isinstance(stream, _Stream) and stream.lost
