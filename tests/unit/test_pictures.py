"""Photos as a model is shown them, and what their files say of them."""

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms
from pillow_heif import register_heif_opener

from fluffy_sql.embedding.files import Reason, UnreadableError
from fluffy_sql.embedding.pictures import PictureFacts, describe_picture
from tests.colours import read_picture
from tests.unit.test_report_pictures import BLUE, RED, about, halves, png_that_claims, saved

register_heif_opener()  # to write them, too

TAKEN = datetime(2024, 2, 29, 23, 59, 1)  # noqa: DTZ001 - as a camera says it


def exif(orientation: int = 1, taken: str = "2024:02:29 23:59:01") -> Image.Exif:
    told = Image.Exif()
    told[0x0112] = orientation
    told.get_ifd(0x8769)[0x9003] = taken
    return told


def left_and_right(image: Image.Image) -> tuple[Any, Any]:
    middle = image.height // 2
    return image.getpixel((2, middle)), image.getpixel((image.width - 3, middle))


@pytest.mark.parametrize(
    "name",
    [*("a.jpg", "a.png", "a.webp", "a.gif", "a.bmp", "a.tiff", "a.avif"), "a.heic"],
)
def test_formats(tmp_path: Path, name: str) -> None:
    file = saved(tmp_path, halves((200, 100)), name)
    picture = read_picture(file, 100)
    assert (picture.mode, picture.size) == ("RGB", (100, 50))
    assert left_and_right(picture) == (about(RED), about(BLUE))
    assert describe_picture(file) == PictureFacts(200, 100, None)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tiff", "a.avif", "a.heic"])
def test_a_photo_taken_sideways(tmp_path: Path, name: str) -> None:
    sideways = halves((200, 100)).transpose(Image.Transpose.ROTATE_90)
    file = saved(tmp_path, sideways, name, exif=exif(orientation=6).tobytes())
    picture = read_picture(file, 100)
    assert picture.size == (100, 50)
    assert left_and_right(picture) == (about(RED), about(BLUE))
    assert describe_picture(file) == PictureFacts(200, 100, TAKEN)


@pytest.mark.parametrize("taken", ["", "0000:00:00 00:00:00", "yesterday", "2024:02:30 00:00:00"])
def test_a_camera_without_a_clock(tmp_path: Path, taken: str) -> None:
    file = saved(tmp_path, halves(), "a.jpg", exif=exif(taken=taken))
    assert describe_picture(file).taken_at is None


def located(*place: object) -> Image.Exif:
    told = exif()
    told.get_ifd(0x8825).update(dict(zip((1, 2, 3, 4), place, strict=True)))
    return told


def test_where_a_photo_was_taken(tmp_path: Path) -> None:
    place = ("S", (33.0, 51.0, 24.0), "E", (151.0, 12.0, 36.0))
    facts = describe_picture(saved(tmp_path, halves(), "a.jpg", exif=located(*place)))
    assert (facts.latitude, facts.longitude) == pytest.approx((-33.8567, 151.21), abs=1e-4)
    for nowhere in (("N", (0.0,) * 3, "E", (0.0,) * 3), ("N", (91.0, 0.0, 0.0), *place[2:])):
        file = saved(tmp_path, halves(), "b.jpg", exif=located(*nowhere))
        assert describe_picture(file) == PictureFacts(200, 100, TAKEN)


def test_colours_are_those_that_the_profile_means(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    other = saved(tmp_path, halves(), "o.jpg", icc_profile=lab)
    assert left_and_right(read_picture(other, 100)) == (about(RED), about(BLUE))
    junk = saved(tmp_path, halves(), "j.jpg", icc_profile=b"junk")
    assert left_and_right(read_picture(junk, 100)) == (about(RED), about(BLUE))
    linear = saved(tmp_path, Image.new("RGB", (90, 90), (55, 55, 55)), "l.png", icc_profile=LINEAR)
    assert read_picture(linear, 100).getpixel((9, 9)) == about((128, 128, 128), 3)


def _linear_profile() -> bytes:
    """sRGB with a gamma of 1, so that 55 means what 128 does in sRGB."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for index in range(int.from_bytes(made[128:132])):
        tag = 132 + 12 * index
        if bytes(made[tag : tag + 4]) in {b"rTRC", b"gTRC", b"bTRC"}:
            place = int.from_bytes(made[tag + 4 : tag + 8])
            # a curve without points is the identity
            made[place : place + 12] = b"curv\0\0\0\0\0\0\0\0"
            made[tag + 8 : tag + 12] = (12).to_bytes(4)
    return bytes(made)


LINEAR = _linear_profile()


def reasons(file: Path) -> set[Reason]:
    found = set()
    for read in (describe_picture, lambda file: read_picture(file, 100)):
        try:
            read(file)
        except UnreadableError as error:
            found.add(error.reason)
    return found


def test_what_is_no_photo(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    assert reasons(photo) == {Reason.MISSING}
    photo.touch()
    assert reasons(photo) == {Reason.EMPTY}
    photo.write_text("words")
    assert reasons(photo) == {Reason.NOT_AN_IMAGE}
    photo.write_bytes(png_that_claims(50_000, 50_000))
    assert reasons(photo) == {Reason.TOO_LARGE}
    written = io.BytesIO()
    halves().save(written, "JPEG")
    photo.write_bytes(written.getvalue()[:600])
    assert reasons(photo) <= {Reason.DAMAGED, Reason.NOT_AN_IMAGE}
