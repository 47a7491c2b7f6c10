"""How a command is stopped: Ctrl-C, or SIGTERM by a service manager."""

import signal
from typing import NoReturn

# The exit code.
STOPPED_BY_SIGNAL = 130
_STOPS = (signal.SIGINT, signal.SIGTERM)


def hear_stops() -> None:
    """Lets either signal raise KeyboardInterrupt, once.

    Another one would cut off the tidying up, or the results of a sweep so far.
    """
    for number in _STOPS:
        signal.signal(number, _stop)


def hear_no_stops() -> None:
    """Lets the command end, since all that is left is to print what it found."""
    for number in _STOPS:
        signal.signal(number, _do_nothing)


def _stop(_signal: int, _frame: object) -> NoReturn:
    hear_no_stops()
    raise KeyboardInterrupt


def _do_nothing(_signal: int, _frame: object) -> None:
    """Not SIG_IGN: Python complains if a signal that came meanwhile finds that."""
