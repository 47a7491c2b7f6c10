"""Draws the sample library and loads it the way a user loads a library: from files."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from fluffy_sql.operations.importing import find_file, import_photos
from fluffy_sql.operations.sample_library.library import (
    PICTURES_PER_THEME,
    SamplePicture,
    draw_sample_library,
)
from fluffy_sql.operations.sample_library.themes import THEMES
from fluffy_sql.postgres.session import Session


def load_sample_library(
    session: Session,
    folder: Path,
    *,
    pictures_per_theme: int = PICTURES_PER_THEME,
    watch: Callable[[Iterable[SamplePicture], int], Iterable[SamplePicture]] | None = None,
) -> int:
    """Draws the pictures, writes embeddings.npy and photos.csv beside them, and imports these.

    Args:
        session: on a migrated database.
        folder: for the pictures; made if it is missing.
        pictures_per_theme: how many of each of the twelve themes.
        watch: passes on the pictures as they are drawn, and is told how many it will be.

    Returns:
        How many photos were added.
    """
    drawn = draw_sample_library(folder, pictures_per_theme=pictures_per_theme)
    pictures = list(watch(drawn, len(THEMES) * pictures_per_theme) if watch else drawn)
    embeddings, photos = folder / "embeddings.npy", folder / "photos.csv"
    np.save(embeddings, np.stack([picture.embedding for picture in pictures]))
    with photos.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "theme"])
        rows.writerows((picture.path, picture.theme) for picture in pictures)
    return import_photos(session, find_file(embeddings, photos)).photos_added
