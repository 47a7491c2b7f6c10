"""Whether there is anything at all."""

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, hide


def test_an_empty_library_holds_no_photo(session: Session) -> None:
    assert session.fetch_value("survey/has_photos") is False


def test_a_photo_exists_even_if_none_is_usable(session: Session) -> None:
    add_with_ids(session, {1: None})
    hide(session, 1)
    assert session.fetch_value("survey/has_photos") is True
