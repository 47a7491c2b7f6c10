"""How a command is stopped: Ctrl-C, or SIGTERM by a service manager."""

import signal

# The exit code.
STOPPED_BY_SIGNAL = 130
_STOPS = (signal.SIGINT, signal.SIGTERM)
_hearing = True


def hear_stops() -> None:
    """Lets either signal raise KeyboardInterrupt, once.

    Another one would cut off the tidying up, or the results of a sweep so far.
    """
    global _hearing  # noqa: PLW0603 - signals are the program's
    _hearing = True
    for number in _STOPS:
        signal.signal(number, _stop)


def hear_no_stops() -> None:
    """Lets the command end, since all that is left is to say what it found."""
    global _hearing  # noqa: PLW0603
    _hearing = False


def ignore_stops() -> None:
    """For the end of the program: Python would take its own handlers away first."""
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)


def _stop(_signal: int, _frame: object) -> None:
    if _hearing:
        hear_no_stops()
        raise KeyboardInterrupt
