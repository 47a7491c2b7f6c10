"""What an attached library reads: the SELECT of a source that somebody else keeps.

Nothing depends on the source: its SELECT is kept as text, and looked up when it is used. So the
application can change its tables in any way, and is told by the next run if that was too much.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

import psycopg

from fluffy_sql.errors import (
    DatabaseError,
    FluffySqlError,
    LibraryError,
    SchemaError,
    UsageError,
)
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.statements import preset as preset_query
from fluffy_sql.words import count, first_few

EMBEDDING, PATH, OWNER, VERSION = "embedding", "path", "owner", "version"
MOST_KEYS = 9
_KEY = re.compile(r"key([2-9])?")
PRESETS = ("immich", "langchain", "librephotos")
_COLUMNS = "key (and key2, ... if a key is of several columns), embedding, path, owner and version"
# Tables or columns that are named as near to one that is not there.
_NAMED = 3
# Bytes that an index holds for sure.
_LONGEST_KEY = 2_600
# Which share of the first rows of a source may differ when they are read once more: an application
# may be at work.
_MAY_CHANGE_MEANWHILE = 0.1
_ANEW = "attach it anew: fluffy-sql detach --source, then attach"
# What Postgres finds wrong with a SELECT, by the beginning of a SQLSTATE: names and types, rights,
# and values of its rows.
_WRONG_ROWS = ("21", "22", "2F", "38", "39", "54", "P0")
_OF_A_SELECT = ("0A", "3F", "42", *_WRONG_ROWS)
_NO_RIGHT, _TOO_LARGE = "42501", "54000"
_LEAVE_OUT = "let it leave such rows out, or show null there"
_MAY_READ = "let its owner GRANT this role the right to read it"
# What to do about a SELECT that was never read before; the first that fits counts.
_ADVICE = (
    *((state, _LEAVE_OUT) for state in _WRONG_ROWS),
    *((state, "let it be one SELECT that only reads") for state in ("0A", "25006")),
    *((state, "correct the SELECT, and give it with --query") for state in ("3F", "42")),
)
# The parts of a query: a semicolon ends a statement only outside of texts, names and comments.
_PARTS = re.compile(
    r"(?P<code>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"[^\"]*\""
    r"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|\w+)"
    r"|(?P<comment>--[^\n]*|/\*.*?\*/|\s+)|(?P<end>;)|(?P<other>.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Wanted:
    """A source that somebody names: a table with its columns, or a query.

    Attributes:
        name: what it is called in messages.
        table: with its schema, or without.
        columns: of the table, by what each is: key, key2, ..., embedding, path, owner, version.
        query: a SELECT with columns of these names.
    """

    name: str
    table: str | None = None
    columns: dict[str, str] | None = None
    query: str | None = None


@dataclass(frozen=True)
class Source:
    """A source, as it is kept.

    Attributes:
        name: what it is called in messages.
        query: its SELECT, with every name qualified.
        columns: of that.
        types: of these columns.
    """

    name: str
    query: str
    columns: Sequence[str]
    types: Sequence[str]


@dataclass(frozen=True)
class Changes:
    """How photos differed from the source.

    Attributes:
        source: what it is called.
        added: those that were not known.
        gone: those that it does not show any more.
        changed: those with another embedding, path or owner.
    """

    source: str
    added: int
    gone: int
    changed: int

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.added or self.gone or self.changed)


def wanted(
    *,
    table: str | None = None,
    keys: Sequence[str] = (),
    embedding: str | None = None,
    path: str | None = None,
    owner: str | None = None,
    version_column: str | None = None,
    query: str | None = None,
    query_name: str = "the query",
    preset: str | None = None,
) -> Wanted:
    """What a person names: a table with its columns, a query or a preset.

    Raises:
        UsageError: it is none of the three or several, a column is missing, or one is too many.
    """
    if sum(given is not None for given in (table, query, preset)) != 1:
        raise UsageError("name one of table, query and preset")
    named = {EMBEDDING: embedding, PATH: path, OWNER: owner, VERSION: version_column}
    columns = {
        **{"key" if place == 1 else f"key{place}": key for place, key in enumerate(keys, 1)},
        **{name: column for name, column in named.items() if column is not None},
    }
    if table is None and columns:
        raise UsageError("key, embedding and other columns go with a table: a query names its own")
    if table is not None and not (keys and embedding):
        raise UsageError("a table needs key and embedding: the names of two of its columns")
    if len(keys) > MOST_KEYS:
        raise UsageError(f"a key has at most {MOST_KEYS} columns, and {len(keys)} were given")
    if len(set(keys)) < len(keys):
        raise UsageError("key names a column twice: name each column of the key once")
    if table is not None:
        return Wanted(table, table=table, columns=columns)
    if preset is None:
        return Wanted(query_name, query=query)
    if preset not in PRESETS:
        raise UsageError(f"preset is {preset!r}; allowed: {', '.join(PRESETS)}")
    return Wanted(f"preset {preset}", query=preset_query(preset))


def describe_changes(changes: Changes) -> str:
    """As in "3 photos new, 1 gone"."""
    found = ((changes.added, "new"), (changes.gone, "gone"), (changes.changed, "changed"))
    first, *others = [(photos, what) for photos, what in found if photos]
    return ", ".join(
        [f"{count(first[0], 'photo')} {first[1]}", *(f"{n:,} {what}" for n, what in others)]
    )


def find(session: Session, wanted: Wanted) -> Source:
    """Looks up a source and its columns, and reads its first rows.

    Raises:
        SchemaError: there is no such table or column, or it can't be attached as it is.
        LibraryError: it shows other rows each time.
    """
    if wanted.query is None:
        query = _query_of_table(session, wanted)
    else:
        query = _only_statement(wanted.name, wanted.query)
    with reading_first(wanted.name), session.transaction(force_rollback=True):
        session.fetch_all("attach/note_query", query=query, columns="")
        session.execute("attach/try_query")
        shown = session.fetch_all("attach/describe_query")
        if session.fetch_value("distribute/has_citus"):
            _refuse_spread(wanted.name, session.fetch_all("attach/list_spread"))
    _refuse_columns(wanted.name, [row["name"] for row in shown])
    for row in shown:
        _refuse_type(wanted.name, row["name"], row["type"], row["kind"])
    first, second = (_first_rows(session, wanted.name, shown[0]) for _time in range(2))
    if len(first - second) > len(first) * _MAY_CHANGE_MEANWHILE:
        raise LibraryError(
            f"{wanted.name} shows other keys or versions each time it is read: let it show the same"
            " ones (no random(), no now() as a version, and no LIMIT without an order)"
        )
    return Source(
        wanted.name,
        shown[0]["query"],
        [row["name"] for row in shown],
        [row["type"] for row in shown],
    )


def _first_rows(session: Session, name: str, found: dict[str, str]) -> set[str]:
    """Keys and versions of the first rows, read in a transaction that has a now() of its own."""
    with reading_first(name), session.transaction(force_rollback=True):
        session.fetch_all("attach/note_query", query=found["query"], columns=found["columns"])
        session.execute("attach/try_rows")
        return {row["key_and_version"] for row in session.fetch_all("attach/list_rows")}


def keep(session: Session, source: Source) -> None:
    """Makes the new library of the session an attached one, in a transaction of the caller."""
    session.execute(
        "attach/keep_source",
        name=source.name,
        query=source.query,
        columns=list(source.columns),
        types=list(source.types),
    )
    session.execute("attach/prepare_tables")


def sync(session: Session, *, writes: bool = True) -> Changes | None:
    """Takes in what is new, gone and changed in the source, or only counts it; None: there is none.

    Args:
        session: of the library.
        writes: whether it is taken in.

    Raises:
        LibraryError: it shows a key twice, or a photo without one.
        DatabaseError: it can't be read; `telling_of_source` says why.
    """
    if not session.attached:
        return None
    from fluffy_sql.postgres.vectors import (  # noqa: PLC0415 - loads NumPy
        LONGEST_VECTOR,
        fingerprint_vector,
    )

    [source] = session.fetch_as(Source, "attach/describe_source")
    [found] = session.fetch_all(
        "attach/sync", fingerprint_vector=fingerprint_vector(LONGEST_VECTOR), writes=writes
    )
    if found["times"]:
        key = found["wrong_key"]
        raise LibraryError(
            f"{source.name} shows a photo without a key: leave out rows whose key is null"
            if key is None
            else f"{source.name} shows the key {key} {found['times']} times: let it show each photo"
            " once, or name further columns of its key"
        )
    return Changes(source.name, found["added"], found["gone"], found["changed"])


def refuse_attached(session: Session) -> None:
    """For what writes embeddings.

    Raises:
        LibraryError: the library is attached, so nobody would read them.
    """
    if session.attached:
        raise LibraryError(
            "this library is attached: its embeddings are those of its source; add photos there,"
            " or to another library (database.schema)"
        )


def refresh_type(session: Session) -> None:
    """Takes in that embeddings are of another type by now, before definitions are made.

    Whatever else is wrong with the source is found when it is read.
    """
    if not session.attached:
        return
    [source] = session.fetch_as(Source, "attach/describe_source")
    try:
        with session.transaction():
            session.execute("attach/try_source")
            shown = session.fetch_all("attach/describe_query")
    except DatabaseError:
        return
    for row, type_kept in zip(shown, source.types, strict=True):
        if row["name"] == EMBEDDING and row["kind"] == EMBEDDING and row["type"] != type_kept:
            session.execute("attach/keep_type", type=row["type"])


@contextmanager
def telling_of_source(session: Session) -> Iterator[None]:
    """If something inside fails because of the source of an attached library, says why.

    Raises:
        SchemaError: something of the source is gone, is of another type, or may not be read.
        LibraryError: a row of it can't be read.
    """
    try:
        yield
    except DatabaseError as error:
        if not (session.attached and (error.sqlstate or "").startswith(_OF_A_SELECT)):
            raise
        try:
            with session.beside() as looking:
                wrong = _what_is_wrong(looking, error)
        except DatabaseError:  # no connection is left to ask on
            raise error from None
        if wrong is None:
            raise
        raise wrong from None


def _what_is_wrong(session: Session, error: DatabaseError) -> FluffySqlError | None:
    """What is wrong with the source, after a statement failed; None: nothing."""
    [source] = session.fetch_as(Source, "attach/describe_source")
    name = source.name
    try:
        session.execute("attach/try_source")
    except DatabaseError as refused:
        if refused.sqlstate == _NO_RIGHT:
            return SchemaError(
                f"{name} can not be read any more: {_of_the_server(refused)}; {_advise(refused)}"
            )
        said = _of_the_server(refused)
        if "xmin" in said:
            said = "it is no table any more, so its rows have no version (xmin)"
        return SchemaError(
            f"{name} can not be read as it was attached: {said}; put that right, or {_ANEW}"
        )
    for shown, was in zip(session.fetch_all("attach/describe_query"), source.types, strict=True):
        column, now = shown["name"], shown["type"]
        if now == was or column in (PATH, VERSION):
            continue
        still_one = column == EMBEDDING and shown["kind"] == EMBEDDING
        remedy = "run: fluffy-sql migrate" if still_one else f"change it back, or {_ANEW}"
        return SchemaError(
            f"{name} is not as it was attached: its {column} is {now} now, and was {was}; {remedy}"
        )
    if not (error.sqlstate or "").startswith(_WRONG_ROWS):
        return None
    return LibraryError(
        f"a row of {name} can not be read: {_of_the_server(error)}; correct it in the source, or"
        f" leave such rows out in a query and {_ANEW}"
    )


@contextmanager
def reading_first(name: str) -> Iterator[None]:
    """Whatever fails inside is something of a source that was never read before.

    Raises:
        SchemaError: it can't be read.
        LibraryError: it shows a key or an embedding that is too large.
    """
    try:
        yield
    except DatabaseError as error:
        if error.sqlstate == _TOO_LARGE:
            from fluffy_sql.postgres.vectors import LONGEST_VECTOR  # noqa: PLC0415 - loads NumPy

            raise LibraryError(
                f"{name} shows a key or an embedding that is too large ({_of_the_server(error)}):"
                f" let it show keys of at most {_LONGEST_KEY:,} bytes and embeddings of at most"
                f" {LONGEST_VECTOR:,} dimensions"
            ) from None
        said = _of_the_server(error) + _line_of_query(error)
        raise SchemaError(f"{name} can not be read: {said}; {_advise(error)}") from None


def _advise(error: DatabaseError) -> str:
    """What to do about a source that can't be read."""
    advice = str(error).rpartition("; ")[2]
    if error.sqlstate == _NO_RIGHT:  # that of other tables is for tables of ours
        return advice if "BYPASSRLS" in advice else _MAY_READ
    for beginning, told in _ADVICE:
        if (error.sqlstate or "").startswith(beginning):
            return told
    return advice if advice != str(error) else "run again"


def _of_the_server(error: DatabaseError) -> str:
    """Its own words, without details and without advice that is meant for tables of ours."""
    cause = error.__cause__
    said = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    return " ".join((said or str(error).removeprefix("Postgres: ")).split())


def _line_of_query(error: DatabaseError) -> str:
    """In which line of a query an error is, as in " (line 3)", if the server tells: try_query."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error):
        return ""
    before = (cause.diag.internal_query or "")[: int(cause.diag.internal_position or 0)]
    return f" (line {before.count(chr(10))})" if "fluffy_sql_source" in before else ""


def _only_statement(name: str, text: str) -> str:
    """A query without what ends it, and without comments behind that."""
    end: int | None = None
    empty = True
    for part in _PARTS.finditer(text):
        if part["comment"]:
            continue
        if part["end"]:
            end = part.start() if end is None and not empty else end
        elif end is not None:
            raise SchemaError(
                f"{name} has more than one statement: let it be one SELECT that only reads"
            )
        else:
            empty = False
    if empty:
        raise SchemaError(f"{name} has no SELECT: let it show {_COLUMNS}")
    return text[:end]


def _query_of_table(session: Session, wanted: Wanted) -> str:
    found = session.fetch_all("attach/find_relation", name=wanted.table)
    if not found:
        there = [row["name"] for row in session.fetch_all("attach/list_relations")]
        raise SchemaError(f"there is no table {wanted.table}{_nearest(wanted.table or '', there)}")
    [relation] = found
    if not relation["may_read"]:
        raise SchemaError(
            f"this role may not read {wanted.table}: let its owner GRANT SELECT on it"
        )
    oid = relation["relation"]
    there = [row["name"] for row in session.fetch_all("attach/list_columns", relation=oid)]
    columns = wanted.columns or {}
    for column in columns.values():
        if column not in there:
            raise SchemaError(f"{wanted.table} has no column {column}{_nearest(column, there)}")
    query: str = session.fetch_value(
        "attach/write_query",
        relation=oid,
        columns=list(columns.values()),
        names=list(columns),
    )
    return query


def _nearest(name: str, there: list[str]) -> str:
    """Names that may have been meant, as the end of a sentence."""
    by_small = {known.lower(): known for known in there}
    near = get_close_matches(name.lower(), by_small, n=_NAMED, cutoff=0.5)
    if near:
        return f"; there is {', '.join(by_small[known] for known in near)}"
    return f"; there is {first_few(there)}" if there else ""


def _refuse_spread(name: str, tables: Sequence[dict[str, str]]) -> None:
    """Citus plans no query with parameters that reaches its tables through a function."""
    if tables:
        raise SchemaError(
            f"{name} reads {tables[0]['name']}, which Citus keeps on several servers, and attach"
            " reads tables of one alone: take it back (undistribute_table), or let migrate adopt"
            " a table photos (docs/explanation/scaling.md)"
        )


def _refuse_columns(name: str, columns: list[str]) -> None:
    allowed = {EMBEDDING, PATH, OWNER, VERSION}
    for column in columns:
        if column not in allowed and not _KEY.fullmatch(column):
            raise SchemaError(f"{name} shows a column {column}; let it show {_COLUMNS} alone")
    for column in ("key", EMBEDDING):
        if column not in columns:
            raise SchemaError(f"{name} shows no column {column}; it has to show key and embedding")


def _refuse_type(name: str, column: str, kind_shown: str, kind: str | None) -> None:
    if column == EMBEDDING and kind != "embedding":
        raise SchemaError(
            f"the embedding of {name} is {kind_shown}; it has to be vector, halfvec, sparsevec,"
            " real[] or double precision[]"
        )
    if _KEY.fullmatch(column) and kind not in ("key", "number"):
        raise SchemaError(
            f"the {column} of {name} is {kind_shown}; it has to be uuid, text or a whole number"
            " (in a query: key::text)"
        )
