"""Writes embeddings, and what was seen of the files they are made of."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fluffy_sql.operations.embed.embedding import Embedded
from fluffy_sql.operations.importing.service import insert_photos
from fluffy_sql.postgres.session import Session

# Stages of a model: of the embeddings in photos, and of those that are to take their place.
CURRENT, NEXT = "current", "next"

_STAGE_TYPES = (
    *("int8", "text", "vector"),
    *("int8", "float8", "bytea", "int4", "int4", "timestamp", "float8", "float8", "text"),
)
# Of a file that is no picture none of it is known.
_OF_PICTURE = ("width", "height", "taken_at", "latitude", "longitude")


@dataclass(frozen=True)
class Model:
    """What embeddings are of, as it is on record.

    Attributes:
        stage: `current` or `next`.
        dimensions: of its embeddings; None: there is none yet.
        root: the folder that paths are relative to; None: nobody named one.
    """

    stage: str
    provider: str
    model: str
    dimensions: int | None = None
    root: str | None = None


def read_models(session: Session) -> dict[str, Model]:
    """The models on record, by stage."""
    return {model.stage: model for model in session.fetch_as(Model, "embed/list_models")}


def write_batch(session: Session, batch: Sequence[Embedded], model: Model) -> int:
    """Writes photos and their files, all or none; returns how many photos are new."""
    touched = [one.candidate for one in batch if one.is_touched]
    seen = [one for one in batch if not one.is_touched]
    with session.transaction():
        if touched:
            ids = [one.known.photo_id for one in touched if one.known]
            session.execute(
                "embed/note_touched", photo_ids=ids, times=[one.file.modified for one in touched]
            )
        _stage(session, seen)
        added = _write_staged(session)
        session.execute("embed/note_files")
        note_model(session, model)
    return added


def keep_batch(
    session: Session, batch: Sequence[Embedded], model: Model, *, rehearse: bool
) -> None:
    """Keeps photos until all have an embedding of the new model, in photo_replacements.

    Args:
        session: outside of any transaction.
        batch: photos that were looked at.
        model: the new one.
        rehearse: have the server say now, and not after hours, what it refuses to write.
    """
    with session.transaction():
        _stage(session, batch)
        if rehearse:
            with session.transaction(force_rollback=True):
                _write_staged(session)
        session.execute("embed/keep_replacements")
        note_model(session, model)


def replace_all(session: Session, model: Model) -> tuple[int, int]:
    """Puts all embeddings that were kept in place of the old ones, in one transaction.

    Returns:
        How many photos are new, and how many lost their embedding, since their file is gone.
    """
    with session.transaction():
        session.execute("import/create_stage")
        session.execute("embed/stage_replacements")
        added = _write_staged(session)
        lost = session.execute("embed/clear_others")
        session.execute("embed/note_files")
        note_model(session, model)
        _give_up(session)
    return added, lost


def give_up_replacing(session: Session) -> None:
    """Forgets the embeddings that were kept."""
    with session.transaction():
        _give_up(session)


def _give_up(session: Session) -> None:
    session.execute("embed/forget_next_model")
    session.execute("embed/forget_replacements")


def _stage(session: Session, batch: Iterable[Embedded]) -> None:
    session.execute("import/create_stage")
    # An application's table may have several photos of one path.
    by_path = {one.candidate.file.path: one for one in batch}
    session.copy_in("embed/copy_into_stage", _STAGE_TYPES, _rows(by_path.values()))


def _rows(batch: Iterable[Embedded]) -> Iterator[tuple[Any, ...]]:
    for number, one in enumerate(batch, start=1):
        file, facts = one.candidate.file, one.facts
        of_picture = [getattr(facts, name, None) for name in _OF_PICTURE]
        # A service may say anything, and Postgres can't store that character.
        reason = one.reason.replace("\0", "") if one.reason else None
        of_file = file.bytes, file.modified, one.hash, *of_picture, reason
        yield number, file.path, one.embedding, *of_file


def _write_staged(session: Session) -> int:
    """Writes what is staged to photos; returns how many are new."""
    session.execute("import/analyze_stage")
    session.execute("import/lock")
    session.execute("import/update_photos")
    return insert_photos(session)


def note_model(session: Session, model: Model) -> None:
    """Puts a model on record; without a root, that of before stays."""
    session.execute("embed/note_model", **vars(model))
