"""Every fault that is injected. The table in docs/explanation/reliability.md has a row for each."""

from typing import NamedTuple

# Of a run of generate, in their order. The last two are of the final transaction: all of it is
# written but the end of the record; and COMMIT itself.
PHASES = ("survey", "sample", "seed", "refine", "train", "assign", "measure", "commit", "COMMIT")


class Fault(NamedTuple):
    """Something that goes wrong.

    Attributes:
        injected: what.
        command: what was at work.
        moment: while it was doing what: a phase, or a word for itself.
    """

    injected: str
    command: str
    moment: str

    def __str__(self) -> str:
        return " ".join(self).replace(" ", "-")


def _generate(injected: str, *moments: str) -> list[Fault]:
    return [Fault(injected, "generate", moment) for moment in moments]


KILLED = [
    *_generate("SIGKILL of the program", *PHASES),
    *(
        Fault("SIGKILL of the program", *at)
        for at in (
            ("generate --recluster", "commit"),
            ("assign", "survey"),
            ("assign", "COMMIT"),
            ("runs undo", "COMMIT"),
        )
    ),
]
SIGNALLED = [
    *_generate("Ctrl-C", "survey", "train", "assign", "commit", "COMMIT"),
    Fault("Ctrl-C", "assign", "COMMIT"),
    *_generate("SIGTERM", "train", "commit"),
]
CUT_OFF = [
    *_generate("main connection terminated", *PHASES),
    *_generate("a worker's connection terminated", "train", "assign"),
    *_generate("all connections terminated", "train", "assign"),
]
DROPPED = [
    *_generate("network connection dropped", "train", "assign", "commit"),
    *_generate("network down from then on", "train", "commit"),
    *_generate("network connection dropped with the answer", "COMMIT"),
]
STOPPED = _generate("server stopped immediately", "train", "COMMIT", "COMMIT done")
TIMED_OUT = [
    *_generate("statement_timeout", "train", "commit"),
    *_generate("lock_timeout", "assign", "commit"),
]
FULL = _generate("file system full", "sample", "assign", "commit")
FAULTS = [*KILLED, *SIGNALLED, *CUT_OFF, *DROPPED, *STOPPED, *TIMED_OUT, *FULL]
