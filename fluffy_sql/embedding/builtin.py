"""The provider `builtin`: a small network that needs no other file, no GPU and no account."""

from pathlib import Path
from typing import Self

from fluffy_sql.embedding.by_network import ByNetwork
from fluffy_sql.embedding.preprocessing import Preprocessing
from fluffy_sql.embedding.provider import ProviderSettings, extra_photos

_NAME = "efficientnet-lite0"


class BuiltinSettings(ProviderSettings):
    """There is nothing to choose."""


class Builtin(ByNetwork[BuiltinSettings]):
    """EfficientNet-Lite0: good for themes; DINOv2 and CLIP are larger and better."""

    settings = BuiltinSettings

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
        return cls(Network(network, _NAME, shown), f"{_NAME} {efficientnet.DIGEST[:12]}", jobs)
