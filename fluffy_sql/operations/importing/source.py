"""What embeddings are read from: a file or a stream, and what that may be instead."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from fluffy_sql.errors import ImportFileError

# What can be imported, and how to write it.
KINDS = {
    "npy": "write it with numpy.save",
    "csv": "save it as CSV",
    "parquet": "write it as parquet",
}
_NAMES = {"npy": "an .npy array", "csv": "CSV", "parquet": "parquet"}
# What the first bytes say a file is: one of those, or another.
_BEGINNINGS = {
    b"\x93NUMPY": "npy",
    b"PAR1": "parquet",
    b"PK\3\4": "a zip file, such as Excel (.xlsx) and numpy.savez (.npz) write",
    b"\xd0\xcf\x11\xe0": "an Excel file (.xls)",
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"ARROW1": "an Arrow file (Feather)",
    b"\x89HDF": "an HDF5 file",
    b"\x80\4": "a pickle",
    b"\x80\5": "a pickle",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


@dataclass(frozen=True)
class Source:
    """A file, or a stream that is read once, from where it is.

    Attributes:
        file: the file; what a stream was named.
        kind: what it holds, one of `KINDS`.
        stream: None: it is a file.
    """

    file: Path
    kind: str
    stream: BufferedReader | None = None

    def __str__(self) -> str:
        return "stdin" if self.stream else str(self.file)

    @property
    def streamed(self) -> bool:
        """Whether it can be read once only, as stdin or a pipe."""
        return self.stream is not None or not self.file.is_file()

    @contextmanager
    def open(self) -> Iterator[BufferedReader]:
        """Opens it; the operating system's errors become ours.

        Raises:
            ImportFileError: it can't be read, is empty, or is of another kind.
        """
        with (
            reading(self),
            nullcontext(self.stream) if self.stream else self.file.open("rb") as stream,
        ):
            beginning = stream.peek(64)[:64]
            if not beginning:
                raise ImportFileError(f"{self}: is empty")
            self._refuse_other_kind(beginning)
            yield stream

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """Opens it as a file that can be read from any place on; a stream is copied."""
        with self.open() as stream:
            if not self.streamed:
                yield self.file
                return
            with self.copied(stream) as file:
                yield file

    @contextmanager
    def copied(self, stream: BufferedReader, begun: bytes = b"") -> Iterator[Path]:
        """A file with what is left of a stream, after what was read of it; gone afterwards."""
        with tempfile.NamedTemporaryFile(prefix="fluffy_sql_") as copy:
            try:
                copy.write(begun)
                shutil.copyfileobj(stream, copy, 2**20)
                copy.flush()
            except OSError as error:
                raise ImportFileError(
                    f"{self}: can't be copied to {tempfile.gettempdir()}: {error.strerror};"
                    " name another folder in TMPDIR"
                ) from None
            yield Path(copy.name)

    def _refuse_other_kind(self, beginning: bytes) -> None:
        found = _what_begins_with(beginning)
        if found is None and self.kind != "csv" and _is_text(beginning):
            found = "text"
        if found is None or found == self.kind:
            return
        advice = KINDS[self.kind]
        if found in KINDS:
            advice = f"add --format {found}"
        elif found.startswith("compressed"):
            advice = "unpack it"
        elif found == "text in UTF-16":
            advice = "save it as UTF-8"
        raise ImportFileError(
            f"{self}: is {_NAMES.get(found, found)}, not {_NAMES[self.kind]}; {advice}"
        )


@contextmanager
def reading(file: object) -> Iterator[None]:
    """Turns the operating system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise ImportFileError(f"{file}: can't be read: {error.strerror or error}") from None


def _what_begins_with(beginning: bytes) -> str | None:
    for bytes_, found in _BEGINNINGS.items():
        if beginning.startswith(bytes_):
            return found
    # Letters with a zero beside each, without a mark that says so.
    return "text in UTF-16" if beginning[:4].count(0) == 2 and len(beginning) > 3 else None  # noqa: PLR2004


def _is_text(beginning: bytes) -> bool:
    text = beginning.decode("utf-8-sig", errors="ignore")
    return len(text) > len(beginning) / 5 and all(c.isprintable() or c.isspace() for c in text)
