"""Roles that may do this and not that."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.guest.helpers import execute

PASSWORD = uuid.uuid4().hex
# What an owner of tables needs.
GRANTS = ("CREATE ON DATABASE {database}", "ALL ON SCHEMA public")


@contextmanager
def role(url: str, *, searches: str = "public", grants: tuple[str, ...] = GRANTS) -> Iterator[str]:
    """The address of a new role, with a search_path of its own and these rights."""
    name = f"fluffy_guest_{uuid.uuid4().hex}"
    database = str(conninfo_to_dict(url)["dbname"])
    try:
        execute(
            url,
            f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'",
            f"ALTER ROLE {name} SET search_path TO {searches}",
            *(f"GRANT {grant.format(database=database)} TO {name}" for grant in grants),
        )
    except psycopg.errors.InsufficientPrivilege:
        pytest.skip("the role of the tests may not make others")
    try:
        yield make_conninfo(url, user=name, password=PASSWORD)
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            for statement in ("DROP OWNED BY {} CASCADE", "DROP ROLE {}"):
                admin.execute(sql.SQL(statement).format(sql.Identifier(name)))


def user(url: str) -> str:
    return str(conninfo_to_dict(url)["user"])
