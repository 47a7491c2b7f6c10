"""Brings an attached library in step with its source before anything is done with its photos."""

from fluffy_sql.postgres import sources
from fluffy_sql.postgres.counter_cache import moves_are_counted, repair_counts
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import LONGEST_VECTOR, fingerprint_vector
from fluffy_sql.runs.progress import Progress


def follow_source(session: Session, progress: Progress, *, dry_run: bool = False) -> None:
    """Takes in what is new, gone and changed, if the library is an attached one.

    It is committed at once: what the source shows does not depend on how a run ends. Other runs
    must be kept out.

    Raises:
        LibraryError: the source shows a key twice, or a photo without one.
        DatabaseError: it can't be read; `telling_of_source` says why.
    """
    if not session.attached:
        return
    with session.transaction():
        changes = sources.sync(session, writes=not dry_run)
        if changes and changes.gone and not dry_run and not moves_are_counted(session):
            repair_counts(session)
    if changes:
        progress.followed(changes, dry_run=dry_run)


def leave_changed_in_source(session: Session) -> None:
    """Leaves photos that changed in the source of an attached library to the next run."""
    if session.attached:
        session.execute(
            "attach/forget_changed", fingerprint_vector=fingerprint_vector(LONGEST_VECTOR)
        )
