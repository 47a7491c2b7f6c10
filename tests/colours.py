"""A provider for tests, as fast as it can be: a photo's embedding is its colour."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from fluffy_sql import settings
from fluffy_sql.embedding.pictures import read_fitted
from fluffy_sql.embedding.provider import PROVIDERS, Provider, ProviderSettings
from fluffy_sql.errors import ProviderError

# Instead of the providers that are built in.
BUILT_IN = dict.fromkeys(("builtin", "colours", "image_embed", "onnx"), "tests.colours:Colours")
# The files that were embedded, in whatever order.
embedded: list[str] = []


def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Has every built-in name mean this one, for a fixture."""
    monkeypatch.setattr(PROVIDERS, "built_in", BUILT_IN)
    settings._model_with.cache_clear()
    embedded.clear()
    yield
    settings._model_with.cache_clear()


def read_picture(photo: Path, side: int) -> Image.Image:
    """A photo whose longer side is that long."""

    def fit(size: tuple[int, int]) -> tuple[tuple[float, float, float, float], tuple[int, int]]:
        scale = side / max(size)
        return (0, 0, *size), (round(size[0] * scale), round(size[1] * scale))

    return read_fitted(photo, fit)


class ColourSettings(ProviderSettings):
    """How it behaves.

    Attributes:
        model: its name.
        scale: what embeddings are multiplied by.
        fails_after, killed_after: after how many photos it fails, or is killed.
    """

    model: str = "colours"
    scale: float = 1.0
    threads: int = Field(default=2)
    fails_after: int | None = None
    killed_after: int | None = None


class Colours(Provider[ColourSettings]):
    settings = ColourSettings

    def __init__(self, own: ColourSettings) -> None:
        self.model = own.model
        self.threads = own.threads
        self._settings = own
        self._photos = 0

    @classmethod
    def open(cls, settings: ColourSettings, folder: Path, jobs: int) -> Self:
        return cls(settings)

    def embed(self, photo: Path) -> NDArray[np.float32]:
        picture = read_picture(photo, 8)
        self._photos += 1
        if self._photos == self._settings.fails_after:
            raise ProviderError("the service is down; start it")
        if self._photos == self._settings.killed_after:
            os.kill(os.getpid(), signal.SIGKILL)
        embedded.append(photo.name)
        colour: NDArray[np.float32] = np.asarray(picture, dtype=np.float32).mean(axis=(0, 1))
        return (1 + colour) * np.float32(self._settings.scale)
