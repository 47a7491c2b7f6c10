"""Views, functions and triggers: taken away and made again, with what somebody wrote into them."""

import re
from collections.abc import Sequence

import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres import definitions, schema
from fluffy_sql.postgres.definitions import NAMES, OF_ATTACHED
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.statements import definition, statement
from fluffy_sql.resources import sql_folder
from tests.sql.helpers import add_with_ids, as_role, hide, query, value

ALL = (*OF_ATTACHED, *NAMES)
# A function of scope_clusters_by's making.
MADE_BY_OTHERS = {"make_clusters"}
# An application's trigger may call it.
STAYS = {"place_new_photo"}

OWN_VIEW = (
    "CREATE OR REPLACE VIEW usable_photos AS SELECT id, path, embedding, cluster_id,"
    " 7::bigint AS scope FROM photos WHERE id > 1"
)


def made(session: Session) -> set[str]:
    """Views and functions of ours."""
    found = query(
        session,
        "SELECT relname::text FROM pg_class WHERE relkind = 'v'"
        " AND relnamespace = 'fluffy_sql'::regnamespace UNION ALL"
        " SELECT proname::text FROM pg_proc WHERE pronamespace = 'fluffy_sql'::regnamespace",
    )
    return {name for (name,) in found}


def our_triggers(session: Session) -> int:
    found: int = value(
        session, "SELECT count(*) FROM pg_trigger WHERE starts_with(tgname, 'fluffy_sql_')"
    )
    return found


def described(session: Session, names: Sequence[str] = NAMES) -> tuple[str | None, list[str]]:
    [row] = session.fetch_all("schema/describe_definitions", names=list(names))
    return row["digest"], row["missing"]


# Which there are


def test_every_file_is_named_and_every_name_is_a_file() -> None:
    files = {file.name for file in (sql_folder() / "definitions").iterdir()}
    assert {f"{name}.sql" for name in ALL} == files
    assert len(set(ALL)) == len(ALL)
    overlay = {file.name for file in (sql_folder() / "citus" / "definitions").iterdir()}
    assert overlay <= files


@pytest.mark.parametrize("name", ALL)
def test_a_file_defines_what_it_is_named_after_and_says_what_that_is(name: str) -> None:
    text = definition(name)
    assert text.startswith("-- ")
    if name == "scoped_clusters":  # of one column or another
        text = definition("scope_clusters_by")
    assert re.search(rf"\b(VIEW|FUNCTION) {name}\b", text)
    assert re.search(rf"COMMENT ON (VIEW|FUNCTION) {name}\b", text)


def test_all_are_there_once_it_is_migrated(session: Session) -> None:
    assert made(session) == {*NAMES} | MADE_BY_OTHERS


def test_what_takes_them_away_names_each_in_the_opposite_order() -> None:
    text = statement("schema/drop_definitions").text
    [listed] = re.findall(r"ARRAY\[(.*?)\]", text, re.DOTALL)
    dropped = re.findall(r"'(\w+)'", listed)
    assert {*dropped} == {*ALL} - STAYS | MADE_BY_OTHERS
    assert len(dropped) == len({*dropped})
    order = [name for name in ALL if name in dropped]
    assert [name for name in dropped if name not in MADE_BY_OTHERS] == order[::-1]


# Taken away


def test_all_are_taken_away_but_what_an_application_s_trigger_calls(session: Session) -> None:
    session.execute("schema/drop_definitions")
    assert made(session) == STAYS
    assert our_triggers(session) == 0
    # again, or once some of them are gone
    session.execute("schema/drop_definitions")


def test_so_are_triggers_of_tables_that_were_renamed(session: Session) -> None:
    session.connection.execute("CREATE SCHEMA app")
    session.connection.execute("ALTER TABLE photos RENAME TO pictures")
    session.connection.execute("ALTER TABLE clusters SET SCHEMA app")
    session.execute("schema/drop_definitions")
    assert our_triggers(session) == 0


def test_objects_of_the_same_names_elsewhere_stay(session: Session) -> None:
    session.connection.execute("CREATE VIEW public.cluster_overview AS SELECT 1 AS id")
    session.connection.execute(
        "CREATE FUNCTION public.assign_photo(bigint) RETURNS bigint LANGUAGE sql RETURN 1"
    )
    session.execute("schema/drop_definitions")
    assert value(session, "SELECT public.assign_photo(1) + id FROM public.cluster_overview") == 2


def test_an_older_form_with_other_arguments_goes_too(session: Session) -> None:
    session.connection.execute(
        "CREATE FUNCTION assign_photo(integer) RETURNS bigint LANGUAGE sql RETURN 1"
    )
    session.execute("schema/drop_definitions")
    assert made(session) == STAYS


def test_none_is_taken_away_if_something_of_somebody_else_s_uses_one(session: Session) -> None:
    session.connection.execute("CREATE VIEW own AS SELECT id FROM cluster_overview")
    with (
        pytest.raises(DatabaseError, match="view own depends on view cluster_overview"),
        session.transaction(),
    ):
        session.execute("schema/drop_definitions")
    assert made(session) >= {*NAMES}


# Made again


def test_they_are_made_again_as_they_were(session: Session) -> None:
    before = {kind: query(session, asked) for kind, asked in OBJECTS.items()}
    with session.transaction():
        session.fetch_all("schema/note_objects")
        definitions.drop(session)
        definitions.create(session)
        session.execute("triggers/create_counts")
        session.execute("schema/revoke_defaults")
    assert {kind: query(session, asked) for kind, asked in OBJECTS.items()} == before


OBJECTS = {
    "views": "SELECT relname::text, pg_get_viewdef(oid), relacl::text, reloptions,"
    " obj_description(oid, 'pg_class') FROM pg_class WHERE relkind = 'v'"
    " AND relnamespace = 'fluffy_sql'::regnamespace ORDER BY relname",
    "functions": "SELECT oid::regprocedure::text, pg_get_functiondef(oid), proacl::text,"
    " obj_description(oid, 'pg_proc') FROM pg_proc"
    " WHERE pronamespace = 'fluffy_sql'::regnamespace ORDER BY 1",
    "triggers": "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger"
    " WHERE NOT tgisinternal OR tgconstraint <> 0 AND starts_with(tgname, 'fluffy_') ORDER BY 1, 2",
}


def test_what_is_there_is_replaced(session: Session) -> None:
    ids = "SELECT 'cluster_overview'::regclass::oid, 'assign_photo'::regproc::oid"
    before = query(session, ids)
    session.connection.execute("COMMENT ON VIEW cluster_overview IS 'stale'")
    with session.transaction():
        definitions.create(session)
    assert query(session, ids) == before
    comment = value(session, "SELECT obj_description('cluster_overview'::regclass, 'pg_class')")
    assert comment.startswith("The clusters")


@pytest.mark.parametrize(
    "older",
    [
        "CREATE VIEW cluster_overview AS SELECT id, status FROM clusters",
        "CREATE FUNCTION centroid_distance(a vector, b vector, c text) RETURNS double precision"
        " LANGUAGE sql RETURN 1",
    ],
)
def test_what_can_not_be_replaced_is_taken_away_first(session: Session, older: str) -> None:
    session.execute("schema/drop_definitions")
    session.connection.execute(older.encode())
    with session.transaction():
        definitions.create(session)
    assert made(session) == {*NAMES} | MADE_BY_OTHERS


# What is remembered


def test_what_they_were_made_from_is(session: Session) -> None:
    assert described(session) == (definitions.digest(distributed=False), [])
    session.execute("schema/mark_definitions", digest=None)
    assert described(session) == (None, [])
    session.execute("schema/mark_definitions", digest="abc")
    assert described(session) == ("abc", [])


def test_those_that_are_gone_are_told(session: Session) -> None:
    session.connection.execute("DROP VIEW cluster_members CASCADE")
    session.connection.execute("DROP FUNCTION assign_photo")
    # another one of that name does not count
    session.connection.execute("CREATE VIEW public.cluster_members AS SELECT 1 AS id")
    _, missing = described(session)
    assert missing == [
        "assign_photo",
        "cluster_central_photos",
        "cluster_members",
        "cluster_outermost_photos",
        "cluster_overview",
    ]


def test_which_photos_are_the_library_s_own_is_told(session: Session) -> None:
    def photos() -> tuple[str | None, str | None]:
        session.execute("session/find_library")
        [row] = session.fetch_all("schema/describe_definitions", names=[])
        return row["photos"], row["other_photos"]

    assert photos() == ("public.photos", None)
    session.connection.execute('CREATE SCHEMA "App"')
    session.connection.execute('CREATE TABLE "App".photos (id bigint)')
    session.connection.execute('SET LOCAL search_path = "App", public')
    assert photos() == ("public.photos", '"App".photos')


def usable(session: Session) -> list[tuple[int, int | None]]:
    return query(session, "SELECT id, scope FROM usable_photos ORDER BY id")


@pytest.mark.parametrize("how", ["DROP VIEW usable_photos CASCADE", "drop"])
def test_what_somebody_made_of_the_view_is_made_again(session: Session, how: str) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    session.connection.execute(OWN_VIEW)
    if how == "drop":
        definitions.drop(session)
    else:
        session.execute("schema/remember_usable_photos")
        session.connection.execute(how.encode())
    definitions.create(session)
    assert usable(session) == [(2, 7)]


def test_as_it_was_last_seen(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    session.connection.execute(OWN_VIEW)
    session.connection.execute("ALTER VIEW usable_photos SET (security_barrier = true)")
    session.execute("schema/remember_usable_photos")
    hide(session, 2)
    session.connection.execute("DROP VIEW usable_photos CASCADE")
    session.execute("schema/remember_usable_photos")
    definitions.create(session)
    assert usable(session) == [(2, 7)]
    options = "SELECT reloptions FROM pg_class WHERE oid = 'usable_photos'::regclass"
    assert "security_barrier=true" in value(session, options)


def test_a_view_that_is_as_migrate_makes_it_is_not_kept(session: Session) -> None:
    kept = "SELECT usable_photos FROM definitions"
    assert value(session, "SELECT usable_photos_is_as_made()") is True
    session.connection.execute(OWN_VIEW)
    session.execute("schema/remember_usable_photos")
    assert "7" in value(session, kept)
    assert value(session, "SELECT usable_photos_is_as_made()") is False
    session.connection.execute("DROP VIEW usable_photos CASCADE")
    session.connection.execute("UPDATE definitions SET usable_photos = NULL")
    definitions.create(session)
    session.execute("schema/remember_usable_photos")
    assert value(session, kept) is None
    assert value(session, "SELECT usable_photos_is_as_made()") is True


def test_before_there_was_one_there_is_nothing_to_remember(bare: Session) -> None:
    bare.execute("schema/remember_usable_photos")


def test_whoever_runs_may_have_it_remembered_and_can_not_say_what(session: Session) -> None:
    session.connection.execute(OWN_VIEW)
    rights = "EXECUTE ON FUNCTION remember_usable_photos"
    with as_role(session, "USAGE ON SCHEMA fluffy_sql", rights):
        session.connection.execute("SELECT remember_usable_photos()")
        session.connection.execute("RESET ROLE")
        assert "7" in value(session, "SELECT usable_photos FROM definitions")


# What they need


def test_the_schema_and_the_extension_are_made_where_they_are_missing(
    bare_database_url: str,
) -> None:
    with Session.open(bare_database_url, schema="our_own") as session:
        for _ in range(2):
            session.execute("schema/create_extension")
            session.execute("schema/create_schema")
        assert query(session, "SELECT extnamespace::regnamespace::text FROM pg_extension"
                              " WHERE extname = 'vector'") == [("public",)]  # fmt: skip
        said = value(session, "SELECT obj_description('our_own'::regnamespace, 'pg_namespace')")
        assert said.startswith("What fluffy_sql keeps")


def test_an_extension_is_left_where_it_is(bare: Session) -> None:
    bare.connection.execute("CREATE SCHEMA extensions")
    bare.connection.execute("CREATE EXTENSION vector SCHEMA extensions")
    bare.execute("schema/create_extension")
    schema.migrate(bare.connection.info.dsn)
    columns = "SELECT atttypid = 'extensions.vector'::regtype FROM pg_attribute"
    own = " WHERE attrelid = 'public.photos'::regclass AND attname = 'embedding'"
    assert value(bare, columns + own) is True
