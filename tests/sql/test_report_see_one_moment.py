"""A report tells of one moment, whatever is committed while it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sql.helpers import make_clusters

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session


def test_what_others_commit_meanwhile_is_not_seen(two_sessions: tuple[Session, Session]) -> None:
    reader, writer = two_sessions
    make_clusters(writer, [[1, 0]])
    with reader.transaction():
        reader.execute("report/see_one_moment")
        assert (
            len(reader.fetch_all("report/list_clusters", run_id=None, every_scope=True, scope=None))
            == 1
        )
        make_clusters(writer, [[0, 1]])
        assert (
            len(reader.fetch_all("report/list_clusters", run_id=None, every_scope=True, scope=None))
            == 1
        )
    assert (
        len(reader.fetch_all("report/list_clusters", run_id=None, every_scope=True, scope=None))
        == 2
    )
