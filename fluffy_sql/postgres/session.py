"""One connection to Postgres: runs named statements and turns driver errors into our own."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg
from psycopg.pq import DiagnosticField, TransactionStatus
from psycopg.rows import RowFactory, class_row, dict_row, tuple_row

from fluffy_sql.errors import DatabaseError, NoneLeftError, UnreachableError
from fluffy_sql.postgres.address import describe_url, parse_address
from fluffy_sql.postgres.advice import READ_ONLY, ReadOnly, explain, explain_no_connection, one_line
from fluffy_sql.postgres.explain import PlanRecorder
from fluffy_sql.postgres.pooler import is_served, shares_connections
from fluffy_sql.postgres.statements import Statement, definition, on_citus, statement

if TYPE_CHECKING:  # a command that only lists things starts without NumPy
    import numpy as np
    from numpy.typing import NDArray

    from fluffy_sql.postgres.vectors import VectorArray

Row = TypeVar("Row")

logger = logging.getLogger(__name__)
# What a driver has to say beside its errors is for whoever asks for logs; else it goes to stderr.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

# Where everything of ours lies, if `database.schema` does not say otherwise.
DEFAULT_SCHEMA = "fluffy_sql"
# libpq waits forever by default: a wrong host would look like a hang.
CONNECT_TIMEOUT_SECONDS = 10

# Rows; as many as are read from disk and sent at once.
_STREAMED_AT_ONCE = 2_000
_IN_TRANSACTION = frozenset({TransactionStatus.INTRANS, TransactionStatus.INERROR})


class Session:
    """A connection in autocommit mode. Not for use by two threads at a time.

    Every method that runs a statement raises DatabaseError if Postgres refuses it. A statement is
    named by its file below `sql/`; packages pass their own, made by `statements.parse`.

    Args:
        connection: the connection.
        url: where it leads; an address as libpq takes it.
        schema: where everything of ours lies, work tables and runs too.
        explain: keeps every statement that is run here, with its plan.

    Attributes:
        deadline: when the transaction must be over, by time.monotonic(); None: whenever.
        attached: whether the library is one whose embeddings stay in the application's table.
        distributed: whether Citus has distributed `photos`. Statements that must differ there are
            then run in their other form.
        standby: whether the server only follows another one.
        read_only: whether nothing can be written here; so on a standby.
        pooled: whether a pooler is in between.
        recorded: whether what it does is recorded as a run, which tells what became of it.
        schema: as above.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        url: str,
        schema: str = DEFAULT_SCHEMA,
        explain: PlanRecorder | None = None,
    ) -> None:
        self._connection = connection
        self.deadline: float | None = None
        self.attached = False
        self.distributed = False
        self.standby = False
        self.read_only = False
        self.pooled = False
        self.recorded = False
        self.schema = schema
        self._url = url
        self._explain = explain
        # The oids of the types vector and vector[]; None: pgvector is missing.
        self._vector: tuple[int, int] | None = None
        self._takes_vectors = False
        # Open while there are answers that nobody waited for.
        self._under_way: ExitStack | None = None
        self._transactions = 0

    @classmethod
    def open(
        cls,
        url: str,
        *,
        schema: str = DEFAULT_SCHEMA,
        explain: PlanRecorder | None = None,
        beside: "Session | None" = None,
    ) -> Self:
        """Connects and sets what every statement here relies on.

        If there is a session at this address already, `beside` which this one is opened, it is
        known what is in between. The other arguments are those of the class.

        Raises:
            SettingsError: the address is not one that libpq understands.
            UnreachableError: no server answers there, or it refuses us.
            NoneLeftError: a pooler in between has no connection left for one beside another.
            DatabaseError: a pooler in between gives each transaction another connection.
        """
        connection = _connect(url)
        session = cls(connection, url, schema, explain)
        try:
            with translate_errors():
                if beside is None:
                    _refuse_shared(connection, url)
                elif beside.pooled:
                    _require_served(connection, url)
                session.prepare(looking=False)
                session.refuse_standby()
        except BaseException:
            connection.close()
            raise
        return session

    @classmethod
    def look(
        cls,
        url: str,
        *,
        schema: str = DEFAULT_SCHEMA,
        begin: str = "session/begin_looking",
        at_one_moment: bool = False,
    ) -> Self:
        """Connects for one transaction, that by default only reads.

        What it sets ends with it, so it leaves nothing behind on a connection that a pooler lent.
        A standby will do. What it writes has to be committed by `commit`. If it looks
        `at_one_moment`, all statements see the database as it is now. `begin` is the statement that
        begins the transaction.

        Raises:
            SettingsError: the address is not one that libpq understands.
            UnreachableError: no server answers there, or it refuses us.
        """
        connection = _connect(url)
        session = cls(connection, url, schema)
        session._transactions = 1
        try:
            with translate_errors():
                connection.execute(statement(begin).text)
                if at_one_moment:
                    connection.execute(statement("session/use_repeatable_read").text)
                session.prepare(looking=True)
        except BaseException:
            connection.close()
            raise
        return session

    def refuse_standby(self) -> None:
        """Says at once that nothing can be written.

        Raises:
            DatabaseError: the server only follows another one.
        """
        if self.standby:
            raise DatabaseError(
                f"{describe_url(self._url)} is a standby, which follows another server: name its"
                " primary in the address; commands that only look work here",
                READ_ONLY,
            )

    def prepare(self, *, looking: bool) -> None:
        """Sets what statements rely on; again, after something moved that they rely on."""
        settings: dict[str, object] = {"schema": self.schema, "looking": looking}
        [prepared], _, vector = self.fetch_each(
            ("session/prepare", settings),
            ("session/find_library", {}),
            ("session/find_vector", {}),
        )
        self._vector = (vector[0]["oid"], vector[0]["array_oid"]) if vector else None
        if not looking:
            self.use_vectors()
        self.attached = prepared["attached"]
        self.standby = prepared["standby"]
        self.read_only = prepared["read_only"]
        self.pooled = prepared["backend"] != self._connection.info.backend_pid
        if prepared["has_citus"]:
            self.distributed = self.fetch_value("session/is_distributed")

    def use_vectors(self) -> None:
        """Lets statements take and return vectors; what only looks has to ask for it."""
        from fluffy_sql.postgres.vectors import register_vectors  # noqa: PLC0415 - loads NumPy

        if self._vector is not None:
            register_vectors(self._connection, *self._vector)
            self._takes_vectors = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def commit(self) -> None:
        """Ends the transaction of `look` and keeps what it wrote."""
        with translate_errors():
            self.connection.commit()

    def close(self) -> None:
        """Closes the connection; closing twice is harmless.

        What is not committed is rolled back before: a pooler would close the server connection of
        a client that leaves in the middle of a transaction, since it can't lend that again.
        """
        with suppress(psycopg.Error):
            self._await()
        if self._connection.info.transaction_status in _IN_TRANSACTION:
            with suppress(psycopg.Error):
                self._connection.rollback()
        self._connection.close()

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """What it works on, for what has no statement of its own; nothing is under way then."""
        self._await()
        return self._connection

    @property
    def explains(self) -> bool:
        """Whether it keeps the plans of its statements."""
        return self._explain is not None

    def unexplained(self) -> AbstractContextManager[None]:
        """What is run inside is not kept."""
        return self._explain.paused() if self._explain else nullcontext()

    @property
    def broken(self) -> bool:
        """Whether the connection ended otherwise than by `close`."""
        return self._connection.broken

    def reconnected(self) -> Self:
        """Another session at the same address.

        Raises:
            DatabaseError: as from `open`.
        """
        return self.open(self._url, schema=self.schema)

    def further(self) -> Self:
        """Another session beside this one, that works for the same run.

        Raises:
            NoneLeftError: a pooler in between has no connection left.
            DatabaseError: as from `open`.
        """
        session = self.open(self._url, schema=self.schema, explain=self._explain, beside=self)
        session.recorded = self.recorded
        return session

    def beside(self) -> Self:
        """A session that only looks at the same library, while this one is in whatever state.

        Raises:
            DatabaseError: as from `look`.
        """
        return self.look(self._url, schema=self.schema)

    def cancel(self) -> None:
        """Stops the statement another thread is running on this session.

        If the server can't be reached, that statement fails anyway.
        """
        if self._connection.closed:
            return
        try:
            self._connection.cancel_safe(timeout=5)
        except psycopg.OperationalError:
            logger.debug("could not cancel a statement", exc_info=True)

    def execute(self, name: str | Statement, /, **parameters: object) -> int:
        """Runs `sql/<name>.sql`; returns how many rows it touched."""
        with translate_errors(self):
            return self._run(tuple_row, name, parameters).rowcount

    def send(self, name: str | Statement, /, **parameters: object) -> None:
        """Runs `sql/<name>.sql` without waiting for it: it takes no round trip of its own.

        Outside of a transaction it is committed at once. What it did is certain, and an error is
        raised, only when the next statement is waited for that is not sent.
        """
        if not self._joins:
            self.execute(name, **parameters)
            return
        with translate_errors(self), self._awaited_if_it_fails():
            pipeline = self._begin_under_way()
            self._start(tuple_row, name, parameters)
            if not self._transactions:
                # What psycopg's sync does, but for waiting: the server commits, and is idle.
                self._connection.pgconn.pipeline_sync()
                pipeline.result_queue.append(None)

    def fetch_each(self, *asked: tuple[str, dict[str, object]]) -> list[list[dict[str, Any]]]:
        """Runs statements with their parameters in one round trip; returns the rows of each."""
        with translate_errors(self), self._awaited_if_it_fails():
            if self._joins:
                self._begin_under_way()
            cursors = [self._start(dict_row, name, parameters) for name, parameters in asked]
            self._await()
            return [cursor.fetchall() if cursor.description else [] for cursor in cursors]

    def fetch_all(self, name: str | Statement, /, **parameters: object) -> list[dict[str, Any]]:
        """Runs `sql/<name>.sql`; returns its rows as dictionaries by column."""
        return self._fetch(dict_row, name, parameters)

    def fetch_as(
        self, kind: type[Row], name: str | Statement, /, **parameters: object
    ) -> list[Row]:
        """Runs `sql/<name>.sql`; returns its rows as instances of a dataclass with its columns."""
        return self._fetch(class_row(kind), name, parameters)

    def stream(self, name: str | Statement, /, **parameters: object) -> Iterator[dict[str, Any]]:
        """As `fetch_all`, some rows at a time, however many there are; in a transaction."""
        with (
            translate_errors(self),
            self.connection.cursor("streamed", row_factory=dict_row) as cursor,
        ):
            cursor.itersize = _STREAMED_AT_ONCE
            yield from cursor.execute(self._prepared_name(name, parameters), parameters or None)

    def fetch_value(self, name: str | Statement, /, **parameters: object) -> Any:
        """Runs `sql/<name>.sql`; returns the first column of its only row."""
        rows = self._fetch(tuple_row, name, parameters)
        if not rows:
            raise LookupError(f"sql/{name}.sql returned no row")
        return rows[0][0]

    def _fetch(
        self, form: RowFactory[Row], name: str | Statement, parameters: dict[str, object]
    ) -> list[Row]:
        with translate_errors(self):
            return self._run(form, name, parameters).fetchall()

    def _run(
        self, form: RowFactory[Row], name: str | Statement, parameters: dict[str, object]
    ) -> psycopg.Cursor[Row]:
        """Runs a statement and waits for it, and for what was sent before."""
        if self._under_way is None and not (self._joins and self.deadline is not None):
            return self._start(form, name, parameters)
        with self._awaited_if_it_fails():
            self._begin_under_way()
            cursor = self._start(form, name, parameters)
            self._await()
            return cursor

    def _start(
        self, form: RowFactory[Row], name: str | Statement, parameters: dict[str, object]
    ) -> psycopg.Cursor[Row]:
        text = self._prepared_name(name, parameters)
        cursor = self._connection.cursor(row_factory=form)
        return cursor.execute(text, parameters or None, binary=True)

    @property
    def _joins(self) -> bool:
        """Whether statements may be sent one after the other without waiting.

        Not if a plan is asked for before each; nor on Citus, which runs one on several servers.
        """
        return not (self.explains or self.distributed)

    def _begin_under_way(self) -> psycopg.Pipeline:
        """From now on statements are sent, and answers are only waited for by `_await`."""
        if self._under_way is None:
            self._under_way = ExitStack()
            self._pipeline = self._under_way.enter_context(self._connection.pipeline())
        return self._pipeline

    def settle(self) -> None:
        """Waits for what was sent, and raises its first error, before `release` passes over it."""
        with translate_errors(self):
            self._await()

    def _await(self) -> None:
        """Waits for all answers; raises the first error among them."""
        if self._under_way is None:
            return
        under_way, self._under_way = self._under_way, None
        under_way.close()

    @contextmanager
    def _awaited_if_it_fails(self) -> Iterator[None]:
        """After an error nothing is under way any more."""
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):
                self._await()
            raise

    def define(self, name: str) -> None:
        """Makes or replaces a view or function as `sql/definitions/<name>.sql` has it."""
        with translate_errors():
            self.connection.execute(definition(name, distributed=self.distributed))

    def copy_in(self, name: str, /, types: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Streams rows into `sql/<name>.sql`, a binary COPY; returns how many it took.

        Args:
            name: the statement, a `COPY ... FROM STDIN` in binary format.
            types: the Postgres type of each column; a binary COPY converts nothing by itself.
            rows: read one at a time; an error they raise ends the COPY and passes through.
        """
        with translate_errors(self), self.connection.cursor() as cursor:
            try:
                with cursor.copy(self._prepared_name(name, {})) as copy:
                    copy.set_types(types)
                    for row in rows:
                        copy.write_row(row)
            except psycopg.OperationalError as error:
                raise (_last_words(self._connection) if self.broken else None) or error from None
            return cursor.rowcount

    def release(self, name: str | Statement, /, **parameters: object) -> None:
        """Runs a statement that tidies up, if the connection still works.

        Errors are swallowed: the original error matters more, the server releases locks of a lost
        connection, and the next run cleans up. So they are if a server of Citus does not answer
        the coordinator.
        """
        with suppress(psycopg.Error):
            self._await()
        if self._connection.closed or self._connection.broken:
            return
        with translate_errors(self):
            try:
                self._run(tuple_row, name, parameters)
            except psycopg.Error as error:
                if not (self.distributed or isinstance(error, psycopg.OperationalError)):
                    raise
                logger.debug("could not run %s while tidying up", name, exc_info=True)

    @contextmanager
    def transaction(self, *, force_rollback: bool = False) -> Iterator[None]:
        """All statements inside happen, or none of them; with `force_rollback`, none.

        Within another one it is a savepoint.
        """
        within = self._transactions or (
            self._under_way is None and self._connection.info.transaction_status in _IN_TRANSACTION
        )
        around = self._savepoint if within else self._outermost
        with translate_errors(self), around(force_rollback):
            self.send("commit/commit_durably")
            if self.distributed:
                self.execute("citus/session/modify_sequentially")
            yield

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All statements inside happen, or none; the transaction around it goes on."""
        with translate_errors(self), self._savepoint(force_rollback=False):
            yield

    @contextmanager
    def _savepoint(self, force_rollback: bool) -> Iterator[None]:
        self._await()
        with self._connection.transaction(force_rollback=force_rollback):
            self._transactions += 1
            try:
                with self._awaited_if_it_fails():
                    yield
                    self._await()
            finally:
                self._transactions -= 1

    @contextmanager
    def _outermost(self, force_rollback: bool) -> Iterator[None]:
        """What psycopg's is, but that it does not wait for its beginning."""
        before = self._under_way
        try:
            with self._awaited_if_it_fails():
                if self._joins:
                    self._begin_under_way()
                self._connection.execute("BEGIN")
                self._transactions += 1
                try:
                    yield
                finally:
                    self._transactions -= 1
                if before is not None and before is self._under_way:
                    self._await()  # else it is committed, and raises what failed before it
                self._connection.execute("ROLLBACK" if force_rollback else "COMMIT")
                self._await()
        except BaseException:  # COMMIT was passed over, if what came before it failed
            with suppress(psycopg.Error):
                self._connection.rollback()
            raise

    def vector_array(self, matrix: "NDArray[np.float32]") -> "VectorArray":
        """A matrix of shape (rows, dimensions) as a `vector[]` parameter.

        One session's array serves every session on the same database.
        """
        if not self._takes_vectors:
            self.use_vectors()
        if self._vector is None:
            raise DatabaseError("the type vector is missing; run: fluffy-sql migrate")
        from fluffy_sql.postgres.vectors import VectorArray  # noqa: PLC0415 - loads NumPy

        return VectorArray.of(matrix, self._vector[0])

    def _prepared_name(self, name: str | Statement, parameters: dict[str, object]) -> str:
        """The text of `sql/<name>.sql`, about to be run, and recorded if statements are kept."""
        self._limit_statement()
        if isinstance(name, Statement):
            found = name
        else:
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
        self._connection.execute(
            statement("commit/set_statement_timeout").text,
            {"milliseconds": max(1, round(left * 1000))},
        )

    def _plan(self, text: str, parameters: dict[str, object]) -> Iterable[tuple[Any, ...]]:
        """The lines of a plan; if photos are distributed, Citus can't explain all it runs."""
        if not self.distributed:
            return self._connection.execute(text, parameters or None, binary=True)
        try:
            # With a single shard, asking may fail on that shard's server alone, which takes
            # statements again only once we go back.
            with self._connection.transaction(force_rollback=True):
                return self._connection.execute(text, parameters or None, binary=True).fetchall()
        except psycopg.Error as error:
            return [(f"Citus returns no plan: {one_line(error)}",)]


def _connect(url: str) -> psycopg.Connection[Any]:
    conninfo = parse_address(url).conninfo
    try:
        return psycopg.connect(
            conninfo,
            autocommit=True,
            # Plans are made for the actual centroids; a generic one guesses their number.
            prepare_threshold=None,
            # Else it is the database's, which may lack letters that a path has.
            client_encoding="utf8",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            application_name="fluffy_sql",
        )
    except psycopg.Error as error:
        raise UnreachableError(
            f"can't connect to {describe_url(conninfo)}: {explain_no_connection(error)}"
        ) from None


def _refuse_shared(connection: psycopg.Connection[Any], url: str) -> None:
    if shares_connections(connection, lambda: _connect(url)):
        raise DatabaseError(
            f"{describe_url(url)} is a pooler in transaction mode, where a run can keep neither its"
            " settings nor its lock: use the address of the server itself, or of a pool in session"
            " mode; commands that only look work here"
        )


def _require_served(connection: psycopg.Connection[Any], url: str) -> None:
    if not is_served(connection):
        raise NoneLeftError(
            f"{describe_url(url)} is a pooler that has no connection left for this run, which needs"
            " two or more: raise its pool size, or use the address of the server itself"
        )


@contextmanager
def translate_errors(session: Session | None = None) -> Iterator[None]:
    """The one place where the driver's errors become ours.

    Args:
        session: where to ask why it may only read, once no failed transaction is open there.
    """
    try:
        yield
    except psycopg.Error as error:
        why = _ask_why_read_only(session, error)
        recorded = session is not None and session.recorded
        raise DatabaseError(explain(error, why, recorded=recorded), error.sqlstate) from error
    except DatabaseError as error:
        # From within a transaction, where nothing could be asked until it was rolled back.
        cause = error.__cause__
        if isinstance(cause, psycopg.Error) and (why := _ask_why_read_only(session, cause)):
            raise DatabaseError(explain(cause, why), error.sqlstate) from cause
        raise


def _ask_why_read_only(session: Session | None, error: psycopg.Error) -> ReadOnly | None:
    if session is None or error.sqlstate != READ_ONLY:
        return None
    connection = session.connection
    if connection.info.transaction_status != TransactionStatus.IDLE:
        return None
    try:
        asked = statement("session/describe_read_only").text
        with connection.cursor(row_factory=class_row(ReadOnly)) as cursor:
            return cursor.execute(asked).fetchone()
    except psycopg.Error:
        return None


def _last_words(connection: psycopg.Connection[Any]) -> psycopg.Error | None:
    """Why the server ended the connection during a COPY; None if it did not say.

    libpq reports that it can't send, and keeps what it has read until the COPY is over.
    """
    with suppress(psycopg.Error):
        connection.pgconn.put_copy_end()
        result = connection.pgconn.get_result()
        if result is not None and result.error_field(DiagnosticField.SQLSTATE):
            return psycopg.errors.error_from_result(result)
    return None
