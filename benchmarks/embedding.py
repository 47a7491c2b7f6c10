"""How fast the built-in model embeds photos: `python -m benchmarks.embedding`.

Beside it the bare loop: onnxruntime on pixels that are in memory already, in as many threads.
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnxruntime
from PIL import Image
from rich.table import Table

from benchmarks.database import empty_database, running_server
from fluffy_sql.cli.console import stdout_console
from fluffy_sql.embedding import efficientnet
from fluffy_sql.operations.embed.service import EmbedRequest, embed
from fluffy_sql.postgres.schema import migrate
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import embedding_settings

_PHOTOS = 400
_SIZES = ((640, 480), (4000, 3000))
_JOBS = os.cpu_count() or 1


class _Watched(onnxruntime.InferenceSession):  # type: ignore[misc]  # onnxruntime has no types
    """A network of which it is known when it ran, over all threads."""

    spans: ClassVar[list[tuple[float, float]]] = []

    def run(self, *arguments: Any) -> Any:
        """Runs it and notes when."""
        begun = time.perf_counter()
        try:
            return super().run(*arguments)
        finally:
            self.spans.append((begun, time.perf_counter()))

    @classmethod
    def seconds(cls) -> float:
        """How long at least one thread was in it."""
        total, until = 0.0, 0.0
        for begun, ended in sorted(cls.spans):
            total += max(0.0, ended - max(begun, until))
            until = max(until, ended)
        return total


def main() -> None:
    """Measures, and prints a table."""
    table = Table(title=f"Built-in model, {_PHOTOS} photos, {_JOBS} threads", title_justify="left")
    for heading in ("photos of", "photos/s", "bare loop, photos/s", "network of the time"):
        table.add_column(heading, justify="right")
    onnxruntime.InferenceSession = _Watched
    with running_server(None) as server_url, tempfile.TemporaryDirectory() as folder:
        for size in _SIZES:
            photos = Path(folder) / f"{size[0]}"
            _draw(photos, size)
            _Watched.spans.clear()
            rate = _embed(server_url, photos)
            in_network = _Watched.seconds() * rate / _PHOTOS
            table.add_row(
                f"{size[0]} x {size[1]}",
                f"{rate:,.0f}",
                f"{_bare_loop():,.0f}",
                f"{in_network:.0%}",
            )
    stdout_console().print(table)


def _draw(folder: Path, size: tuple[int, int]) -> None:
    """JPEGs of soft noise, of about as many bytes as photos of their size."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(_PHOTOS):
        noise = generator.integers(0, 255, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).resize(size, Image.Resampling.BILINEAR)
        picture.save(folder / f"{number}.jpg", quality=90)


def _embed(server_url: str, folder: Path) -> float:
    """Photos a second, from files to a database."""
    with empty_database(server_url) as url:
        migrate(url)
        with Session.open(url) as session:
            request = EmbedRequest(settings=embedding_settings(), folder=folder)
            return embed(session, request).photos_per_second or 0.0


def _bare_loop() -> float:
    """Photos a second of the network alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = _Watched(efficientnet.efficientnet_lite0(), options)
    [given] = session.get_inputs()
    pixels = {given.name: np.zeros((1, efficientnet.SIDE, efficientnet.SIDE, 3), dtype=np.uint8)}
    with ThreadPoolExecutor(_JOBS) as pool:
        begun = time.perf_counter()
        for _ in pool.map(lambda _: session.run(None, pixels), range(_PHOTOS)):
            pass
    return _PHOTOS / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
