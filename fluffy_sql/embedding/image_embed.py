"""The provider `image_embed`: a service that makes embeddings, asked by HTTP."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from fluffy_sql.embedding.provider import Provider, ProviderSettings, extra_photos

if TYPE_CHECKING:  # settings are checked without NumPy
    import numpy as np
    from numpy.typing import NDArray


class ImageEmbedSettings(ProviderSettings):
    """Where the service is, and what it is asked for."""

    url: str = Field(
        default="http://localhost:8000",
        pattern=r"^https?://[^\s/?#]+[^\s?#]*$",
        description="an address, as in http://localhost:8000",
    )
    operation: str = Field(default="embed_dino_v2", min_length=1, description="a name")
    connections: int = Field(default=4, ge=1, le=64, description="a whole number from 1 to 64")
    timeout: float = Field(
        default=60.0, gt=0, le=3600, description="seconds, more than 0, up to 3,600"
    )
    retries: int = Field(default=4, ge=0, le=10, description="a whole number from 0 to 10")


class ImageEmbed(Provider[ImageEmbedSettings]):
    """The service `image_embed`, or one that answers as it does."""

    settings = ImageEmbedSettings

    def __init__(self, service: Any, settings: ImageEmbedSettings) -> None:
        self._service = service
        self.model = f"image_embed {settings.operation}"
        self.threads = settings.connections

    @classmethod
    def open(cls, settings: ImageEmbedSettings, folder: Path, jobs: int) -> Self:
        """Asks the service which operations it has."""
        del folder, jobs
        with extra_photos():
            from fluffy_sql.embedding.http_service import HttpService  # noqa: PLC0415 - an extra
        service = HttpService(
            settings.url,
            settings.operation,
            settings.connections,
            settings.timeout,
            settings.retries,
        )
        with ExitStack() as on_failure:
            on_failure.callback(service.close)
            service.check_operation()
            on_failure.pop_all()
        return cls(service, settings)

    def embed(self, photo: Path) -> "NDArray[np.float32]":
        """Sends the file as it is; the service decodes it."""
        embedding: NDArray[np.float32] = self._service.embed(photo)
        return embedding

    def close(self) -> None:
        """Closes its connections."""
        self._service.close()
