"""Contact sheets, and the pictures of a whole report."""

import base64
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from fluffy_sql.operations.report import album, fonts
from fluffy_sql.operations.report.album import (
    PagePhoto,
    Place,
    make_pictures,
    section_heading,
    sheet_name,
    title,
)
from fluffy_sql.operations.report.model import Photo, Shown
from fluffy_sql.operations.report.sheets import CELL, Row, Tile, draw_sheet
from tests.unit.report_helpers import a_cluster, a_photo

RED, BLUE, PAPER = (220, 30, 40), (40, 60, 210), (251, 250, 247)


def tiles(number: int, colour: tuple[int, int, int] = RED) -> list[Tile]:
    return [Tile(i, 0.1, Image.new("RGB", (CELL, CELL), colour)) for i in range(1, number + 1)]


def share(sheet: Image.Image, colour: tuple[int, int, int]) -> float:
    """The share of a sheet that has about this colour."""
    pixels = np.asarray(sheet.convert("RGB"), dtype=np.int16)
    return float((np.abs(pixels - colour).max(axis=2) < 12).mean())


# A sheet


def test_a_sheet_holds_its_photos_section_by_section() -> None:
    sheet = draw_sheet(
        "Cluster 3", "7 photos", [Row("A", "", tiles(7)), Row("B", "", tiles(2, BLUE))]
    )
    area = sheet.width * sheet.height
    assert share(sheet, RED) == pytest.approx(7 * CELL**2 / area, rel=0.05)
    assert share(sheet, BLUE) == pytest.approx(2 * CELL**2 / area, rel=0.05)
    upper, lower = (
        sheet.crop((0, 0, sheet.width, sheet.height // 2)),
        sheet.crop((0, sheet.height // 2, sheet.width, sheet.height)),
    )
    assert share(upper, BLUE) == 0
    assert share(lower, BLUE) > 0


def test_a_section_without_photos_takes_no_room() -> None:
    one = draw_sheet("Cluster 3", "", [Row("A", "", tiles(1))])
    assert draw_sheet("Cluster 3", "", [Row("A", "", tiles(1)), Row("B", "", [])]).size == one.size
    assert draw_sheet("Cluster 3", "", []).height < one.height


def test_a_photo_that_can_not_be_shown_is_labelled() -> None:
    def drawn(trouble: str) -> bytes:
        return draw_sheet("", "", [Row("A", "", [Tile(1, None, None, trouble)])]).tobytes()

    assert drawn("missing") != drawn("damaged")


@pytest.mark.parametrize(
    "name",
    [
        "x" * 5_000,
        "<script>alert(1)</script>",
        "a\nb\tc",
        "\u202egnp.exe",
        "👩‍🚀 🌲",
        "森林",
        "ä",
        "",
    ],
)
def test_any_name_can_be_written(name: str) -> None:
    cluster = a_cluster(3, name=name)
    assert draw_sheet(title(cluster), "", [Row("A", "", tiles(1))]).width == 1120


def test_a_long_title_stays_on_the_sheet() -> None:
    sheet = draw_sheet("W" * 500, "", []).convert("RGB")
    assert sheet.crop((sheet.width - 30, 0, sheet.width, sheet.height)).getcolors() == [
        (30 * sheet.height, sheet.getpixel((0, 0)))
    ]


def test_letters_that_no_font_has_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_FONTS", ("",))
    assert fonts.font_for("forest", 20)[1] == "forest"
    assert fonts.font_for("🌲 forest  森林", 20)[1] == "forest"


def test_a_font_that_has_the_letters_is_found() -> None:
    try:
        ImageFont.truetype("DejaVuSans.ttf", 20)
    except OSError:
        pytest.skip("DejaVu Sans is not installed")
    font, text = fonts.font_for("Wälder", 20)
    assert (font.getname()[0], text) == ("DejaVu Sans", "Wälder")


# The pictures of a report


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Pictures a0.jpg to a9.jpg, and a file that is none."""
    root = tmp_path / "library"
    root.mkdir()
    for index in range(10):
        Image.new("RGB", (320, 240), RED if index else BLUE).save(root / f"a{index}.jpg")
    (root / "words.jpg").write_text("not a picture")
    (tmp_path / "sheets").mkdir()
    return root


def shown(cluster_id: int = 1, *paths: str, photos: int | None = None) -> Shown:
    return Shown(
        a_cluster(cluster_id, photos=len(paths) if photos is None else photos),
        tuple(a_photo(index, path) for index, path in enumerate(paths, start=1)),
    )


def at(root: Path) -> Place:
    return Place(root, root.parent / "report")


def picture(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_each_cluster_gets_a_sheet_and_pictures_for_the_page(library: Path) -> None:
    heard: list[int] = []
    clusters = [shown(1, "a0.jpg", "a1.jpg"), shown(12_345, "a2.jpg")]
    sheets = library.parent / "sheets"
    first, second = make_pictures(clusters, at(library), sheets, heard.append)
    assert heard == [1, 2]
    assert sorted(file.name for file in sheets.iterdir()) == ["0001.png", "12345.png"]
    with Image.open(sheets / "0001.png") as sheet:
        assert sheet.format == "PNG"
        assert share(sheet, RED) == pytest.approx(share(sheet, BLUE), rel=0.05)
    assert first.sheet_bytes == (sheets / "0001.png").stat().st_size
    assert [made.photo.path for made in first.sections["central"]] == ["a0.jpg", "a1.jpg"]
    [central, _] = first.sections["central"]
    assert picture(central.uri).size == (central.width, central.height) == (320, 240)
    assert (central.file, central.opens) == ("../library/a0.jpg", True)
    assert (first.on_cover, second.on_cover) == (2, 1)
    assert first.cover != second.cover
    assert picture(first.cover).size == (384, 256)
    assert (first.troubles(), second.troubles()) == (Counter(), Counter())


def test_photos_that_can_not_be_shown_are_counted_by_reason(library: Path) -> None:
    paths = ["none.jpg", "words.jpg", "../x.jpg", "http://x/y.jpg", "../y.jpg", "a1.jpg"]
    [made] = make_pictures(
        [shown(1, *paths)], at(library), library.parent / "sheets", lambda _: None
    )
    assert made.troubles() == Counter(missing=1, not_an_image=1, outside_root=2, address=1)
    assert [bool(photo.uri) for photo in made.sections["central"]] == [False] * 5 + [True]
    # The first that can be shown stands for the cluster.
    assert (made.on_cover, picture(made.cover).size) == (1, (384, 256))


def test_a_cluster_without_photos_gets_a_sheet(library: Path) -> None:
    [made] = make_pictures([shown(1)], at(library), library.parent / "sheets", lambda _: None)
    assert (made.cover, made.troubles()) == ("", Counter())
    assert (library.parent / "sheets" / "0001.png").exists()


def test_odd_metadata_are_not_complained_about(library: Path) -> None:
    """pytest makes an error of each warning."""
    file = library / "odd.jpg"
    exif = b"Exif\0\0II*\0\xff\xff\xff\x7fjunk"
    Image.new("RGB", (9, 9)).save(file, exif=exif)
    [made] = make_pictures(
        [shown(1, "odd.jpg")], at(library), library.parent / "sheets", lambda _: None
    )
    assert made.troubles() == Counter()


def test_many_photos_are_smaller_each(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = [album._size(tiles)[0] for tiles in (1, 600, 601, 4_500, 4_501, 10**6)]
    assert sides == [320, 320, 240, 144, 104, 104]
    monkeypatch.setattr(album, "_SIZES", ((1, 160, 65),))
    clusters = [shown(1, "a1.jpg", "a2.jpg")]
    [made] = make_pictures(clusters, at(library), library.parent / "sheets", lambda _: None)
    assert picture(made.sections["central"][0].uri).size == (104, 78)


def test_addresses_of_files_are_safe_wherever_they_lie(tmp_path: Path) -> None:
    def address(file: str) -> str:
        return Place(tmp_path, tmp_path / "a" / "b").address(tmp_path / file)

    assert address("x y#1?.jpg") == "../../x%20y%231%3F.jpg"
    assert address("a/b/javascript:alert(1)") == "javascript%3Aalert%281%29"
    assert address('"><x.jpg') == "../../%22%3E%3Cx.jpg"
    assert address("half \udcff.jpg") == "../../half%20%FF.jpg"
    # What a browser can't show is not tried.
    raw = PagePhoto(a_photo(1), file="x.heic")
    assert (raw.opens, PagePhoto(a_photo(1)).opens) == (False, False)


def test_a_sheet_that_can_not_be_written_stops_the_report(library: Path) -> None:
    with pytest.raises(OSError, match="none"):
        make_pictures([shown(1, "a1.jpg")], at(library), library.parent / "none", lambda _: None)


def test_who_stops_it_does_not_wait_for_the_rest(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def draw(heading: str, *_: object) -> Image.Image:
        drawn.append(heading)
        return Image.new("L", (9, 9))

    monkeypatch.setattr(album, "draw_sheet", draw)

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    clusters = [shown(cluster_id, "a1.jpg") for cluster_id in range(1, 501)]
    with pytest.raises(KeyboardInterrupt):
        make_pictures(clusters, at(library), library.parent / "sheets", stop)
    assert len(drawn) < 400


# Headings


def test_headings_say_what_a_section_holds() -> None:
    def heading(section: str, of: Shown) -> str:
        return ": ".join(section_heading(of, section))

    def photos(section: str, number: int) -> list[Photo]:
        return [a_photo(i, section=section) for i in range(number)]

    large = Shown(a_cluster(photos=1_050), (*photos("central", 12), *photos("between", 12)))
    assert heading("central", large) == "Central: nearest to the centroid"
    assert heading("between", large) == "Random: 12 of the 1,038 others"
    small = Shown(a_cluster(photos=5), (*photos("central", 2), *photos("between", 3)))
    assert heading("between", small) == "In between: all the others"
    without = Shown(a_cluster(photos=50, mean=None), tuple(photos("between", 12)))
    assert heading("between", without) == "Random: 12 of the 50 photos"
    few = Shown(a_cluster(photos=3, mean=None), tuple(photos("between", 3)))
    assert heading("between", few) == "Photos: all of them"


def test_names_of_sheets_sort_as_their_clusters_do() -> None:
    assert sheet_name(a_cluster(7)) == "0007.png"
    assert sheet_name(a_cluster(123_456)) == "123456.png"
