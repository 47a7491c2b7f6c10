"""From a folder of photos to embeddings: what is new or changed is embedded, once."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fluffy_sql.errors import (
    BusyError,
    DatabaseError,
    LibraryError,
    ProviderError,
    UsageError,
)
from fluffy_sql.operations.embed import candidates, service, writing
from fluffy_sql.operations.embed.progress import EmbedProgress
from fluffy_sql.operations.embed.service import EmbedRequest, EmbedResult
from fluffy_sql.operations.importing.service import import_array
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import embedding_settings
from tests import colours
from tests.conftest import Run, add_photos
from tests.integration.helpers import cut_off_others, everything, execute, query
from tests.unit.test_pictures import TAKEN, exif

RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


@pytest.fixture(autouse=True)
def built_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from colours.use(monkeypatch)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three photos in folders, beside what is none of the library's."""
    root = tmp_path / "pictures"
    for name, colour in {"b.jpg": RED, "2024/a.PNG": GREEN, "2024/05/c.webp": BLUE}.items():
        save(root / name, colour)
    for name in (".hidden.jpg", ".thumbnails/a.jpg"):
        save(root / name, RED)
    for name in ("clip.mp4", "notes.txt", "jpg"):
        (root / name).touch()
    return root.resolve()


def save(file: Path, colour: tuple[int, int, int], **options: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (60, 40), colour).save(file, **options)
    return file


def embed(
    at: Session,
    folder: Path | None = None,
    own: dict[str, Any] | None = None,
    progress: EmbedProgress | None = None,
    **asked: Any,
) -> EmbedResult:
    """As the command does, on a connection of its own."""
    settings = embedding_settings(provider="colours", colours=own or {})
    with Session.open(at._url) as session:
        return service.embed(
            session, EmbedRequest(settings=settings, folder=folder, **asked), progress
        )


def embeddings(session: Session) -> dict[str, list[int] | None]:
    """Colours by path."""
    rows = query(session, "SELECT path, embedding FROM photos ORDER BY path")
    return {path: None if vector is None else [*vector.astype(int)] for path, vector in rows}


def reasons(session: Session) -> dict[str, str]:
    return dict(
        query(
            session,
            "SELECT path, reason FROM photos INNER JOIN photo_files ON id = photo_id"
            " WHERE reason IS NOT NULL ORDER BY path",
        )
    )


def about(*numbers: int) -> Any:
    return pytest.approx(numbers, abs=6)


def test_photos_of_a_folder_are_found_and_embedded(session: Session, pictures: Path) -> None:
    told = exif(orientation=6)
    told.get_ifd(0x8825).update({1: "N", 2: (47.0, 30.0, 0.0), 3: "W", 4: (8.0, 15.0, 0.0)})
    save(pictures / "c.jpg", RED, exif=told)
    result = embed(session, pictures)
    assert (result.photos_found, result.photos_embedded, result.photos_added) == (4, 4, 4)
    assert (result.root, result.model, result.dimensions) == (pictures, "colours", 3)
    assert result.unreadable == result.left_out == {}
    assert embeddings(session) == {
        "2024/05/c.webp": about(1, 1, 201),
        "2024/a.PNG": about(1, 201, 1),
        "b.jpg": about(201, 1, 1),
        "c.jpg": about(201, 1, 1),
    }
    assert query(
        session,
        "SELECT width, height, taken_at, latitude, longitude, bytes = %s, hash IS NOT NULL"
        " FROM photo_files INNER JOIN photos ON photo_id = id WHERE path = 'c.jpg'",
        (pictures / "c.jpg").stat().st_size,
    ) == [(40, 60, TAKEN, 47.5, -8.25, True, True)]


def test_nothing_is_embedded_twice(session: Session, pictures: Path) -> None:
    embed(session, pictures)
    colours.embedded.clear()
    before = everything(session)
    for folder in (pictures, pictures / "2024", None):
        result = embed(session, folder)
        assert (result.photos_embedded, result.photos_added) == (0, 0)
        assert result.photos_unchanged == result.photos_found > 0
    assert (colours.embedded, everything(session)) == ([], before)


def test_links_do_not_lead_out_of_the_root(session: Session, pictures: Path) -> None:
    outside = save(pictures.parent / "private" / "p.jpg", GREEN)
    (pictures / "private").symlink_to(outside.parent)
    (pictures / "p.jpg").symlink_to(outside)
    (pictures / "gone.jpg").symlink_to(pictures / "nothing.jpg")
    (pictures / "d.jpg").symlink_to(pictures / "b.jpg")
    os.mkfifo(pictures / "pipe.jpg")
    # a name that Postgres can't store
    shutil.copy(pictures / "b.jpg", pictures / os.fsdecode(b"\xff.jpg"))
    result = embed(session, pictures)
    assert [*embeddings(session)] == ["2024/05/c.webp", "2024/a.PNG", "b.jpg", "d.jpg"]
    assert result.left_out == {"link out of the root": 1, "name not in UTF-8": 1}


BROKEN = {
    "bomb.png": "too large",
    "cut.jpg": "damaged",
    "empty.jpg": "empty",
    "text.jpg": "not an image",
}


def test_what_can_not_be_read_is_told_and_tried_again_once_it_changed(
    session: Session, pictures: Path
) -> None:
    from tests.unit.test_report_pictures import png_that_claims

    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(pictures / "cut.jpg")
    (pictures / "cut.jpg").write_bytes((pictures / "cut.jpg").read_bytes()[:3_000])
    (pictures / "empty.jpg").touch()
    (pictures / "text.jpg").write_text("words")
    (pictures / "bomb.png").write_bytes(png_that_claims(50_000, 50_000))
    for added in (7, 0):
        result = embed(session, pictures)
        assert result.photos_added == added
        assert result.unreadable == dict.fromkeys(BROKEN.values(), 1)
        assert {one.path: one.reason for one in result.unreadable_listed} == BROKEN
        assert reasons(session) == BROKEN
        assert {path for path, found in embeddings(session).items() if found is None} == {*BROKEN}
    save(pictures / "cut.jpg", GREEN)
    result = embed(session, pictures)
    assert (result.photos_embedded, result.photos_added, result.photos_changed) == (1, 0, 0)
    assert embeddings(session)["cut.jpg"] == about(1, 201, 1)
    assert "cut.jpg" not in reasons(session)
    # one that is broken now has no embedding that stands for what it was
    (pictures / "b.jpg").write_text("words")
    assert embed(session, pictures).unreadable["not an image"] == 2
    assert embeddings(session)["b.jpg"] is None


def test_a_photo_that_changed_is_embedded_anew(session: Session, pictures: Path) -> None:
    embed(session, pictures)
    colours.embedded.clear()
    os.utime(pictures / "2024/a.PNG", (1, 1.5))
    save(pictures / "b.jpg", BLUE)
    os.utime(pictures / "b.jpg", (2, 2))
    result = embed(session)
    assert (result.photos_embedded, result.photos_changed, result.photos_unchanged) == (1, 1, 2)
    assert colours.embedded == ["b.jpg"]
    assert embeddings(session)["b.jpg"] == about(1, 1, 201)
    assert query(session, "SELECT modified FROM photo_files ORDER BY 1 LIMIT 2") == [(1.5,), (2,)]
    # somebody took an embedding away
    execute(session, "UPDATE photos SET embedding = NULL WHERE path = 'b.jpg'")
    assert embed(session, pictures).photos_embedded == 1


def test_a_photo_that_is_gone_is_told_and_deleted_if_asked(
    session: Session, pictures: Path
) -> None:
    embed(session, pictures)
    (pictures / "2024/a.PNG").unlink()
    for folder in (pictures, pictures / "2024", None):
        result = embed(session, folder)
        assert (result.photos_missing, result.missing_listed) == (1, ("2024/a.PNG",))
    assert embed(session, pictures / "2024/05", forget_missing=True).photos_missing == 0
    assert embed(session, forget_missing=True, dry_run=True).photos_forgotten == 0
    assert len(embeddings(session)) == 3
    assert embed(session, pictures, forget_missing=True).photos_forgotten == 1
    assert [*embeddings(session)] == ["2024/05/c.webp", "b.jpg"]
    assert query(session, "SELECT count(*) FROM photo_files") == [(2,)]
    shutil.rmtree(pictures / "2024")
    (pictures / "b.jpg").unlink()
    with pytest.raises(LibraryError, match="is the disk there, and --root right"):
        embed(session, forget_missing=True)
    # by an application
    execute(session, "DELETE FROM photos WHERE path = 'b.jpg'")
    embed(session)
    assert query(session, "SELECT count(*) FROM photo_files") == [(1,)]


def test_a_photo_that_may_not_be_looked_at_is_not_gone(
    session: Session, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(session, pictures)
    look = Path.stat

    def refuse(file: Path, **options: Any) -> os.stat_result:
        if file.suffix:  # as in a folder that may be listed and not searched
            raise PermissionError
        return look(file, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(Path, "exists", lambda _: False)  # as it says since Python 3.14
    result = embed(session, forget_missing=True)
    assert (result.left_out, result.photos_missing) == ({"not readable": 3}, 0)
    with pytest.raises(LibraryError, match="can be embedded; left out: 3 not readable"):
        embed(session, pictures)
    assert len(embeddings(session)) == 3


def test_photos_of_an_application_are_embedded_where_they_lie(
    session: Session, pictures: Path
) -> None:
    paths = ["b.jpg", str(pictures / "2024/a.PNG"), "none.jpg", "https://a/b.jpg", "/etc/passwd"]
    add_photos(session, [None] * 5, paths)
    execute(session, "ALTER TABLE photos DROP CONSTRAINT photos_path_key")
    add_photos(session, [None], ["b.jpg"])  # two rows of one file
    result = embed(session, root=pictures)
    assert (result.photos_found, result.photos_embedded, result.photos_added) == (6, 3, 0)
    assert result.unreadable == {"missing": 1, "a web address": 1, "outside the root": 1}
    assert query(session, "SELECT count(*) FROM photos WHERE embedding IS NOT NULL") == [(3,)]
    assert embed(session).photos_embedded == 0  # the root is on record


def test_paths_keep_their_root(session: Session, pictures: Path) -> None:
    embed(session, pictures / "2024", root=pictures)
    assert [*embeddings(session)] == ["2024/05/c.webp", "2024/a.PNG"]
    assert embed(session, pictures).photos_added == 1
    other = save(pictures.parent / "other" / "x.jpg", RED).parent
    with pytest.raises(LibraryError, match="which the paths of this library are relative to"):
        embed(session, other)
    with pytest.raises(UsageError, match="name a --root that it lies in"):
        embed(session, other, root=pictures)
    moved = pictures.rename(pictures.parent / "moved")
    with pytest.raises(LibraryError, match="pictures, is gone; name the folder"):
        embed(session, moved)
    assert embed(session, root=moved).photos_unchanged == 3
    assert embed(session, moved).photos_unchanged == 3


@pytest.mark.parametrize("folder", ["none", "notes.txt", "a\0b"])
def test_no_such_folder(session: Session, pictures: Path, folder: str) -> None:
    with pytest.raises(UsageError, match=r"there is no such folder|is no folder"):
        embed(session, pictures / folder)


def test_no_photo_in_it(session: Session, pictures: Path) -> None:
    (pictures / "empty").mkdir()
    with pytest.raises(LibraryError, match=r"there is no photo in it; .* \.avif, \.bmp"):
        embed(session, pictures / "empty")


def test_limit_and_dry_run(session: Session, pictures: Path) -> None:
    before = everything(session)
    result = embed(session, pictures, dry_run=True, limit=2)
    assert (result.photos_embedded, result.photos_added, result.photos_left) == (2, 2, 1)
    assert (everything(session), colours.embedded) == (before, [])
    for left, added in ((1, 2), (0, 1)):
        result = embed(session, pictures, limit=2, jobs=1)
        assert (result.photos_left, result.photos_added) == (left, added)
    save(pictures / "b.jpg", GREEN)
    assert embed(session, pictures, dry_run=True).photos_changed == 1


def test_one_at_a_time(session: Session, pictures: Path) -> None:
    session.fetch_value("embed/try_lock")
    with pytest.raises(BusyError, match="another embed is at work"):
        embed(session, pictures)


# Models


def test_embeddings_of_two_models_are_never_mixed(session: Session, pictures: Path) -> None:
    embed(session, pictures)
    before = everything(session)
    with pytest.raises(LibraryError, match="has embeddings of colours, and those of other can't"):
        embed(session, pictures, {"model": "other"})
    execute(session, "UPDATE embedding_models SET dimensions = 4")
    save(pictures / "new.jpg", BLUE)
    with pytest.raises(ProviderError, match="of 3 numbers, others here have 4"):
        embed(session, pictures)
    execute(session, "UPDATE embedding_models SET dimensions = 3")
    assert everything(session) == before
    add_photos(session, [[1.0, 2.0, 3.0]], ["imported.jpg"])
    with pytest.raises(LibraryError, match="1 photo of this library got an embedding from elsewhe"):
        embed(session, pictures)


def test_an_import_in_place_of_what_was_embedded_is_no_embedding_of_the_model(
    session: Session, pictures: Path
) -> None:
    embed(session, pictures)
    before = embeddings(session)
    rows = query(session, "SELECT path, embedding FROM photos")
    import_array(session, [path for path, _ in rows], np.array([vector for _, vector in rows]))
    assert embed(session, pictures).photos_unchanged == 3  # they are the same
    import_array(session, ["b.jpg", "new.jpg"], np.ones((2, 3)))
    with pytest.raises(LibraryError, match="2 photos of this library got an embedding from elsew"):
        embed(session, pictures)
    assert embed(session, pictures, replace=True).photos_embedded == 3
    assert embeddings(session) == before | {"new.jpg": None}


OTHER = {"model": "other", "scale": 2.0}
OTHERS = {
    "2024/05/c.webp": about(2, 2, 402),
    "2024/a.PNG": about(2, 402, 2),
    "b.jpg": about(402, 2, 2),
}


def test_all_embeddings_are_replaced_or_none(
    session: Session, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(session, pictures)
    add_photos(session, [[1.0, 2.0]], ["imported, gone.jpg"])
    before = embeddings(session)
    monkeypatch.setattr(service, "PHOTOS_PER_BATCH", 1)
    colours.embedded.clear()
    with pytest.raises(ProviderError):
        embed(session, None, {**OTHER, "fails_after": 3, "threads": 1}, replace=True)
    assert embeddings(session) == before
    assert embed(session, None, OTHER, replace=True, dry_run=True).photos_embedded == 1
    # goes on, and takes what is new along
    save(pictures / "new.jpg", RED)
    result = embed(session, pictures, OTHER, replace=True)
    assert (result.photos_embedded, result.photos_added) == (2, 1)
    assert (result.replaced, result.embeddings_lost) == (True, 1)
    assert sorted(colours.embedded) == ["a.PNG", "b.jpg", "c.webp", "new.jpg"]
    assert embeddings(session) == {
        **OTHERS,
        "imported, gone.jpg": None,
        "new.jpg": about(402, 2, 2),
    }
    assert query(session, "SELECT count(*) FROM photo_replacements") == [(0,)]
    assert query(session, "SELECT stage, model, root FROM embedding_models") == [
        ("current", "other", str(pictures))
    ]
    colours.embedded.clear()
    result = embed(session, pictures, OTHER, replace=True)
    assert (result.replaced, result.photos_unchanged, colours.embedded) == (False, 4, [])


def test_a_replacement_is_given_up(session: Session, pictures: Path) -> None:
    embed(session, pictures)
    before = embeddings(session)
    result = embed(session, pictures, OTHER, replace=True, limit=2)
    assert (result.replaced, result.photos_left) == (False, 1)
    # a third model, and then the first one
    embed(session, pictures, {"model": "third"}, replace=True, limit=1)
    assert query(session, "SELECT count(*) FROM photo_replacements") == [(1,)]
    embed(session, pictures)
    assert query(session, "SELECT count(*) FROM photo_replacements") == [(0,)]
    assert embeddings(session) == before


def test_what_the_table_refuses_is_told_before_hours_of_work(
    session: Session, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PHOTOS_PER_BATCH", 1)
    execute(session, "ALTER TABLE photos ADD CONSTRAINT long CHECK (vector_dims(embedding) = 4)")
    add_photos(session, [[1.0, 2.0, 3.0, 4.0]], ["imported.jpg"])
    with pytest.raises(DatabaseError, match='violates check constraint "long"'):
        embed(session, pictures, {"threads": 1}, replace=True)
    assert len(colours.embedded) < 3


def test_nothing_is_replaced_if_nothing_can_be_embedded(session: Session, tmp_path: Path) -> None:
    add_photos(session, [[1.0, 2.0]] * 2)
    before = embeddings(session)
    with pytest.raises(LibraryError, match="could be embedded, and nothing was replaced"):
        embed(session, root=tmp_path, replace=True)
    assert embeddings(session) == before


# Stopped


MANY = 20


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(MANY):
        save(tmp_path / "many" / f"{number:02}.png", (number, 0, 0))
    return tmp_path / "many"


PROGRAM = """
import sys
from fluffy_sql.embedding.provider import PROVIDERS
from fluffy_sql.operations.embed import service
from tests import colours
PROVIDERS.built_in = colours.BUILT_IN
service.PHOTOS_PER_BATCH = 4
from fluffy_sql.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("replaces", [False, True])
def test_killed_it_goes_on(session: Session, many: Path, tmp_path: Path, replaces: bool) -> None:
    if replaces:
        embed(session, many, OTHER)
        colours.embedded.clear()
    before = embeddings(session)
    file = tmp_path / "settings.yml"
    file.write_text("embedding: {provider: colours, colours: {killed_after: 15, threads: 1}}")
    command = ["embed", str(many), *(["--replace"] if replaces else []), "--config", str(file)]
    killed = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command, "--database-url", session._url],
        check=False,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    table = "photo_replacements" if replaces else "photos"
    [(written,)] = query(session, f"SELECT count(*) FROM {table}")
    assert written in {4, 8, 12}
    if replaces:
        assert embeddings(session) == before
    result = embed(session, many, replace=replaces)
    assert result.photos_embedded == len(colours.embedded) == MANY - written
    assert embeddings(session) == {
        f"{number:02}.png": about(1 + number, 1, 1) for number in range(MANY)
    }


class Interrupting(EmbedProgress):
    """Stops it, in one way or another, when it comes to a phase."""

    def __init__(self, at: str | int, stop: Callable[[], None]) -> None:
        self.at, self.stop = at, stop

    def phase(self, name: str) -> None:
        if name == self.at:
            self.stop()

    def photos(self, done: int) -> None:
        if done == self.at:
            self.stop()


@pytest.mark.parametrize(
    "at", ["loading the model", "looking for photos", 9, "writing all embeddings"]
)
def test_a_lost_connection_leaves_nothing_half_written(
    session: Session, many: Path, at: str | int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PHOTOS_PER_BATCH", 4)
    replaces = at == "writing all embeddings"
    if replaces:
        embed(session, many, OTHER)
    before = embeddings(session)
    progress = Interrupting(at, lambda: cut_off_others(session))
    with pytest.raises(DatabaseError):
        embed(session, many, progress=progress, replace=replaces)
    left = embeddings(session)
    assert left == before or (at == 9 and len(left) == 8)
    embed(session, many, replace=replaces)
    assert [found for found in embeddings(session).values() if found is None or found[1] != 1] == []


def test_memory_is_bounded(session: Session, many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos are looked for, read and written a few at a time."""
    monkeypatch.setattr(service, "PHOTOS_PER_BATCH", 4)
    monkeypatch.setattr(candidates, "PHOTOS_AT_ONCE", 3)
    looked, written, most = [0], [0], [0]
    ask, write = candidates._ask, writing.write_batch

    def count_asked(session: Session, statement: str, paths: Any) -> Any:
        looked[0] += len(paths)
        return ask(session, statement, paths)

    def count_written(session: Session, batch: Any, model: Any) -> int:
        assert len(batch) <= 4
        written[0] += len(batch)
        most.append(looked[0] - MANY - written[0])
        return write(session, batch, model)

    monkeypatch.setattr(candidates, "_ask", count_asked)
    monkeypatch.setattr(service, "write_batch", count_written)
    embed(session, many, {"threads": 1})
    assert written == [MANY]
    assert max(most) <= 8 + 3 + 4


# The command


def test_the_command_says_what_it_did(on_database: Run, pictures: Path, tmp_path: Path) -> None:
    (pictures / "x.jpg").touch()
    finished = on_database("embed", str(pictures))
    first, unreadable, listed, last = finished.out.splitlines()
    assert first == f"4 photos in {pictures}: 3 embedded (4 new, 0 changed), 0 unchanged"
    assert (unreadable, listed) == ("1 photo can't be embedded: 1 empty", "  x.jpg: empty")
    assert last.startswith("colours, 3 dimensions; ")
    assert "embedding 4 photos" in finished.err
    (pictures / "b.jpg").unlink()
    told = on_database("embed").out.splitlines()
    assert told[3:5] == [
        "the files of 1 photo are gone; --forget-missing deletes the photos:",
        "  b.jpg",
    ]
    (tmp_path / "image_embed.yml").write_text(
        "embedding: {colours: {model: other}, provider: colours}"
    )
    assert "--replace" in on_database("embed").refusal()
    told = on_database("embed", "--replace", "--limit", "1").out.splitlines()
    assert told[1] == "2 photos left by --limit: call it again to go on"
    told = on_database("embed", "--replace").out.splitlines()
    assert "Cluster all photos anew: fluffy-sql generate --recluster --cold" in told
    result = json.loads(on_database("embed", "--json", "--forget-missing").out)
    assert (result["photos_forgotten"], result["unreadable"]) == (1, {"empty": 1})
    assert on_database("embed", str(pictures / "none")).refusal(2).endswith("check its path")
