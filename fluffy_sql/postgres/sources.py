"""What an attached library reads: the SELECT of a source that somebody else keeps.

Nothing depends on the source: its SELECT is kept as text, and looked up when it is used. So the
application can change its tables in any way, and is told by the next run if that was too much.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

from fluffy_sql.errors import DatabaseError, LibraryError, SchemaError, UsageError
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
# SQLSTATEs: a schema, table, column, function or cast is not there, or one of another type.
_OTHER_THAN_ATTACHED = frozenset({"3F000", "42P01", "42703", "42883", "42804", "42846", "42P13"})
# The same may be said of it, if nothing else is read: this role may not, or a value is no vector.
_OF_SOURCE_ALONE = frozenset({"42501", "22000", "22P02", "0A000"})
_TOO_LARGE = "54000"


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
    """Looks up a source and its columns.

    Raises:
        SchemaError: there is no such table or column, or it can't be attached as it is.
    """
    query = wanted.query if wanted.query is not None else _query_of_table(session, wanted)
    try:
        with session.transaction(force_rollback=True):
            session.fetch_all("attach/note_query", query=query)
            session.execute("attach/try_query")
            shown = session.fetch_all("attach/describe_query")
            if session.fetch_value("distribute/has_citus"):
                _refuse_spread(wanted.name, session.fetch_all("attach/list_spread"))
    except DatabaseError as error:
        raise SchemaError(f"{wanted.name} can not be read: {_of_the_server(error)}") from None
    _refuse_columns(wanted.name, [row["name"] for row in shown])
    for row in shown:
        _refuse_type(wanted.name, row["name"], row["type"], row["kind"])
    return Source(
        wanted.name,
        shown[0]["query"],
        [row["name"] for row in shown],
        [row["type"] for row in shown],
    )


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


def sync(session: Session, *, writes: bool = True, attaching: bool = False) -> Changes | None:
    """Takes in what is new, gone and changed in the source, or only counts it; None: there is none.

    Args:
        session: of the library.
        writes: whether it is taken in.
        attaching: whether the source was never read before, so that nothing of it has changed.

    Raises:
        SchemaError: the source is gone, or is of other types than when it was attached.
        LibraryError: it shows a key twice or one that is too large, or a photo without one.
    """
    if not session.attached:
        return None
    from fluffy_sql.postgres.vectors import (  # noqa: PLC0415 - loads NumPy
        LONGEST_VECTOR,
        fingerprint_vector,
    )

    [source] = session.fetch_as(Source, "attach/describe_source")
    try:
        with telling_of_source(session, source.name, attaching=attaching):
            [found] = session.fetch_all(
                "attach/sync", fingerprint_vector=fingerprint_vector(LONGEST_VECTOR), writes=writes
            )
    except DatabaseError as error:
        if error.sqlstate != _TOO_LARGE:
            raise
        raise LibraryError(
            f"{source.name} shows a key or an embedding that is too large"
            f" ({_of_the_server(error)}): let it show keys of at most {_LONGEST_KEY:,} bytes and"
            f" embeddings of at most {LONGEST_VECTOR:,} dimensions"
        ) from None
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


@contextmanager
def telling_of_source(
    session: Session, name: str | None = None, *, attaching: bool = False
) -> Iterator[None]:
    """What an attached library lacks is something of its source, since ours was looked at before.

    Args:
        session: that the statements inside are run by.
        name: of the source, if nothing else is read inside.
        attaching: whether it was never read before.
    """
    try:
        yield
    except DatabaseError as error:
        expected = error.sqlstate in _OTHER_THAN_ATTACHED or (
            name and error.sqlstate in _OF_SOURCE_ALONE
        )
        if not (session.attached and expected):
            raise
        if attaching:
            raise SchemaError(f"{name} can not be read: {_of_the_server(error)}") from None
        what = name or "the source of this library"
        raise SchemaError(
            f"{what} can not be read as it was attached: {_of_the_server(error)};"
            " put that right, or attach it anew: fluffy-sql detach --source, then attach"
        ) from None


def _of_the_server(error: DatabaseError) -> str:
    """Its own words, without advice that is meant for tables of ours."""
    return str(error).removeprefix("Postgres: ").partition("; ")[0].partition(" (")[0]


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
