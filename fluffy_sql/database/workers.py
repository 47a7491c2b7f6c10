"""Several connections that share the work of a run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from fluffy_sql.database.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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

    @classmethod
    @contextmanager
    def open(cls, url: str, connections: int) -> Iterator[Workers]:
        """Opens the connections and closes them at the end."""
        with ExitStack() as stack:
            yield cls([stack.enter_context(Session.open(url)) for _ in range(connections)])

    def map(
        self, work: Callable[[Session, Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        """Calls `work(session, item)` for every item; yields results in the order of the items.

        Where one call fails, or the caller is interrupted, statements under way are cancelled and
        nothing more is started.
        """
        pool = ThreadPoolExecutor(max_workers=len(self._sessions))
        try:
            yield from pool.map(lambda item: self._run(work, item), items)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for session in self._sessions:
                session.cancel()
            raise
        finally:
            pool.shutdown(wait=True)

    def _run(self, work: Callable[[Session, Item], Result], item: Item) -> Result:
        session = self._idle.get()
        try:
            return work(session, item)
        finally:
            self._idle.put(session)
