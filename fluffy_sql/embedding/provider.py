"""The port for those who make embeddings: what one is given and gives back, and how it is found.

docs/architecture.md says how to write one.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fluffy_sql.errors import PhotoError, ProviderError, SettingsError
from fluffy_sql.words import count

# Packages name theirs under it, as in `my_model = "my_package:MyModel"`.
ENTRY_POINTS = "fluffy_sql.embedding_providers"
_BUILT_IN = EntryPoints(
    [
        EntryPoint("builtin", "fluffy_sql.embedding.builtin:Builtin", ENTRY_POINTS),
        EntryPoint("image_embed", "fluffy_sql.embedding.image_embed:ImageEmbed", ENTRY_POINTS),
        EntryPoint("onnx", "fluffy_sql.embedding.onnx_file:OnnxFile", ENTRY_POINTS),
    ]
)


_INCOMPARABLE = PhotoError("its embedding has NaN or infinity, or is all zeros")


class ProviderSettings(BaseModel):
    """Settings of one provider: the section `embedding.<name>`. Subclass it; all have defaults.

    The `description` of a field says what is allowed, for messages.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Settings = TypeVar("Settings", bound=ProviderSettings)
Prepared = TypeVar("Prepared")


class Provider(ABC, Generic[Settings, Prepared]):
    """One way to make embeddings. Packages add theirs as an entry point of the group ENTRY_POINTS.

    Attributes:
        settings: the class of its settings.
        model: set once it is open: which model it is, for the record. Two that differ in this are
            not comparable, so it names all that an embedding depends on.
    """

    settings: ClassVar[type[ProviderSettings]]
    model: str

    @classmethod
    @abstractmethod
    def open(cls, settings: Settings, folder: Path) -> Self:
        """Loads the model, or finds the service.

        Args:
            settings: the provider's own.
            folder: what relative paths in them start from.

        Raises:
            MissingExtraError: what it needs is not installed.
            ProviderError: there is no such model or service, or it is of no use.
        """

    @abstractmethod
    def prepare(self, photo: Path) -> Prepared:
        """What `embed` needs of a photo, and no more. Several threads call it, ahead of `embed`.

        Raises:
            PhotoError: it can't be embedded.
        """

    @abstractmethod
    def embed(self, photos: Sequence[Prepared]) -> Sequence[NDArray[np.float32] | PhotoError]:
        """The embedding of each photo, or why it has none. Called by one thread at a time.

        Raises:
            ProviderError: the model or the service fails, whatever the photo.
        """

    def close(self) -> None:
        """Frees what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def embed_photos(
    provider: Provider[Any, Any], photos: Sequence[Any], dimensions: int | None
) -> list[NDArray[np.float32] | PhotoError]:
    """The embedding of each prepared photo, or why it has none.

    Args:
        provider: makes them.
        photos: as its `prepare` made them.
        dimensions: of the embeddings that the library has; None: it has none.

    Raises:
        ProviderError: the provider fails, or gives what can't be compared.
    """
    made = [_comparable(embedding) for embedding in provider.embed(photos)]
    lengths = {len(vector) for vector in made if not isinstance(vector, PhotoError)}
    if len(lengths | ({dimensions} - {None})) > 1:
        given = " and ".join(map(str, sorted(lengths)))
        of_library = f", those of the library have {dimensions}" if dimensions else ""
        raise ProviderError(
            f"{provider.model}: gives embeddings of {given} numbers{of_library}; all must be of one"
            " length: check what is asked for"
        )
    if len(made) > 1 and all(embedding is _INCOMPARABLE for embedding in made):
        raise ProviderError(
            f"{provider.model}: gives NaN, infinity or only zeros for each of"
            f" {count(len(made), 'photo')}; check the model"
        )
    return made


def _comparable(embedding: NDArray[np.float32] | PhotoError) -> NDArray[np.float32] | PhotoError:
    """An embedding that has a direction."""
    if isinstance(embedding, PhotoError):
        return embedding
    return embedding if np.isfinite(norm := np.linalg.norm(embedding)) and norm else _INCOMPARABLE


def provider_names() -> list[str]:
    """Names of all that are there, sorted."""
    return sorted({*_BUILT_IN.names, *entry_points(group=ENTRY_POINTS).names})


def provider_named(name: str) -> type[Provider[Any, Any]]:
    """The provider that the settings name.

    Raises:
        SettingsError: there is none of that name, or it can't be loaded.
    """
    asked = f"embedding.provider is {name!r}"
    [*found] = _BUILT_IN.select(name=name) or entry_points(group=ENTRY_POINTS, name=name)
    if not found:
        raise SettingsError(f"{asked}; allowed: {', '.join(provider_names())}")
    place = found[0].value
    try:
        loaded = found[0].load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"{asked}, but {place} can't be loaded: {error}") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Provider)):
        raise SettingsError(f"{asked}, but {place} is no subclass of {__name__}.Provider")
    return loaded
