"""Folders of links, if photos of one cluster have one name."""

from pathlib import Path

from fluffy_sql.operations.export import FOLDERS, ExportedPhoto, Place, write_export


def test_each_photo_has_a_link_whatever_the_names(tmp_path: Path) -> None:
    long = "x" * 251 + ".jpg"
    paths = ["a/1.jpg", "a/1 (3).jpg", "b/1.jpg", f"a/{long}", f"b/{long}"]
    for path in paths:
        file = tmp_path / "photos" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    photos = [
        ExportedPhoto(
            cluster_id=1,
            cluster_name=None,
            scope=None,
            photo_id=rank,
            key=None,
            path=path,
            rank=rank,
            distance=None,
        )
        for rank, path in enumerate(paths, start=1)
    ]
    place = Place(tmp_path / "photos")
    assert write_export(photos, tmp_path / "out", FOLDERS, place).photos == len(paths)
    linked = {str(link.readlink()) for link in (tmp_path / "out" / "0001").iterdir()}
    assert linked == {str(place.root / path) for path in paths}
