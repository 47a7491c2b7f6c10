"""Reads photos in threads, ahead of the model, which is to wait for none."""

import hashlib
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fluffy_sql.embedding.files import Reason, UnreadableError
from fluffy_sql.embedding.pictures import PictureFacts, describe_picture
from fluffy_sql.embedding.provider import Provider
from fluffy_sql.errors import PhotoError
from fluffy_sql.operations.embed.candidates import Candidate


@dataclass(frozen=True)
class Looked:
    """A photo that was read.

    Attributes:
        facts: what its file says of it; None: it is no picture.
        hash: SHA-256 of the file; None: it is no picture.
        prepared: what the provider makes an embedding of; None: it can't.
        reason: why not; None with nothing prepared: the file is what it was, only its time is new.
    """

    candidate: Candidate
    facts: PictureFacts | None = None
    hash: bytes | None = None
    prepared: Any = None
    reason: str | None = None


def read_ahead(
    provider: Provider[Any, Any],
    candidates: Iterable[Candidate],
    *,
    anew: bool,
    jobs: int,
    ahead: int,
) -> Generator[Looked, None, None]:
    """Photos in their order, each as the provider wants it.

    Args:
        provider: prepares them.
        candidates: which photos.
        anew: also those whose file is what it was.
        jobs: how many threads read.
        ahead: how many photos are read, or wait to be, before they are taken.
    """
    pool = ThreadPoolExecutor(jobs)
    waiting: deque[Future[Looked]] = deque()
    try:
        for candidate in candidates:
            waiting.append(pool.submit(_look, provider, candidate, anew=anew))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _look(provider: Provider[Any, Any], candidate: Candidate, *, anew: bool) -> Looked:
    file = candidate.file.file
    facts: PictureFacts | None = None
    hash_: bytes | None = None
    try:
        facts = describe_picture(file)
        hash_ = _hash(file)
        known = candidate.known
        if not anew and known and known.embedded and known.hash == hash_:
            return Looked(candidate, facts, hash_)
        return Looked(candidate, facts, hash_, provider.prepare(file))
    except PhotoError as error:
        return Looked(candidate, facts, hash_, reason=str(error))


def _hash(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        raise UnreadableError(Reason.NOT_READABLE) from None
