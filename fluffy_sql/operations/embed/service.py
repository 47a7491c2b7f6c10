"""Embeds photos: finds them, has a provider make embeddings, and writes these batch by batch."""

import os
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.embedding.files import PHOTO_SUFFIXES
from fluffy_sql.embedding.provider import Provider, embed_photo, provider_named
from fluffy_sql.errors import BusyError, LibraryError, OtherModelError, UsageError
from fluffy_sql.operations.embed.candidates import (
    MOST_LISTED,
    Candidate,
    Known,
    Place,
    Tally,
    Unreadable,
    find_candidates,
    find_missing,
    in_groups,
)
from fluffy_sql.operations.embed.embedding import Embedded, embed_ahead
from fluffy_sql.operations.embed.progress import EmbedProgress
from fluffy_sql.operations.embed.writing import (
    CURRENT,
    NEXT,
    Model,
    give_up_replacing,
    keep_batch,
    note_model,
    read_models,
    replace_all,
    write_batch,
)
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.sources import refuse_attached
from fluffy_sql.settings import EmbeddingSettings
from fluffy_sql.words import by_reason, count

# What a killed embed has to do again, at most.
PHOTOS_PER_BATCH = 256


@dataclass(frozen=True)
class EmbedRequest:
    """What to embed.

    Attributes:
        settings: of the provider.
        settings_folder: what relative paths in them start from.
        folder: where photos are looked for, and in all folders below it; None: photos of the
            database that have no embedding.
        root: the folder that paths are relative to; None: that of before, else `folder`, else the
            working folder.
        replace: whether embeddings of another model are replaced, once all photos have new ones.
        forget_missing: whether photos are deleted if their file is gone.
        limit: how many photos are embedded at most; None: all.
        jobs: how many processors are used; None: all.
        dry_run: count what would be done, and do nothing.
    """

    settings: EmbeddingSettings
    settings_folder: Path = Path()
    folder: Path | None = None
    root: Path | None = None
    replace: bool = False
    forget_missing: bool = False
    limit: int | None = None
    jobs: int | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class EmbedResult:
    """What was done, or with `dry_run` what would be.

    Attributes:
        root: the folder that paths are relative to.
        folder: where photos were looked for; None: in the database.
        provider, model: what made the embeddings.
        dimensions: their length; None: there is none.
        photos_found: photos that were looked at.
        photos_embedded: those that have a new embedding.
        photos_added: photos that are new in the database, if they can be embedded or not.
        photos_changed: of those embedded, the ones whose file was written since.
        photos_unchanged: those whose embedding stands.
        photos_left: those that `limit` left for the next time.
        unreadable: photos without an embedding, by reason; all that are, from before, too.
        unreadable_listed: the first hundred of them.
        left_out: files that are no photo of the library, by reason.
        photos_missing: photos whose file was read before and is gone.
        missing_listed: paths of the first hundred of them.
        photos_forgotten: of those, the ones that were deleted.
        replaced: whether all embeddings are of another model now.
        embeddings_lost: photos that lost theirs with that, since their file is gone.
        dry_run: whether nothing was done.
        seconds: time taken.
        photos_per_second: how fast photos were embedded; None: none was.
    """

    root: Path
    folder: Path | None
    provider: str
    model: str
    dimensions: int | None
    photos_found: int
    photos_embedded: int
    photos_added: int
    photos_changed: int
    photos_unchanged: int
    photos_left: int
    unreadable: Mapping[str, int]
    unreadable_listed: Sequence[Unreadable]
    left_out: Mapping[str, int]
    photos_missing: int
    missing_listed: Sequence[str]
    photos_forgotten: int
    replaced: bool
    embeddings_lost: int
    dry_run: bool
    seconds: float
    photos_per_second: float | None


def embed(
    session: Session, request: EmbedRequest, progress: EmbedProgress | None = None
) -> EmbedResult:
    """Embeds photos that are new, that changed, or that have no embedding.

    Each batch is a transaction: whatever ends it, the next call goes on where it was.

    Raises:
        UsageError: there is no such folder.
        SettingsError: there is no such provider.
        MissingExtraError: what the provider needs is not installed.
        ProviderError: the model or the service fails; what was written before stays.
        OtherModelError: photos have embeddings of another model.
        LibraryError: there is no photo, the folder is not that of the library, or the library is
            attached.
        BusyError: another embed is at work.
        DatabaseError: Postgres refuses the photos.
    """
    refuse_attached(session)
    if not session.fetch_value("embed/try_lock"):
        raise BusyError(
            f"another embed is at work in the library of the schema {session.schema}; try again"
            " when it is done"
        )
    progress = progress or EmbedProgress()
    models = read_models(session)
    place = _find_place(request, models.get(CURRENT))
    name = request.settings.provider
    progress.phase("loading the model")
    jobs = request.jobs or os.cpu_count() or 1
    provider = provider_named(name).open(
        request.settings.of_provider, request.settings_folder, jobs
    )
    with provider, warnings.catch_warnings():
        # Pillow's, of odd metadata and of sizes, which are checked before they are decoded.
        warnings.simplefilter("ignore")
        return _Embedding(session, request, place, provider, progress).run(models)


def _find_place(request: EmbedRequest, current: Model | None) -> Place:
    folder = _resolved(request.folder) if request.folder is not None else None
    recorded = Path(current.root) if current and current.root else None
    if recorded and not request.root and not recorded.is_dir():
        raise LibraryError(
            f"the folder that the paths of this library are relative to, {recorded}, is gone; name"
            " the folder that it became with --root"
        )
    root = _resolved(request.root or recorded or folder or Path())
    if folder is not None and not folder.is_relative_to(root):
        if request.root:
            raise UsageError(f"{folder} is not in {root}; name a --root that it lies in")
        raise LibraryError(
            f"{folder} is not in {root}, which the paths of this library are relative to; use"
            " another library (database.schema), or add --root if its photos were moved"
        )
    return Place(root, folder)


def _resolved(folder: Path) -> Path:
    try:
        found = folder.expanduser().resolve(strict=True)
        str(found).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{folder}: its name is not in UTF-8; rename it") from None
    except (OSError, RuntimeError, ValueError):
        raise UsageError(f"{folder}: there is no such folder; check its path") from None
    if not found.is_dir():
        raise UsageError(f"{folder}: is no folder; name the one that photos are in")
    return found


class _Embedding:
    """One embed, from the choice of what to do to its result."""

    def __init__(
        self,
        session: Session,
        request: EmbedRequest,
        place: Place,
        provider: Provider[Any],
        progress: EmbedProgress,
    ) -> None:
        self._session = session
        self._request = request
        self._place = place
        self._provider = provider
        self._progress = progress
        self._started = time.perf_counter()
        self._tally = Tally()
        self._embedded = self._added = self._changed = self._lost = 0
        self._replacing = False
        self._rate: float | None = None
        name = request.settings.provider
        root = str(place.root) if place.folder or request.root else None
        self._model = Model(CURRENT, name, provider.model, root=root)

    def run(self, models: Mapping[str, Model]) -> EmbedResult:
        """Does it all; `models` are those on record."""
        self._choose_model(models)
        planned = self._plan()
        missing = self._find_missing()
        limit = self._request.limit
        now = planned if limit is None else min(limit, planned)
        forgotten = 0
        if self._request.dry_run:
            self._embedded = now
        else:
            forgotten = self._forget(missing)
            if now:
                self._embed(now)
            elif not self._replacing:  # there may be another root
                note_model(self._session, self._model)
            if self._replacing and now == planned:
                self._replace()
        return self._result(
            photos_left=planned - now,
            photos_missing=len(missing),
            missing_listed=tuple(known.path for known in missing[:MOST_LISTED]),
            photos_forgotten=forgotten,
            replaced=self._replacing and now == planned and not self._request.dry_run,
        )

    def _choose_model(self, models: Mapping[str, Model]) -> None:
        """Adds to the embeddings there are, or makes those of all photos anew."""
        current, kept, model = models.get(CURRENT), models.get(NEXT), self._provider.model
        self._replacing = self._must_replace(current)
        if kept and not (self._replacing and kept.model == model):
            kept = None
            if not self._request.dry_run:
                give_up_replacing(self._session)
        if self._replacing:
            dimensions = kept.dimensions if kept else None
            self._model = replace(self._model, stage=NEXT, dimensions=dimensions)
        elif current:
            self._model = replace(self._model, dimensions=current.dimensions)

    def _must_replace(self, current: Model | None) -> bool:
        asked = self._provider.model
        foreign = self._session.fetch_value("embed/count_foreign")
        if current and current.model != asked:
            found = f"this library has embeddings of {current.model}"
        elif foreign:
            found = f"{count(foreign, 'photo')} of this library got an embedding from elsewhere"
        else:
            return False
        if self._request.replace:
            return True
        raise OtherModelError(
            f"{found}, and those of {asked} can't be compared with them: embed all photos anew with"
            " --replace, or use another library (database.schema)"
        )

    def _candidates(self, tally: Tally) -> Iterator[Candidate]:
        return find_candidates(self._session, self._place, tally, replacing=self._replacing)

    def _plan(self) -> int:
        """Counts the photos that have to be embedded."""
        self._progress.phase("looking for photos")
        photos = 0
        limit = self._request.limit
        for candidate in self._candidates(self._tally):
            photos += 1
            if self._request.dry_run and (limit is None or photos <= limit):
                self._added += candidate.known is None
                self._changed += candidate.is_changed
        if self._place.folder and not self._tally.found:
            if left_out := self._tally.left_out:
                raise LibraryError(
                    f"{self._place.folder}: there is no photo in it that can be embedded; left out:"
                    f" {by_reason(left_out)}"
                )
            raise LibraryError(
                f"{self._place.folder}: there is no photo in it; files count whose names end in"
                f" {', '.join(sorted(PHOTO_SUFFIXES))}"
            )
        return photos

    def _embed(self, photos: int) -> None:
        """Embeds this many of them, the first ones."""
        self._progress.planned(photos)
        begun = time.perf_counter()
        threads = self._provider.threads
        made = embed_ahead(
            self._make,
            islice(self._candidates(Tally()), photos),
            anew=self._replacing,
            threads=threads,
            # The first embedding tells how long all have to be.
            ahead=lambda: 1 if self._model.dimensions is None else 8 * threads,
            stop=self._provider.close,
        )
        with closing(made) as embedded:
            done = 0
            for batch in in_groups(self._watch(embedded), PHOTOS_PER_BATCH):
                self._write(batch, rehearse=not done)
                done += len(batch)
        self._rate = self._embedded / (time.perf_counter() - begun) or None

    def _make(self, file: Path) -> NDArray[np.float32]:
        return embed_photo(self._provider, file, self._model.dimensions)

    def _watch(self, embedded: Iterable[Embedded]) -> Iterator[Embedded]:
        """Passes photos on, and notes how long their embeddings are."""
        for done, one in enumerate(embedded, start=1):
            if one.embedding is not None:
                self._model = replace(self._model, dimensions=len(one.embedding))
            self._progress.photos(done)
            yield one

    def _write(self, batch: Sequence[Embedded], *, rehearse: bool) -> None:
        if self._replacing:
            keep_batch(self._session, batch, self._model, rehearse=rehearse)
        else:
            self._added += write_batch(self._session, batch, self._model)
        for one in batch:
            if one.reason:
                self._tally.refuse(one.candidate.file.path, one.reason)
            elif one.is_touched:
                self._tally.unchanged += 1
            else:
                self._embedded += 1
                self._changed += one.candidate.is_changed

    def _replace(self) -> None:
        if self._model.dimensions is None:
            raise LibraryError(
                f"none of {count(self._tally.found, 'photo')} could be embedded, and nothing was"
                f" replaced: {by_reason(self._tally.unreadable)}"
            )
        self._progress.phase("writing all embeddings")
        self._added, self._lost = replace_all(self._session, replace(self._model, stage=CURRENT))

    def _find_missing(self) -> list[Known]:
        known, missing = 0, []
        for page, gone in find_missing(self._session, self._place):
            known += page
            missing += gone
        if self._request.forget_missing and known == len(missing) > 0:
            raise LibraryError(
                f"of {count(known, 'photo')} no file is in {self._place.root}, and nothing was"
                " deleted; is the disk there, and --root right?"
            )
        return missing

    def _forget(self, missing: Sequence[Known]) -> int:
        forgotten = 0
        if self._request.forget_missing:
            for some in in_groups(missing, PHOTOS_PER_BATCH):
                ids = [known.photo_id for known in some]
                forgotten += self._session.execute("embed/forget_photos", photo_ids=ids)
        # Of these, too, and of photos that an application deleted.
        self._session.execute("embed/forget_files")
        return forgotten

    def _result(self, **rest: Any) -> EmbedResult:
        tally = self._tally
        return EmbedResult(
            root=self._place.root,
            folder=self._place.folder,
            provider=self._model.provider,
            model=self._model.model,
            dimensions=self._model.dimensions,
            photos_found=tally.found,
            photos_embedded=self._embedded,
            photos_added=self._added,
            photos_changed=self._changed,
            photos_unchanged=tally.unchanged,
            unreadable=dict(tally.unreadable.most_common()),
            unreadable_listed=tuple(tally.listed),
            left_out=dict(tally.left_out.most_common()),
            embeddings_lost=self._lost,
            dry_run=self._request.dry_run,
            seconds=time.perf_counter() - self._started,
            photos_per_second=self._rate,
            **rest,
        )
