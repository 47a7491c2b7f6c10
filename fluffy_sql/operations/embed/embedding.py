"""Has photos embedded by several threads, in their order."""

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.embedding.files import Reason, UnreadableError
from fluffy_sql.embedding.pictures import PictureFacts, describe_picture
from fluffy_sql.errors import PhotoError
from fluffy_sql.operations.embed.candidates import Candidate

MakeEmbedding: TypeAlias = Callable[[Path], NDArray[np.float32]]


@dataclass(frozen=True)
class Embedded:
    """A photo that was read.

    Attributes:
        facts: what its file says of it; None: it is no picture.
        hash: SHA-256 of the file; None: it is no picture.
        embedding: None: it can't have one, for a reason, or has it already.
        reason: why it has none.
    """

    candidate: Candidate
    facts: PictureFacts | None = None
    hash: bytes | None = None
    embedding: NDArray[np.float32] | None = None
    reason: str | None = None

    @property
    def is_touched(self) -> bool:
        """Whether its file is what it was, and only its time is new."""
        return self.embedding is None and self.reason is None


def embed_ahead(
    make: MakeEmbedding,
    candidates: Iterable[Candidate],
    *,
    anew: bool,
    threads: int,
    ahead: Callable[[], int],
    stop: Callable[[], None],
) -> Generator[Embedded, None, None]:
    """Photos in their order, each with its embedding or the reason why it has none.

    Args:
        make: makes an embedding of a file; several threads call it.
        candidates: which photos.
        anew: also those whose file is what it was.
        threads: how many.
        ahead: how many photos may be at work before the first of them is taken.
        stop: called if not all are wanted any more: embeddings that are being made may fail then.
    """
    work = partial(_embed, make, anew=anew)
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[Embedded]] = deque()
    try:
        for candidate in candidates:
            waiting.append(pool.submit(work, candidate))
            if len(waiting) >= ahead():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BaseException:
        stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _embed(make: MakeEmbedding, candidate: Candidate, *, anew: bool) -> Embedded:
    file = candidate.file.file
    facts: PictureFacts | None = None
    hash_: bytes | None = None
    try:
        facts = describe_picture(file)
        hash_ = _hash(file)
        known = candidate.known
        if not anew and known and known.embedded and known.hash == hash_:
            return Embedded(candidate, facts, hash_)
        return Embedded(candidate, facts, hash_, make(file))
    except PhotoError as error:
        return Embedded(candidate, facts, hash_, reason=str(error))


def _hash(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        raise UnreadableError(Reason.NOT_READABLE) from None
