"""The sample library: its pictures vary, and k-means finds its themes from their descriptors."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from fluffy_sql.operations.sample_library.descriptor import DIMENSIONS, describe
from fluffy_sql.operations.sample_library.library import (
    PICTURES_PER_THEME,
    SAMPLE_SIZE,
    SamplePicture,
    draw_sample_library,
)
from fluffy_sql.operations.sample_library.scene import Scene
from fluffy_sql.operations.sample_library.themes import THEMES

# Unit-norm descriptors of two pictures of a theme lie at least 0.18 apart in the whole library;
# a picture and the same one saved as a JPEG lie at most 0.04 apart.
NEAR_DUPLICATE = 0.1


def unit_norm(pictures: list[SamplePicture]) -> NDArray[np.float64]:
    embeddings = np.stack([picture.embedding for picture in pictures]).astype(np.float64)
    return np.asarray(embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> list[SamplePicture]:
    folder = tmp_path_factory.mktemp("sample")
    return list(draw_sample_library(folder, pictures_per_theme=20, size=96))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("few") / "new"


@pytest.fixture(scope="module")
def few(folder: Path) -> list[SamplePicture]:
    """Two pictures of each theme, drawn into a folder; each is there when it is yielded."""
    pictures = []
    for picture in draw_sample_library(folder, seed=5, pictures_per_theme=2, size=48):
        assert (folder / picture.path).exists()
        pictures.append(picture)
    return pictures


def test_there_are_a_dozen_themes_of_108_pictures() -> None:
    assert len(THEMES) == 12
    assert PICTURES_PER_THEME == 108
    assert SAMPLE_SIZE == 1296


def test_the_library_lies_where_its_paths_say(folder: Path, few: list[SamplePicture]) -> None:
    assert [picture.path for picture in few[:3]] == [
        "forest/forest-001.jpg",
        "forest/forest-002.jpg",
        "city-at-night/city-at-night-001.jpg",
    ]
    assert [picture.theme for picture in few] == [theme for theme in THEMES for _ in range(2)]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")}
    assert files == {picture.path for picture in few}
    with Image.open(folder / few[0].path) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (48, 48))


def test_the_same_seed_draws_the_same_pictures_however_many(
    folder: Path, few: list[SamplePicture], tmp_path: Path
) -> None:
    again = list(draw_sample_library(tmp_path, seed=5, pictures_per_theme=1, size=48))

    for first, second in zip(few[::2], again, strict=True):
        assert (first.path, first.theme) == (second.path, second.theme)
        assert first.embedding.tobytes() == second.embedding.tobytes()
        assert (folder / first.path).read_bytes() == (tmp_path / second.path).read_bytes()


def test_another_seed_draws_other_pictures(few: list[SamplePicture], tmp_path: Path) -> None:
    other = list(draw_sample_library(tmp_path, seed=2, pictures_per_theme=2, size=48))

    assert np.linalg.norm(unit_norm(few) - unit_norm(other), axis=1).min() > NEAR_DUPLICATE


def draw(theme: str, seed: int, size: int) -> Image.Image:
    scene = Scene(np.random.default_rng(seed), size)
    THEMES[theme](scene)
    return scene.finish()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [16, 33, 64])
def test_a_theme_draws_at_any_sensible_size(theme: str, size: int) -> None:
    image = draw(theme, 3, size)

    assert (image.mode, image.size) == ("RGB", (size, size))


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (192, 192), "black"),
        Image.new("RGB", (192, 192), "white"),
        Image.new("RGB", (192, 192), (119, 119, 119)),
        Image.new("RGB", (1, 1), (200, 30, 90)),
        Image.new("RGB", (1, 300), "black"),
        Image.new("L", (20, 30), 128),
        Image.new("RGBA", (40, 40), (0, 0, 0, 0)),
        Image.new("1", (8, 8)),
    ],
    ids=["black", "white", "mid-grey", "1x1", "1x300", "grey mode", "transparent", "bilevel"],
)
def test_every_picture_has_a_usable_descriptor(image: Image.Image) -> None:
    descriptor = describe(image)

    assert descriptor.shape == (DIMENSIONS,) == (384,)
    assert descriptor.dtype == np.float32
    assert np.isfinite(descriptor).all()
    assert np.linalg.norm(descriptor) > 0.01


def test_the_first_half_describes_colours_row_by_row() -> None:
    image = Image.new("RGB", (80, 80), "black")
    image.paste("white", (70, 0, 80, 10))

    colours = describe(image)[:192].reshape(8, 8, 3)

    assert colours[0, 7] == pytest.approx([0.5, 0, 0], abs=1e-3)
    colours[0, 7] = -0.5, 0, 0
    assert colours == pytest.approx(np.broadcast_to([-0.5, 0, 0], (8, 8, 3)), abs=1e-3)


def test_the_second_half_describes_which_way_edges_run() -> None:
    stripes = np.zeros((96, 96), dtype=np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = 255

    upright = describe(Image.fromarray(stripes))[192:].reshape(16, 12)
    level = describe(Image.fromarray(stripes.T))[192:].reshape(16, 12)

    assert set(upright.argmax(axis=1)) == {0}
    assert set(level.argmax(axis=1)) == {6}
    assert level == pytest.approx(
        np.roll(upright, 6, axis=1).reshape(4, 4, 12).transpose(1, 0, 2).reshape(16, 12)
    )


def test_a_picture_and_its_enlargement_are_described_alike() -> None:
    image = draw("old-town", 0, 96)
    enlarged = image.resize((480, 480), Image.Resampling.NEAREST)

    small, large = describe(image), describe(enlarged)

    assert np.linalg.norm(small - large) < 0.02 * np.linalg.norm(small)


def test_kmeans_finds_the_themes_again(sample: list[SamplePicture]) -> None:
    themes = [picture.theme for picture in sample]
    clusters = KMeans(12, n_init=5, random_state=0).fit_predict(unit_norm(sample))
    shuffled = np.random.default_rng(0).permutation(themes)

    assert normalized_mutual_info_score(themes, clusters) >= 0.8
    assert normalized_mutual_info_score(shuffled, clusters) < 0.3


@pytest.mark.parametrize("theme", THEMES)
def test_no_two_pictures_of_a_theme_are_near_duplicates(
    sample: list[SamplePicture], theme: str
) -> None:
    pictures = [picture for picture in sample if picture.theme == theme]
    units = unit_norm(pictures)

    nearest = min(
        float(np.linalg.norm(units[:-shift] - units[shift:], axis=1).min())
        for shift in range(1, len(units))
    )

    assert nearest > NEAR_DUPLICATE
