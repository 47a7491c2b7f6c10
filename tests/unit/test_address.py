"""Addresses: the dialects that are read, what is refused, and that no part of a password shows."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fluffy_sql.errors import SettingsError
from fluffy_sql.postgres.address import describe_url, libpq_environment, parse_address
from fluffy_sql.postgres.concealing import conceal

UNENCODED = (
    "its password seems to hold a character that must be percent-encoded:"
    " @ is %40, / %2F, ? %3F, # %23, : %3A, % %25"
)
NO_ADDRESS = (
    "this is not an address that Postgres understands; allowed: postgresql://user@host:5432/name"
)
NAMELESS = (
    "there is a parameter that libpq does not know; take it out, or put the password in quotes"
)
SCHEMA = (
    "; if photos lies there, set search_path for the role or add options=-csearch_path=<its name>"
)
FULL = {"user": "me", "password": "secret", "host": "host", "port": "5433", "dbname": "photos"}
SHORT = {"host": "host", "dbname": "photos"}


def parts(text: str) -> dict[str, object]:
    return dict(conninfo_to_dict(parse_address(text).conninfo))


@pytest.mark.parametrize(
    "text",
    [
        "postgres://me:secret@host:5433/photos",
        "postgresql://me:secret@host:5433/photos",
        "postgresql+psycopg://me:secret@host:5433/photos",
        "postgresql+psycopg2://me:secret@host:5433/photos",
        "postgresql+asyncpg://me:secret@host:5433/photos",
        "postgresql+pg8000://me:secret@host:5433/photos",
        "postgis://me:secret@host:5433/photos",
        "PostgreSQL://me:secret@host:5433/photos",
        "postgresql://host:5433/photos?user=me&password=secret",
        "jdbc:postgresql://host:5433/photos?user=me&password=secret",
        "jdbc:postgresql://me:secret@host:5433/photos",
        "host=host port=5433 user=me password=secret dbname=photos",
        "host = host port= 5433 user ='me' password='sec\\ret' dbname=photos",
        "  postgresql://me:secret@host:5433/photos\r\n",
    ],
)
def test_every_dialect_is_read(text: str) -> None:
    assert parts(text) == FULL
    assert describe_url(text) == "me@host:5433/photos"
    assert libpq_environment(text) == {
        "PGUSER": "me",
        "PGPASSWORD": "secret",
        "PGHOST": "host",
        "PGPORT": "5433",
        "PGDATABASE": "photos",
    }


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("postgresql:///photos", "local socket/photos"),
        ("postgresql:///photos?host=/run/pg", "/run/pg/photos"),
        ("dbname=photos hostaddr=127.0.0.1", "127.0.0.1/photos"),
        ("postgresql://me@host:5433/x?password=secret&sslpassword=secret", "me@host:5433/x"),
        ("user=me password='secret secret' port=5433 dbname=x host=host", "me@host:5433/x"),
    ],
)
def test_an_address_is_described_by_user_host_port_and_database(text: str, described: str) -> None:
    assert describe_url(text) == described


def test_what_the_address_leaves_open_stays_open() -> None:
    assert libpq_environment("postgresql:///photos") == {"PGDATABASE": "photos"}
    assert libpq_environment("postgresql:///?sslmode=require") == {"PGSSLMODE": "require"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://", {}),
        ("postgresql:///photos", {"dbname": "photos"}),
        ("postgresql:///photos?host=/run/pg", {"dbname": "photos", "host": "/run/pg"}),
        ("postgresql://%2Frun%2Fpg/photos", {"dbname": "photos", "host": "/run/pg"}),
        ("postgresql:///x?host=/a@b=c/d", {"dbname": "x", "host": "/a@b=c/d"}),
        ("postgresql://a:1,b:2/x", {"host": "a,b", "port": "1,2", "dbname": "x"}),
        ("postgresql://me@[::1]:5/x", {"user": "me", "host": "::1", "port": "5", "dbname": "x"}),
        (
            "postgresql://host/photos?options=-csearch_path=a",
            SHORT | {"options": "-csearch_path=a"},
        ),
        ("postgresql://host/photos?password=a@b", SHORT | {"password": "a@b"}),
        ("postgresql://me:a#b:c@host/photos", SHORT | {"user": "me", "password": "a#b:c"}),
        ("jdbc:postgresql:photos", {"host": "localhost", "dbname": "photos"}),
        ("jdbc:postgresql:///photos", {"host": "localhost", "dbname": "photos"}),
        ("jdbc:postgresql:/", {"host": "localhost"}),
        ("jdbc:postgresql:?password=a", {"host": "localhost", "password": "a"}),
        ("jdbc:postgresql://host/photos?password=a@b/?c+d%2B", SHORT | {"password": "a@b/?c d+"}),
        ("service=photos", {"service": "photos"}),
    ],
)
def test_what_an_address_says(text: str, expected: dict[str, object]) -> None:
    assert parts(text) == expected
    again = parse_address(text).conninfo
    assert parse_address(again).conninfo == again


@pytest.mark.parametrize(
    ("parameters", "kept", "notes"),
    [
        ("schema=a", {}, [f"ignored schema{SCHEMA}"]),
        ("currentSchema=a", {}, [f"ignored currentSchema{SCHEMA}"]),
        ("pgbouncer=true", {}, ["ignored pgbouncer, which libpq does not know"]),
        (
            "schema=public&pool=5&pgbouncer=true&sslmode=require",
            {"sslmode": "require"},
            ["ignored pool, pgbouncer, which libpq does not know", f"ignored schema{SCHEMA}"],
        ),
        ("prepareThreshold=0", {}, ["ignored prepareThreshold, which libpq does not know"]),
        ("connect_timeout=3", {"connect_timeout": "3"}, []),
        ("ssl=true", {"sslmode": "require"}, ["took ssl as sslmode=require"]),
        ("ssl", {"sslmode": "require"}, ["took ssl as sslmode=require"]),
        ("ssl=verify-full", {"sslmode": "verify-full"}, ["took ssl as sslmode=verify-full"]),
        ("ssl=false", {}, ["ignored ssl, which libpq does not know"]),
        (
            "ssl=true&sslmode=verify-full",
            {"sslmode": "verify-full"},
            ["ignored ssl, which libpq does not know"],
        ),
    ],
)
def test_what_others_say_to_themselves_is_ignored_with_a_note(
    parameters: str, kept: dict[str, str], notes: list[str]
) -> None:
    texts = [f"{jdbc}postgresql://host/photos?{parameters}" for jdbc in ("", "jdbc:")]
    if parameters != "ssl":
        texts.append(f"host=host dbname=photos {parameters.replace('&', ' ')}")
    for text in texts:
        address = parse_address(text, "here")
        assert conninfo_to_dict(address.conninfo) == SHORT | kept
        assert address.source == "here"
        assert address.notes == tuple(f"here: {note}" for note in notes)


# An address, and what is said of it.
REFUSED = [
    ("", "the address is empty; name a database: postgresql://user@host:5432/name"),
    (" \n", "the address is empty; name a database: postgresql://user@host:5432/name"),
    ("secret", NO_ADDRESS),
    ("me:secret@host/photos", NO_ADDRESS),
    ("me:sec=ret@host/photos", NO_ADDRESS),
    ("secret=secret", NO_ADDRESS),
    ("mysql://me:secret@host/photos", NO_ADDRESS),
    ("postgresql:/me:secret@host/photos", NO_ADDRESS),
    ("postgresql:me:secret@host/photos", NO_ADDRESS),
    ("postgresql://me:secret@[host/photos", NO_ADDRESS),
    ("postgresql://me:%ff@host/photos", NO_ADDRESS),
    ("postgresql://me:\udcff@host/photos", NO_ADDRESS),
    ("postgresql://me:secret\0@host/photos", NO_ADDRESS),
    ("host=host password='secret", NO_ADDRESS),
    ("host=host password='sec'ret'", NO_ADDRESS),
    ("host=host password=sec ret", NO_ADDRESS),
    ("postgresql://u:Top@Secret#x@localhost:1/d", UNENCODED),
    ("postgresql://me:sec/ret@host/photos", UNENCODED),
    ("postgresql://me:12/34@host/photos", UNENCODED),
    ("postgresql://me:sec?ret@host/photos", UNENCODED),
    ("postgresql://me:12?sslmode=secret@host/photos", UNENCODED),
    ("postgresql://me:12?password=secret@host/photos", UNENCODED),
    ("postgresql://host:12?user=me&password=sec@ret", UNENCODED),
    ("postgresql://me:secret%zz@host/photos", UNENCODED),
    ("postgresql://host/photos?password=secret%zz", UNENCODED),
    ("postgresql://me:/secret", UNENCODED),
    ("postgresql://me:secret/photos", f"there is no such port; {UNENCODED}"),
    ("postgresql://host:65536/photos", f"there is no such port; {UNENCODED}"),
    ("postgresql://me@sec%23ret/photos", f"there is no such host; {UNENCODED}"),
    ("host=host;password=secret", f"there is no such host; {UNENCODED}"),
    (
        "postgresql://me:secret@host/photos?no_such_option=secret",
        "libpq knows no parameter no_such_option; take it out of the address",
    ),
    ("hots=host dbname=photos", "libpq knows no parameter hots; take it out of the address"),
    (
        "postgresql://host/photos?password=sec&ret=1",
        "there is a parameter that libpq does not know; take it out, or write & as %26",
    ),
    (
        "postgresql://me:12?secret=1",
        "there is a parameter that libpq does not know; take it out, or write & as %26",
    ),
    ("host=host password=sec ret=1", NAMELESS),
    (
        "host=host password=sec host=ret",
        "there is a parameter twice; take one out, or put the password in quotes",
    ),
    (
        "postgresql://host/photos?password=sec&ret",
        "there is a parameter that libpq does not know; take it out, or write & as %26",
    ),
    (
        "postgresql://host/photos?sslmode=require?password=secret",
        "sslmode seems to hold a password; put & or a blank between parameters",
    ),
    ("host=host;password=sec ret=1", NAMELESS),
    ("postgresql://me@host/a\nb", "dbname holds a character that can't be shown"),
    (
        "host=host user=me;pwd=secret",
        "user seems to hold a password; put & or a blank between parameters",
    ),
    ("postgresql://host/photos?ssl=secret", "ssl is neither true nor false; use sslmode instead"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_not_certain_is_refused_without_repeating_it(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_address(text, "DATABASE_URL")
    assert str(refused.value) == f"DATABASE_URL: {message}"
    # Nothing that a traceback or a log would show.
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    for refuse in (describe_url, libpq_environment):
        with pytest.raises(SettingsError) as again:
            refuse(text)
        assert str(again.value) == f"database.url: {message}"


def test_an_address_does_not_show_its_password() -> None:
    address = parse_address("postgresql://me:secret@host/photos?pool=5", "here")
    assert "secret" not in repr(address)
    assert "secret" not in str(address)


# Passwords

# Letters that no message holds beside each other, and all that means something in an address.
LETTERS = "QXZJ"
SPECIAL = "@/#?%:&=+;,'\"\\ []!$\n{}"
PASSWORDS = st.text(st.sampled_from(LETTERS * 4 + "01" + SPECIAL), min_size=4, max_size=16)
UNENCODED_FORMS = [
    "postgresql://me:{}@host.example:5433/photos",
    "postgresql://me:{}@host.example",
    "postgresql+psycopg2://me:{}@/photos?host=/run/pg",
    "postgres://:{}@host.example/photos?sslmode=require&pool=5",
    "me:{}@host.example/photos",
    "postgresql://host.example/photos?user=me&password={}",
    "postgresql://host.example:5433/photos?password={}&user=me&schema=x",
    "jdbc:postgresql://host.example:5433/photos?user=me&password={}",
    "jdbc:postgresql://host.example/photos?password={}&user=me&ssl=true",
    "jdbc:postgresql://me:{}@host.example/photos",
    "host=host.example user=me password={} dbname=photos",
    "password={} host=host.example",
    "host=host.example password='{}' dbname=photos",
    "host=host.example;password={};dbname=photos",
]


def pieces(password: str) -> set[str]:
    """All of it that is four characters long and could be nothing else."""
    found = {password[at : at + 4] for at in range(len(password) - 3)}
    return {piece for piece in found if set(piece) & set(LETTERS)}


@pytest.mark.parametrize("form", UNENCODED_FORMS)
@given(password=PASSWORDS)
def test_no_part_of_an_unencoded_password_shows(form: str, password: str) -> None:
    text = form.format(password)
    try:
        address = parse_address(text, "DATABASE_URL")
        shown = [repr(address), *address.notes, describe_url(text)]
    except SettingsError as error:
        shown = [str(error)]
    assert not [piece for piece in pieces(password) if any(piece in line for line in shown)]
    assert all(line.isprintable() for line in shown)


ENCODED_FORMS = [
    "postgresql://me:{}@host.example:5433/photos",
    "postgis://me:{}@host.example/photos?schema=x",
    "postgresql+asyncpg://host.example/photos?user=me&password={}",
    "jdbc:postgresql://host.example/photos?password={}&user=me",
]


@given(form=st.sampled_from(ENCODED_FORMS), password=PASSWORDS)
def test_an_encoded_password_is_the_password(form: str, password: str) -> None:
    text = form.format(quote(password, safe=""))
    assert parts(text)["password"] == password
    assert libpq_environment(text)["PGPASSWORD"] == password
    assert not [piece for piece in pieces(password) if piece in describe_url(text)]


@given(password=PASSWORDS)
def test_a_quoted_password_is_the_password(password: str) -> None:
    text = make_conninfo(host="host.example", password=password, dbname="photos")
    assert parts(text)["password"] == password


# Words that are shown

ADDRESS = "postgresql://me:secret@host/photos"


@pytest.mark.parametrize(
    ("message", "words", "shown"),
    [
        (f"No such command '{ADDRESS}'.", [ADDRESS], "No such command '...'."),
        (f"extra argument ({ADDRESS})", ["generate", ADDRESS], "extra argument (...)"),
        (
            "extra arguments (a password=secret)",
            ["a", "password=secret"],
            "extra arguments (a ...)",
        ),
        ("postgresql:/me:secret@host/photos: no such file", [ADDRESS], "...: no such file"),
        (f"'--k': '{ADDRESS}' is not", [f"--k={ADDRESS}"], "'--k': '...' is not"),
        ("--k: 'a://b\\n' is not", ["a://b\n"], "--k: '...' is not"),
        ("me@home.csv: no such file", ["me@home.csv"], "me@home.csv: no such file"),
        ("nothing", [], "nothing"),
    ],
)
def test_an_address_in_a_wrong_place_is_not_repeated(
    message: str, words: list[str], shown: str
) -> None:
    assert conceal(message, words) == shown


def test_where_usage_is_wrong_a_word_with_an_at_may_be_half_of_a_password() -> None:
    assert conceal("extra argument (ret@host/x)", ["ret@host/x"], any_at=True) == (
        "extra argument (...)"
    )
