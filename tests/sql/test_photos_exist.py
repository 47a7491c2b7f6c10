"""Whether there is anything at all."""

from collections.abc import Callable

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import hide


def test_an_empty_library_holds_no_photo(session: Session) -> None:
    assert session.fetch_value("survey/has_photos") is False


def test_a_photo_exists_even_if_none_is_usable(
    session: Session, add_photos: Callable[..., list[int]]
) -> None:
    hide(session, *add_photos([None]))
    assert session.fetch_value("survey/has_photos") is True
