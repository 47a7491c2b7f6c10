"""The port for those who make embeddings: what one is given and gives back, and how it is found.

docs/architecture.md says how to write one.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from fluffy_sql.errors import MissingExtraError, PhotoError, ProviderError
from fluffy_sql.plugins import Plugins

if TYPE_CHECKING:  # settings are checked without NumPy
    import numpy as np
    from numpy.typing import NDArray


class ProviderSettings(BaseModel):
    """Settings of one provider: the section `embedding.<name>`. Subclass it; all have defaults.

    The `description` of a field says what is allowed, for messages.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Settings = TypeVar("Settings", bound=ProviderSettings)


class Provider(ABC, Generic[Settings]):
    """One way to make embeddings. Packages add theirs as an entry point of the group of PROVIDERS.

    Attributes:
        settings: the class of its settings.
        model: of an open one, which model it is, for the record. Embeddings of two that differ in
            it are never compared, so it names all that they depend on.
        threads: of an open one, how many threads should call `embed`.
    """

    settings: ClassVar[type[ProviderSettings]]
    model: str
    threads: int

    @classmethod
    @abstractmethod
    def open(cls, settings: Settings, folder: Path, jobs: int) -> Self:
        """Loads the model, or finds the service.

        Args:
            settings: the provider's own.
            folder: what relative paths in them start from.
            jobs: how many processors it may use.

        Raises:
            MissingExtraError: what it needs is not installed.
            ProviderError: there is no such model or service, or it is of no use.
        """

    @abstractmethod
    def embed(self, photo: Path) -> "NDArray[np.float32]":
        """The embedding of a photo; several threads call it at once.

        Raises:
            PhotoError: the photo can't be embedded.
            ProviderError: the model or the service fails, whatever the photo.
        """

    def close(self) -> None:
        """Frees what it holds, if it did not yet; calls of `embed` that are under way may fail."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def extra_photos() -> Iterator[None]:
    """Imports inside need an optional part of the package."""
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(
            f'{error.name} is not installed; run: pip install "fluffy_sql[photos]"'
        ) from None


def embed_photo(
    provider: Provider[Any], photo: Path, dimensions: int | None
) -> "NDArray[np.float32]":
    """The embedding of a photo, if it can be compared with others.

    Args:
        provider: makes it.
        photo: its file.
        dimensions: of the embeddings that the library has; None: it has none.

    Raises:
        PhotoError: the photo can't be embedded.
        ProviderError: the provider fails, or gives an embedding of another length.
    """
    import numpy as np  # noqa: PLC0415 - as above

    embedding = provider.embed(photo)
    if len(embedding) != (dimensions or len(embedding)):
        raise ProviderError(
            f"{provider.model}: gives an embedding of {len(embedding)} numbers, others here have"
            f" {dimensions}; all of a library have one length, so check which model it is"
        )
    if not np.isfinite(length := np.linalg.norm(embedding.astype(np.float64))) or not length:
        raise PhotoError("its embedding has NaN or infinity, or is all zeros")
    return embedding


PROVIDERS = Plugins(
    Provider,
    "embedding.provider",
    "fluffy_sql.embedding_providers",
    {
        "builtin": "fluffy_sql.embedding.builtin:Builtin",
        "image_embed": "fluffy_sql.embedding.image_embed:ImageEmbed",
        "onnx": "fluffy_sql.embedding.onnx_file:OnnxFile",
    },
)


def provider_named(name: str) -> type[Provider[Any]]:
    """The provider that the settings name.

    Raises:
        SettingsError: there is none of that name, or it can't be loaded.
    """
    return PROVIDERS.load(name)
