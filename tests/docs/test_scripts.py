"""The scripts of examples/ run, and say what they should; leader.py has tests of its own."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from fluffy_sql import open_library
from tests.conftest import made_library
from tests.docs.pages import CHECKOUT

Script = Callable[[str], list[str]]


@pytest.fixture
def script(
    bare_database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Script:
    """Runs a script on an empty database; returns the lines that it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", bare_database_url)

    def run(name: str) -> list[str]:
        runpy.run_path(str(CHECKOUT / "examples" / name))
        return capsys.readouterr().out.splitlines()

    return run


def test_an_array_is_clustered_and_new_photos_are_placed(script: Script) -> None:
    first, *clusters, last = script("own_embeddings.py")
    assert first == "Run 1: 200 photos in 5 clusters"
    assert len(clusters) == 5
    for line in clusters:
        assert re.fullmatch(r"cluster \d: 40 photos, such as (holidays/\d{3}.jpg(, )?){3}", line)
    assert re.fullmatch(r"Placed 1 new photo in cluster [1-5]", last)


def test_each_cluster_shows_a_theme(script: Script) -> None:
    rows, themes = made_library(5, photos=240, themes=12, spread=0.03)
    with open_library() as library:
        library.migrate()
        library.import_array([f"theme-{t}/{i}.jpg" for i, t in enumerate(themes)], rows)
    lines = script("themes.py")
    shown = [re.fullmatch(r"cluster \d+: (\d+) of \1 photos show (theme-\d+)", it) for it in lines]
    assert len({found[2] for found in shown if found}) == 12
