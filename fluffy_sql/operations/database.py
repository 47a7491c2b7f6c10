"""The database that the settings name; opens sessions for operations."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from fluffy_sql.errors import UnreachableError
from fluffy_sql.postgres.address import parse_address
from fluffy_sql.postgres.embedded import embedded_server
from fluffy_sql.postgres.explain import PlanRecorder
from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.sources import telling_of_source
from fluffy_sql.postgres.transaction import LockLimits
from fluffy_sql.settings import Settings


class Database:
    """A database, or the embedded server if the settings name none.

    Attributes:
        settings: what it was made of.
        notes: what is odd about its address, a line each: what is ignored, or read otherwise.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.notes: tuple[str, ...] = ()
        self._url: str | None = None
        if settings.database.url is not None:
            address = parse_address(settings.database.url, settings.url_origin)
            self._url, self.notes = address.conninfo, address.notes

    @property
    def schema(self) -> str:
        """The schema of what is ours."""
        return self.settings.database.schema_

    @property
    def lock_limits(self) -> LockLimits:
        """How long the final transaction waits for locks and holds them."""
        return LockLimits(self.settings.clustering.lock_wait, self.settings.clustering.lock_hold)

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its address; the embedded server runs meanwhile if it is that one."""
        if self._url is not None:
            yield self._url
            return
        with embedded_server(Path(self.settings.database.embedded_dir)) as server:
            yield server.url

    @contextmanager
    def address(self) -> Iterator[str]:
        """The same, for one operation: if no server answers, the error says who named it."""
        with self.running() as url:
            try:
                yield url
            except UnreachableError as error:
                if self._url is None:
                    raise
                origin = self.settings.url_origin
                raise UnreachableError(f"{error}; the address is from {origin}") from None

    @contextmanager
    def work(self, explain: PlanRecorder | None = None) -> Iterator[Session]:
        """A session for a run, which looks at the schema itself; `explain` keeps its statements."""
        with (
            self.address() as url,
            Session.open(url, schema=self.schema, explain=explain) as session,
            telling_of_source(session),
        ):
            yield session

    def session(self) -> AbstractContextManager[Session]:
        """A session on the database, whose schema is current."""
        return self._current(Session.open)

    def reader(self, *, at_one_moment: bool = False) -> AbstractContextManager[Session]:
        """A session that only reads the database, whose schema is current."""
        return self._current(partial(Session.look, at_one_moment=at_one_moment))

    @contextmanager
    def _current(
        self, connect: Callable[..., AbstractContextManager[Session]]
    ) -> Iterator[Session]:
        with self.address() as url, connect(url, schema=self.schema) as session:
            require_current_schema(session)
            with telling_of_source(session):
                yield session
