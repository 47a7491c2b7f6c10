"""One connection to Postgres: runs named statements and turns driver errors into our own."""

from __future__ import annotations

import logging
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo
from psycopg.rows import class_row, dict_row

from fluffy_sql.database.pooler import shares_connections
from fluffy_sql.database.statements import definition, on_citus, statement
from fluffy_sql.database.vectors import VectorArray, register_vectors
from fluffy_sql.errors import DatabaseError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from fluffy_sql.database.explain import PlanRecorder

Row = TypeVar("Row")

logger = logging.getLogger(__name__)

# Where everything of ours lies, if `database.schema` does not say otherwise.
DEFAULT_SCHEMA = "fluffy_sql"
# libpq waits for ever by default: a wrong host would look like a hang.
CONNECT_TIMEOUT_SECONDS = 10


class Session:
    """A connection in autocommit mode. Not for use by two threads at a time.

    Every method that runs a statement raises DatabaseError if Postgres refuses it.

    Args:
        connection: the connection.
        url: where it leads.
        schema: where everything of ours lies, work tables and runs too.
        explain: keeps every statement that is run here, with its plan.

    Attributes:
        deadline: when the transaction at hand has to be over, by time.monotonic(); None: whenever.
        distributed: whether Citus has distributed `photos`. Statements that must differ there are
            then run in their other form.
        standby: whether the server only follows another one.
        pooled: whether a pooler is in between.
        schema: as above.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        url: str,
        schema: str = DEFAULT_SCHEMA,
        explain: PlanRecorder | None = None,
    ) -> None:
        self.connection = connection
        self.deadline: float | None = None
        self.distributed = False
        self.standby = False
        self.pooled = False
        self.schema = schema
        self._url = url
        self._explain = explain
        self._vector_oid: int | None = None

    @classmethod
    def open(
        cls, url: str, *, schema: str = DEFAULT_SCHEMA, explain: PlanRecorder | None = None
    ) -> Self:
        """Connects and sets what every statement here relies on.

        Raises:
            SettingsError: the address is not one that libpq understands.
            DatabaseError: no server answers there, it refuses us, or a pooler in between gives
                each transaction another connection.
        """
        connection = _connect(url)
        session = cls(connection, url, schema, explain)
        try:
            with our_errors():
                _refuse_shared(connection, url)
                session.prepare(looking=False)
        except BaseException:
            connection.close()
            raise
        return session

    @classmethod
    def look(
        cls, url: str, *, schema: str = DEFAULT_SCHEMA, begin: str = "session/begin_looking"
    ) -> Self:
        """Connects for one transaction, that by default only reads.

        What it sets ends with it, so it leaves nothing behind on a connection that a pooler lent.
        A standby will do. What it writes has to be committed by `commit`.

        Args:
            url: address of the database, as libpq takes it.
            schema: where everything of ours lies.
            begin: the statement that begins the transaction.

        Raises:
            SettingsError: the address is not one that libpq understands.
            DatabaseError: no server answers there, or it refuses us.
        """
        connection = _connect(url)
        session = cls(connection, url, schema)
        try:
            with our_errors():
                connection.execute(statement(begin).text)
                session.prepare(looking=True)
        except BaseException:
            connection.close()
            raise
        return session

    def prepare(self, *, looking: bool) -> None:
        """Sets what statements rely on; again, after something moved that they rely on."""
        [prepared] = self.fetch_all("session/prepare", schema=self.schema, looking=looking)
        self.execute("session/find_library")
        self._vector_oid = register_vectors(self.connection)
        self.standby = prepared["standby"]
        self.pooled = prepared["backend"] != self.connection.info.backend_pid
        if prepared["has_citus"]:
            self.distributed = self.fetch_value("session/is_distributed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def commit(self) -> None:
        """Ends the transaction of `look` and keeps what it wrote."""
        with our_errors():
            self.connection.commit()

    def close(self) -> None:
        """Closes the connection; closing twice is harmless."""
        self.connection.close()

    @property
    def lost(self) -> bool:
        """Whether the connection ended otherwise than by `close`."""
        return self.connection.broken

    def opened_again(self) -> Self:
        """Another session at the same address.

        Raises:
            DatabaseError: as from `open`.
        """
        return self.open(self._url, schema=self.schema)

    def cancel(self) -> None:
        """Stops the statement another thread is running on this session.

        Where the server can't be reached, that statement fails by itself.
        """
        if self.connection.closed:
            return
        try:
            self.connection.cancel_safe(timeout=5)
        except psycopg.OperationalError:
            logger.debug("could not cancel a statement", exc_info=True)

    def execute(self, name: str, /, **parameters: object) -> int:
        """Runs `sql/<name>.sql`; returns how many rows it touched."""
        with our_errors():
            return self.connection.execute(
                self._recorded(name, parameters), parameters or None, binary=True
            ).rowcount

    def fetch_all(self, name: str, /, **parameters: object) -> list[dict[str, Any]]:
        """Runs `sql/<name>.sql`; returns its rows as dictionaries by column."""
        with our_errors(), self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(
                self._recorded(name, parameters), parameters or None, binary=True
            ).fetchall()

    def fetch_as(self, kind: type[Row], name: str, /, **parameters: object) -> list[Row]:
        """Runs `sql/<name>.sql`; returns its rows as instances of a dataclass with its columns."""
        with our_errors(), self.connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(
                self._recorded(name, parameters), parameters or None, binary=True
            ).fetchall()

    def fetch_value(self, name: str, /, **parameters: object) -> Any:
        """Runs `sql/<name>.sql`; returns the first column of its only row."""
        with our_errors():
            row = self.connection.execute(
                self._recorded(name, parameters), parameters or None, binary=True
            ).fetchone()
        if row is None:
            raise LookupError(f"sql/{name}.sql returned no row")
        return row[0]

    def define(self, name: str) -> None:
        """Makes or replaces a view or function as `sql/definitions/<name>.sql` has it."""
        with our_errors():
            self.connection.execute(definition(name, distributed=self.distributed))

    def copy_in(self, name: str, /, types: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Streams rows into `sql/<name>.sql`, a binary COPY; returns how many it took.

        Args:
            name: the statement, a `COPY ... FROM STDIN` in binary format.
            types: the Postgres type of each column; a binary COPY converts nothing by itself.
            rows: read one at a time; an error they raise ends the COPY and passes through.
        """
        with our_errors(), self.connection.cursor() as cursor:
            with cursor.copy(self._recorded(name, {})) as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
            return cursor.rowcount

    def release(self, name: str, /, **parameters: object) -> None:
        """Runs a statement that tidies up, as far as the connection still lives.

        Where it does not, the server let go of locks by itself, the next run sweeps the rest, and
        the error that brought us here is the one to hear of. The same where a server of Citus does
        not answer the coordinator.
        """
        if self.connection.closed or self.connection.broken:
            return
        with our_errors():
            try:
                self.connection.execute(
                    self._recorded(name, parameters), parameters or None, binary=True
                )
            except psycopg.Error as error:
                if not (self.distributed or isinstance(error, psycopg.OperationalError)):
                    raise
                logger.debug("could not run %s while tidying up", name, exc_info=True)

    @contextmanager
    def transaction(self, *, undone: bool = False) -> Iterator[None]:
        """All statements inside happen, or none of them; if it is to be `undone`, none."""
        with our_errors(), self.connection.transaction(force_rollback=undone):
            self.connection.execute(statement("session/commit_durably").text)
            if self.distributed:
                self.connection.execute(statement("session/modify_sequentially").text)
            yield

    def vector_array(self, matrix: NDArray[np.float32]) -> VectorArray:
        """A matrix of shape (rows, dimensions) as a `vector[]` parameter.

        One session's array serves every session on the same database.
        """
        if self._vector_oid is None:
            raise DatabaseError("the type vector is missing; run: fluffy-sql migrate")
        return VectorArray.of(matrix, self._vector_oid)

    def _recorded(self, name: str, parameters: dict[str, object]) -> str:
        """The text of `sql/<name>.sql`, about to be run: whoever keeps statements hears of it."""
        self._limit_statement()
        found = statement(on_citus(name) if self.distributed else name)
        if self._explain is not None:
            self._explain.record(found, lambda text: self._plan(text, parameters))
        return found.text

    def _limit_statement(self) -> None:
        """Lets the next statement take no longer than until the deadline."""
        if self.deadline is None:
            return
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DatabaseError("Postgres: no time is left for the transaction", "57014")
        self.connection.execute(
            statement("locks/limit_holding").text, {"milliseconds": max(1, round(left * 1000))}
        )

    def _plan(self, text: str, parameters: dict[str, object]) -> Iterable[tuple[Any, ...]]:
        """The lines of a plan; where photos are distributed, Citus makes not every plan it runs."""
        if not self.distributed:
            return self.connection.execute(text, parameters or None, binary=True)
        try:
            # With a single shard, asking may fail on that shard's server alone, which takes
            # statements again only once we go back.
            with self.connection.transaction(force_rollback=True):
                return self.connection.execute(text, parameters or None, binary=True).fetchall()
        except psycopg.Error as error:
            return [(f"Citus tells no plan: {_one_line(error)}",)]


def _connect(url: str) -> psycopg.Connection[Any]:
    address = describe_url(url)
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            # Plans are made for the centroids at hand; a generic one guesses their number.
            prepare_threshold=None,
            # Else it is the database's, which may lack letters that a path has.
            client_encoding="utf8",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            application_name="fluffy_sql",
        )
    except psycopg.Error as error:
        raise DatabaseError(
            f"can't connect to {address}: {_one_line(error)}; check database.url or DATABASE_URL"
        ) from None


def _refuse_shared(connection: psycopg.Connection[Any], url: str) -> None:
    if shares_connections(connection, lambda: _connect(url)):
        raise DatabaseError(
            f"{describe_url(url)} is a pooler in transaction mode, where a run can keep neither its"
            " settings nor its lock: use the address of the server itself, or of a pool in session"
            " mode; commands that only look work here"
        )


def describe_url(url: str) -> str:
    """The address without its password, for messages.

    Raises:
        SettingsError: it is no address; the message does not repeat it, for it may hold a password.
    """
    try:
        parts = conninfo_to_dict(url)
    except (psycopg.Error, UnicodeError):
        raise SettingsError(
            "database.url is not an address that Postgres understands;"
            " allowed: postgresql://user@host:5432/name or null"
        ) from None
    user = f"{parts['user']}@" if parts.get("user") else ""
    host = parts.get("host") or parts.get("hostaddr") or "local socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{user}{host}{port}/{parts.get('dbname') or ''}"


def libpq_environment(url: str) -> dict[str, str]:
    """The address as the variables that psql and every other libpq program reads.

    Raises:
        SettingsError: it is no address that libpq understands.
    """
    describe_url(url)
    options = Conninfo.parse(url.encode())
    return {
        option.envvar.decode(): option.val.decode()
        for option in options
        if option.envvar and option.val is not None
    }


@contextmanager
def our_errors() -> Iterator[None]:
    """The one place where the driver's errors become ours."""
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseError(_explain(error), error.sqlstate) from error


_ADVICE = {
    "42P01": "run: fluffy-sql migrate",
    "42P07": "fluffy_sql makes one of that name: rename it and migrate again",
    "42701": "fluffy_sql makes one of that name: rename it and migrate again",
    "42723": "fluffy_sql makes one of that name: rename it and migrate again",
    "42501": "grant the role this right, or use another role",
    "25006": "the server is read-only: name its primary in database.url",
    "3F000": "grant the role USAGE on the schema, or set its search_path",
    "22P05": "make the library a database whose encoding is UTF8",
    "53100": "the server's disk is full: make room and run again",
    "55P03": "somebody else holds the lock: run again, or raise lock_timeout for this role",
    "57014": "run again, with a longer statement_timeout for this role if that was too short",
    "57P01": "the server ended the connection: run again when it is back",
}
_LOST = "fluffy-sql runs says whether the run was committed; if not, run again"


def _explain(error: psycopg.Error) -> str:
    """One line, with what to do where that is known."""
    advice = _ADVICE.get(error.sqlstate or "")
    if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
        advice = _LOST
    return f"Postgres: {_one_line(error)}" + (f"; {advice}" if advice else "")


def _one_line(error: psycopg.Error) -> str:
    """The server's message; its LINE and caret lines quote our SQL, which tells a user nothing."""
    message = error.diag.message_primary or str(error) or type(error).__name__
    detail = error.diag.message_detail
    # libpq's connection errors say what failed on their first lines, and then guess at length.
    text = f"{message} ({detail})" if detail else message.partition("\tThis probably means")[0]
    return re.sub(r"\s+", " ", text).strip()
