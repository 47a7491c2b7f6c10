"""The provider `onnx`: any image encoder in an ONNX file, such as DINO, DINOv2, CLIP or SigLIP."""

import hashlib
from glob import escape
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field

from fluffy_sql.embedding.by_network import ByNetwork
from fluffy_sql.embedding.preprocessing import CHANNELS, Preprocessing
from fluffy_sql.embedding.provider import ProviderSettings, extra_photos
from fluffy_sql.errors import ProviderError, SettingsError

_Side = Annotated[int, Field(ge=16, le=2048)]
_Channels = Annotated[list[float], Field(min_length=CHANNELS, max_length=CHANNELS)]
_PIXELS = "pixels, from 16 to 2048, or null"
_THREE = "three numbers, of red, green and blue, or null"


class OnnxSettings(ProviderSettings):
    """Which model, and what its `preprocessor_config.json` does not say, or says otherwise."""

    file: str | None = Field(default=None, min_length=1, description="a file")
    output: str | None = Field(default=None, min_length=1, description="a name, or null")
    pooling: Literal["cls", "mean"] | None = Field(default=None, description="cls, mean or null")
    resize: _Side | None = Field(default=None, description=_PIXELS)
    squash: bool | None = Field(default=None, description="true, false or null")
    crop: _Side | None = Field(default=None, description=_PIXELS)
    rescale: float | None = Field(default=None, gt=0, description="a number above 0, or null")
    mean: _Channels | None = Field(default=None, description=_THREE)
    std: _Channels | None = Field(default=None, description=_THREE)
    channels: Literal["rgb", "bgr"] | None = Field(default=None, description="rgb, bgr or null")


class OnnxFile(ByNetwork[OnnxSettings]):
    """A model that someone has exported."""

    settings = OnnxSettings

    @classmethod
    def open(cls, settings: OnnxSettings, folder: Path, jobs: int) -> Self:
        """Loads the model, and tries it.

        Raises:
            SettingsError: no file is named.
            MissingExtraError: onnxruntime is not installed.
            ProviderError: it is no such model, or nobody says what it wants to be shown.
        """
        if settings.file is None:
            raise SettingsError(
                "embedding.provider is onnx, and embedding.onnx.file is not set; name a model"
            )
        file = folder / Path(settings.file).expanduser()
        if not file.is_file():
            raise ProviderError(f"{file}: there is no such file; check embedding.onnx.file")
        given = settings.model_dump(exclude={"file", "output", "pooling"})
        shown = Preprocessing.of(given, file)
        with extra_photos():
            from fluffy_sql.embedding.network import Network  # noqa: PLC0415 - an extra
        network = Network(file, str(file), shown, settings.output, settings.pooling)
        return cls(network, _identity(file, shown, network.output, network.pooling), jobs)


def _identity(file: Path, *how: object) -> str:
    """A name for all that an embedding depends on; the name of the file is no part of that."""
    digest = hashlib.sha256(repr(how).encode())
    # Large models keep their weights beside: model.onnx_data, model.onnx.data.
    for part in [file, *sorted(file.parent.glob(f"{escape(file.name)}?data*"))]:
        with part.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return f"onnx {digest.hexdigest()[:12]}"
