"""Paths of photos: nothing outside the root is opened, and each refusal says why."""

import os
from pathlib import Path

import pytest

from fluffy_sql.embedding.files import Reason, UnreadableError, locate


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A library beside something private."""
    (tmp_path / "library" / "cats").mkdir(parents=True)
    (tmp_path / "library" / "cats" / "a.jpg").write_text("a cat")
    (tmp_path / "private.jpg").write_text("nobody's business")
    (tmp_path / "library2").mkdir()
    (tmp_path / "library2" / "b.jpg").write_text("of a folder whose name begins the same")
    return (tmp_path / "library").resolve()


def refused(root: Path, path: str | None) -> Reason:
    with pytest.raises(UnreadableError) as error:
        locate(root, path)
    return error.value.reason


@pytest.mark.parametrize(
    "path", ["cats/a.jpg", "./cats/a.jpg", "cats/../cats/a.jpg", "cats//a.jpg"]
)
def test_a_relative_path_begins_at_the_root(root: Path, path: str) -> None:
    assert locate(root, path) == root / "cats" / "a.jpg"


def test_an_absolute_path_inside_the_root_is_used(root: Path) -> None:
    assert locate(root, str(root / "cats" / "a.jpg")) == root / "cats" / "a.jpg"


@pytest.mark.parametrize(
    "path",
    [
        "../private.jpg",
        "cats/../../private.jpg",
        "../library2/b.jpg",
        "../not there.jpg",
        "/etc/passwd",
        "..",
        "/",
    ],
)
def test_what_lies_outside_is_refused(root: Path, path: str) -> None:
    assert refused(root, path) is Reason.OUTSIDE_ROOT


def test_an_absolute_path_outside_is_refused(root: Path) -> None:
    assert refused(root, str(root.parent / "private.jpg")) is Reason.OUTSIDE_ROOT


def test_links_are_followed_before_it_is_decided(root: Path) -> None:
    (root / "link.jpg").symlink_to(root.parent / "private.jpg")
    (root / "out").symlink_to(root.parent)
    (root / "in.jpg").symlink_to(root / "cats" / "a.jpg")
    assert refused(root, "link.jpg") is Reason.OUTSIDE_ROOT
    assert refused(root, "out/private.jpg") is Reason.OUTSIDE_ROOT
    assert locate(root, "in.jpg") == root / "cats" / "a.jpg"


def test_links_in_a_circle_are_missing(root: Path) -> None:
    (root / "one").symlink_to(root / "two")
    (root / "two").symlink_to(root / "one")
    assert refused(root, "one/a.jpg") is Reason.MISSING


@pytest.mark.parametrize(
    "path",
    [
        "http://example.org/a.jpg",
        "HTTPS://example.org/a.jpg",
        "s3://bucket/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
    ],
)
def test_an_address_is_not_looked_up(root: Path, path: str) -> None:
    assert refused(root, path) is Reason.ADDRESS


@pytest.mark.parametrize("path", [None, ""])
def test_no_path(root: Path, path: str | None) -> None:
    assert refused(root, path) is Reason.NO_PATH


def test_what_is_no_file_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    assert refused(root, "pipe.jpg") is Reason.NOT_A_FILE
    assert refused(root, "cats") is Reason.NOT_A_FILE


@pytest.mark.parametrize("path", ["a" * 5_000, "a\0b.jpg", "half a \ud800 letter"])
def test_a_path_that_no_file_can_have_is_missing(root: Path, path: str) -> None:
    with pytest.raises(UnreadableError) as error:
        locate(root, path).stat()
    assert error.value.reason is Reason.MISSING


def test_a_file_that_is_not_there_is_for_the_reader_to_find(root: Path) -> None:
    assert locate(root, "cats/none.jpg") == root / "cats" / "none.jpg"


def test_every_reason_has_words() -> None:
    assert all(reason.words for reason in Reason)
    assert len({reason.words for reason in Reason}) == len(Reason)
