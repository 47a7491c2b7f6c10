"""What the providers share that show photos to a network of their own."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fluffy_sql.embedding.provider import Provider, Settings

if TYPE_CHECKING:  # settings are checked without NumPy
    import numpy as np
    from numpy.typing import NDArray


class ByNetwork(Provider[Settings]):
    """Embeds photos by a network, which is loaded.

    Args:
        network: a `network.Network`.
        model: its name, for the record.
        jobs: how many processors it may use.
    """

    def __init__(self, network: Any, model: str, jobs: int) -> None:
        self._network, self.model = network, model
        # One thread more than processors, so that the network runs while files are read.
        self.threads = jobs + 1

    def embed(self, photo: Path) -> "NDArray[np.float32]":
        """As many numbers as the network gives."""
        embedding: NDArray[np.float32] = self._network.embed(photo)
        return embedding
