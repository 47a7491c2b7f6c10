"""The provider `builtin`: a small network that needs no other file, no GPU and no account."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fluffy_sql.embedding.preprocessing import Preprocessing
from fluffy_sql.embedding.provider import Provider, ProviderSettings, extra_photos

if TYPE_CHECKING:  # settings are checked without NumPy
    import numpy as np
    from numpy.typing import NDArray

_NAME = "efficientnet-lite0"


class BuiltinSettings(ProviderSettings):
    """There is nothing to choose."""


class Builtin(Provider[BuiltinSettings]):
    """EfficientNet-Lite0: good for themes; DINOv2 and CLIP are larger and better."""

    settings = BuiltinSettings

    def __init__(self, network: Any, model: str, threads: int) -> None:
        self._network, self.model, self.threads = network, model, threads

    @classmethod
    def open(cls, settings: BuiltinSettings, folder: Path, jobs: int) -> Self:
        """Builds the network from the weights that the extra `photos` installs."""
        del settings, folder
        with extra_photos():
            from fluffy_sql.embedding import efficientnet  # noqa: PLC0415 - an extra
            from fluffy_sql.embedding.network import Network  # noqa: PLC0415

            network = efficientnet.efficientnet_lite0()
        # What it is shown are pixels as they are; the rest is part of it.
        side = efficientnet.SIDE
        shown = Preprocessing(side, False, side, 1.0, (0.0,) * 3, (1.0,) * 3, "rgb")
        # One thread more than processors, so that the network runs while files are read.
        threads = jobs + 1
        return cls(Network(network, _NAME, shown), f"{_NAME} {efficientnet.DIGEST[:12]}", threads)

    def embed(self, photo: Path) -> "NDArray[np.float32]":
        """1,280 numbers."""
        embedding: NDArray[np.float32] = self._network.embed(photo)
        return embedding
