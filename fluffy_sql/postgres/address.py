"""Addresses of databases: the dialects that frameworks write, and what may be shown of them.

An address may hold a password, and a wrong one may hold it anywhere. So libpq's own messages about
an address are never passed on, since they quote it, and an address that is not certain to be split
where its author meant it is refused, since part of the password would be shown as its host.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from fluffy_sql.errors import SettingsError
from fluffy_sql.postgres.concealing import PASSWORD_WITHIN

_EXAMPLE = "postgresql://user@host:5432/name"
_UNENCODED = (
    "its password seems to hold a character that must be percent-encoded:"
    " @ is %40, / %2F, ? %3F, # %23, : %3A, % %25"
)

# Django and Rails say postgis, SQLAlchemy adds a driver.
_URL = re.compile(
    r"(?P<jdbc>jdbc:)?(?:postgres|postgresql|postgis|pgsql)(?:\+\w+)?:(?P<slashes>//)?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
# As libpq reads them: blanks around =, a backslash before any character, quotes around a value.
_SETTING = re.compile(
    r"\s*(?P<name>[^=\s]+)\s*=\s*(?P<value>'(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*|)(?!\S)",
    re.DOTALL,
)

_DEFAULTS = Conninfo.get_defaults()
_KNOWN = frozenset(option.keyword.decode() for option in _DEFAULTS)
# libpq marks what a program must not show as it is typed.
_SECRET = frozenset(option.keyword.decode() for option in _DEFAULTS if option.dispchar == b"*")

# Where the application's tables are: libpq says it by `options`.
_SCHEMA = frozenset({"schema", "currentschema", "search_path", "schema_search_path"})
# What ORMs, drivers and poolers say to themselves, in lower case: Prisma and Supabase; Rails;
# SQLAlchemy, asyncpg and pg8000; Django; JDBC; pgx. None of it chooses a server or how safe the way
# there is.
_LISTED = """
    pgbouncer connection_limit pool_timeout socket_timeout statement_cache_size workaround
    adapter pool encoding timeout checkout_timeout idle_timeout reaping_frequency
    prepared_statements statement_limit min_messages advisory_locks
    pool_size max_overflow pool_recycle pool_pre_ping prepared_statement_cache_size async_fallback
    command_timeout max_cached_statement_lifetime max_cacheable_statement_size tcp_keepalive
    conn_max_age conn_health_checks disable_server_side_cursors atomic_requests
    applicationname preparethreshold preparedstatementcachequeries preparedstatementcachesizemib
    defaultrowfetchsize rewritebatchedinserts stringtype binarytransfer preferquerymode autosave
    connecttimeout logintimeout sockettimeout cancelsignaltimeout tcpkeepalive charset
    logunclosedconnections assumeminserverversion
    pool_max_conns pool_min_conns pool_max_conn_lifetime pool_max_conn_idle_time
    pool_health_check_period default_query_exec_mode statement_cache_capacity
"""
_OF_OTHERS = _SCHEMA | frozenset(_LISTED.split())

_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
_YES, _NO = frozenset({"true", "1", "on", "yes", ""}), frozenset({"false", "0", "off", "no"})

_HOST = re.compile(r"[/@].*|[\w.:%-]*", re.DOTALL)  # a socket's folder, or a name or number
_MOST_PORTS = 65_535
_NAME = re.compile(r"[A-Za-z_]\w{0,40}", re.ASCII)


@dataclass(frozen=True)
class Address:
    """Where a database is.

    Attributes:
        conninfo: the address as libpq reads it, with the password if it has one.
        source: where it was set, for messages.
        notes: what it says that is ignored or read otherwise, a line each.
    """

    conninfo: str = field(repr=False)
    source: str
    notes: tuple[str, ...] = ()


class _Wrong(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with an address, and what to do; nothing of the address but a name of ours."""


class _Parameter(NamedTuple):
    """A parameter of an address.

    `encoded` is the value as its dialect writes it.
    """

    name: str
    encoded: str


def parse_address(text: str, source: str = "database.url") -> Address:
    """Reads an address in any of the dialects that frameworks use.

    Args:
        text: a URL (`postgresql://`, `postgres://`, `postgis://`, with a driver as in
            `postgresql+psycopg://`, or `jdbc:postgresql:`), or settings as in `host=... user=...`.
        source: where it was set.

    Raises:
        SettingsError: it is no such address, or not certain to be read as it is meant. The message
            holds no part of it but the name of a parameter.
    """
    try:
        conninfo, notes = _read(text.strip())
    except _Wrong as error:
        wrong = str(error)
    except (psycopg.Error, UnicodeError, ValueError):
        wrong = f"this is not an address that Postgres understands; allowed: {_EXAMPLE}"
    else:
        return Address(conninfo, source, tuple(f"{source}: {note}" for note in notes))
    # Outside of except: the errors of libpq and Python quote the address.
    raise SettingsError(f"{source}: {wrong}")


def describe_url(url: str) -> str:
    """The address without its password, for messages.

    Raises:
        SettingsError: as from `parse_address`.
    """
    parts = conninfo_to_dict(parse_address(url).conninfo)
    user = f"{parts['user']}@" if parts.get("user") else ""
    host = parts.get("host") or parts.get("hostaddr") or "local socket"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{user}{host}{port}/{parts.get('dbname') or ''}"


def libpq_environment(url: str) -> dict[str, str]:
    """The address as environment variables of psql and every other libpq program.

    Raises:
        SettingsError: as from `parse_address`.
    """
    options = Conninfo.parse(parse_address(url).conninfo.encode())
    return {
        option.envvar.decode(): option.val.decode()
        for option in options
        if option.envvar and option.val is not None
    }


def _read(text: str) -> tuple[str, list[str]]:
    """The address as libpq reads it, and notes."""
    if not text:
        raise _Wrong(f"the address is empty; name a database: {_EXAMPLE}")
    if "\0" in text:
        raise ValueError("libpq would read no further")
    url = _URL.fullmatch(text)
    if url is None:
        conninfo, notes = _read_settings(text)
    elif url["jdbc"]:
        conninfo, notes = _read_jdbc(url["rest"], has_host=bool(url["slashes"]))
    elif url["slashes"]:
        conninfo, notes = _read_url(url["rest"])
    else:
        raise ValueError("a URL has slashes")
    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    _require_plain(parts)
    return make_conninfo(**parts) or "postgresql://", notes


def _read_settings(text: str) -> tuple[str, list[str]]:
    """An address as in `host=localhost dbname=photos`."""
    given, end = [], 0
    while found := _SETTING.match(text, end):
        given.append(_Parameter(found["name"], found["value"]))
        end = found.end()
    if text[end:].strip() or not any(parameter.name in _KNOWN for parameter in given):
        raise ValueError("not all of it is name=value")
    kept, notes = _sort_out(given, if_split="put the password in quotes")
    return " ".join(f"{name}={encoded}" for name, encoded in kept), notes


def _read_jdbc(rest: str, *, has_host: bool) -> tuple[str, list[str]]:
    """An address as Java writes it: a password is among the parameters, where + is a blank."""
    base, mark, query = rest.partition("?")
    if not has_host:
        base = f"localhost/{base.lstrip('/')}"
    elif base.startswith("/") or not base:
        base = f"localhost{base}"
    return _read_url(f"{base}{mark}{query.replace('+', '%20')}", jdbc=True)


def _read_url(rest: str, *, jdbc: bool = False) -> tuple[str, list[str]]:
    """What follows the slashes of a URL."""
    base, _, query = rest.partition("?")
    _decode(base)
    given = [_split_parameter(part) for part in query.split("&") if part]
    authority = base.partition("/")[0]
    _refuse_unencoded(base, given, may_be_password=not jdbc and ":" in authority)
    may_name = "/" in base or "@" in authority
    kept, notes = _sort_out(given, if_split="write & as %26", may_name=may_name)
    parameters = "&".join(f"{name}={_encode_again(encoded)}" for name, encoded in kept)
    return f"postgresql://{base}?{parameters}", notes


def _split_parameter(part: str) -> _Parameter:
    """A part without = is no parameter, and gets no name; but for `ssl`, as Java knows it."""
    name, equals, encoded = part.partition("=")
    return _Parameter(_decode(name), encoded) if equals or part == "ssl" else _Parameter("", part)


def _refuse_unencoded(base: str, query: list[_Parameter], *, may_be_password: bool) -> None:
    """Refuses each @ that may not be what ends the user and password.

    Args:
        base: user, password, host and name.
        query: the parameters.
        may_be_password: whether what looks like host and port may be a user and the beginning of a
            password, which an unencoded / or ? ended.
    """
    ends = base.count("@")
    authority = base.partition("/")[0]
    if ends > 1 or (ends and "@" not in authority) or authority.endswith(":"):
        raise _Wrong(_UNENCODED)
    for name, encoded in query:
        harmless = name in {"user", "password"} or (name == "host" and encoded.startswith("/"))
        if "@" in encoded and (not harmless or (may_be_password and not ends)):
            raise _Wrong(_UNENCODED)


def _sort_out(
    given: list[_Parameter], *, if_split: str, may_name: bool = True
) -> tuple[list[_Parameter], list[str]]:
    """What libpq is told, and notes on the rest.

    Args:
        given: all parameters.
        if_split: what to do if a password was split in two.
        may_name: whether an unknown parameter is certain to be one.

    Raises:
        _Wrong: a parameter is known to nobody.
    """
    kept: list[_Parameter] = []
    ignored: list[str] = []
    notes: list[str] = []
    last = _Parameter("", "")
    asks_for_ssl = any(parameter.name == "sslmode" for parameter in given)
    for parameter in given:
        name = parameter.name
        # What comes after a password may be the rest of it.
        may_name = may_name and not PASSWORD_WITHIN.search("=".join(last))
        last = parameter
        if name in _KNOWN:
            kept.append(parameter)
        elif name == "ssl":
            mode = _ssl_mode(parameter.encoded)
            if mode is None or asks_for_ssl:
                ignored.append(name)
            else:
                kept.append(_Parameter("sslmode", mode))
                notes.append(f"took ssl as sslmode={mode}")
        elif name.lower() in _OF_OTHERS:
            ignored.append(name)
        elif may_name and _NAME.fullmatch(name):
            raise _Wrong(f"libpq knows no parameter {name}; take it out of the address")
        else:
            raise _Wrong(
                f"there is a parameter that libpq does not know; take it out, or {if_split}"
            )
    shown = [parameter.name for parameter in kept if parameter.name not in _SECRET]
    if len(shown) > len(set(shown)):
        raise _Wrong(f"there is a parameter twice; take one out, or {if_split}")
    return kept, notes + _describe_ignored(ignored)


def _describe_ignored(names: list[str]) -> list[str]:
    notes = []
    if others := [name for name in names if name.lower() not in _SCHEMA]:
        notes.append(f"ignored {', '.join(others)}, which libpq does not know")
    if schemas := [name for name in names if name.lower() in _SCHEMA]:
        notes.append(
            f"ignored {', '.join(schemas)}; if photos lies there, set search_path for the role or"
            " add options=-csearch_path=<its name>"
        )
    return notes


def _ssl_mode(encoded: str) -> str | None:
    """What `ssl` is in libpq's words; None: whatever the server offers."""
    value = _decode(encoded).strip("'").lower()
    if value in _SSL_MODES:
        return value
    if value in _YES:
        return "require"
    if value in _NO:
        return None
    raise _Wrong("ssl is neither true nor false; use sslmode instead")


def _require_plain(parts: Mapping[str, str]) -> None:
    """Refuses what would be shown and looks like a part of a password."""
    for part in ("host", "hostaddr"):
        if not all(_HOST.fullmatch(host) for host in parts.get(part, "").split(",")):
            raise _Wrong(f"there is no such host; {_UNENCODED}")
    for port in parts.get("port", "").split(","):
        if port and not (re.fullmatch("[0-9]{1,5}", port) and 1 <= int(port) <= _MOST_PORTS):
            raise _Wrong(f"there is no such port; {_UNENCODED}")
    for name, value in parts.items():
        if name in _SECRET:
            continue
        if not value.isprintable():
            raise _Wrong(f"{name} holds a character that can't be shown")
        if PASSWORD_WITHIN.search(value):
            raise _Wrong(f"{name} seems to hold a password; put & or a blank between parameters")


def _decode(encoded: str) -> str:
    """Text without percent-encoding.

    Raises:
        _Wrong: a percent sign is itself not encoded.
    """
    if re.search("%(?![0-9A-Fa-f]{2})", encoded):
        raise _Wrong(_UNENCODED)
    return unquote_to_bytes(encoded).decode()


def _encode_again(encoded: str) -> str:
    """Encodes also what libpq would stop at: = and @."""
    return quote(_decode(encoded), safe="/")
