"""Several connections that share the work of a run."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from queue import SimpleQueue
from threading import Event
from typing import Self, TypeVar

from fluffy_sql.errors import NoneLeftError
from fluffy_sql.postgres.session import Session

_CANCEL_EVERY_SECONDS = 0.1
# Statements that may be done, or wait for a connection, while all connections are at work.
_WAITING_RESULTS = 1

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """A few sessions, each used by one thread at a time.

    Postgres does not run a correlated subquery in parallel, so the cores are used by connections
    over disjoint ranges. The threads only wait for the server.
    """

    def __init__(self, sessions: list[Session]) -> None:
        self._sessions = sessions
        self._idle: SimpleQueue[Session] = SimpleQueue()
        for session in sessions:
            self._idle.put(session)

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._sessions)

    @classmethod
    @contextmanager
    def open(cls, session: Session, connections: int) -> Iterator[Self]:
        """Opens connections like the session's and closes them at the end.

        Fewer, if a pooler has no more: the result does not depend on their number.
        """
        with ExitStack() as stack:
            with ThreadPoolExecutor(max_workers=connections) as pool:
                opening = [pool.submit(session.further) for _ in range(connections)]
            errors = [error for opened in opening if (error := opened.exception())]
            sessions = [
                stack.enter_context(opened.result())
                for opened in opening
                if opened.exception() is None
            ]
            # A pooler that has no more is no reason to stop, as long as there is one.
            errors.sort(key=lambda error: isinstance(error, NoneLeftError))
            if errors and not (sessions and isinstance(errors[0], NoneLeftError)):
                raise errors[0]
            yield cls(sessions)

    def map(
        self, work: Callable[[Session, Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        """Calls `work(session, item)` for every item; yields results in the order of the items.

        Items are taken as they are needed, and no more than a few results wait to be used: at
        k=1,000 each may be some 10 MB.

        If one call fails, or the caller is interrupted, running statements are cancelled and
        nothing more is started.
        """
        stopped = Event()

        def run(item: Item) -> Result:
            session = self._idle.get()
            try:
                if not stopped.is_set():
                    return work(session, item)
            except BaseException:
                stopped.set()
                raise
            finally:
                self._idle.put(session)
            raise CancelledError

        with ThreadPoolExecutor(max_workers=len(self._sessions)) as pool:
            left = iter(items)
            ahead = len(self._sessions) + _WAITING_RESULTS
            futures: deque[Future[Result]] = deque()
            try:
                futures.extend(pool.submit(run, item) for item in islice(left, ahead))
                for result in _in_order(futures):
                    futures.extend(pool.submit(run, item) for item in islice(left, 1))
                    yield result
            finally:
                stopped.set()
                self._cancel()

    def _cancel(self) -> None:
        """Cancels running statements, if there are any."""
        # Again and again: a cancel that comes before the statement has reached the server is lost.
        while self._idle.qsize() < len(self._sessions):
            for session in self._sessions:
                session.cancel()
            time.sleep(_CANCEL_EVERY_SECONDS)


def _in_order(futures: deque[Future[Result]]) -> Iterator[Result]:
    """Results in the order of the futures; the first failure of any is raised at once.

    Takes each future off the queue, so that a result is not held longer than its user wants it.
    """
    while futures:
        while not futures[0].done():
            waiting = [future for future in futures if not future.done()]
            for finished in wait(waiting, return_when=FIRST_COMPLETED).done:
                with suppress(CancelledError):  # called off because of what failed
                    finished.result()
        yield futures.popleft().result()
