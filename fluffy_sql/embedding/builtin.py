"""The provider `builtin`: a small network that needs no other file, no GPU and no account."""

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.embedding import efficientnet
from fluffy_sql.embedding.preprocessing import Preprocessing
from fluffy_sql.embedding.provider import Provider, ProviderSettings, extra_photos

_NAME = "efficientnet-lite0"


class BuiltinSettings(ProviderSettings):
    """There is nothing to choose."""


class Builtin(Provider[BuiltinSettings]):
    """EfficientNet-Lite0: good for themes; DINOv2 and CLIP are larger and better."""

    settings = BuiltinSettings
    model = f"{_NAME} {efficientnet.DIGEST[:12]}"

    def __init__(self, network: Any, threads: int) -> None:
        self._network, self.threads = network, threads

    @classmethod
    def open(cls, settings: BuiltinSettings, folder: Path, jobs: int) -> Self:
        """Builds the network from the weights that the extra `photos` installs."""
        del settings, folder
        side = efficientnet.SIDE
        # What it is shown are pixels as they are; the rest is part of it.
        shown = Preprocessing(side, False, side, 1.0, (0.0,) * 3, (1.0,) * 3, "rgb")
        with extra_photos():
            from fluffy_sql.embedding.network import Network  # noqa: PLC0415 - an extra

            return cls(Network(efficientnet.efficientnet_lite0(), _NAME, shown), jobs)

    def embed(self, photo: Path) -> NDArray[np.float32]:
        """1,280 numbers."""
        embedding: NDArray[np.float32] = self._network.embed(photo)
        return embedding
