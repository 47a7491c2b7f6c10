"""Photos of every kind as small pictures, or the reason why not."""

import base64
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fluffy_sql.embedding import pictures
from fluffy_sql.embedding.files import Reason, UnreadableError
from fluffy_sql.operations.report.pictures import data_uri, mosaic, read_small

SIDE = 64
RED, GREEN, BLUE, WHITE = (220, 30, 40), (30, 200, 60), (40, 60, 210), (255, 255, 255)


def halves(size: tuple[int, int] = (200, 100)) -> Image.Image:
    """Red at the left, blue at the right."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, size[0], size[1]))
    return image


def saved(folder: Path, image: Image.Image, name: str, **options: Any) -> Path:
    image.save(folder / name, **options)
    return folder / name


def about(colour: tuple[int, int, int], tolerance: int = 12) -> Any:
    return pytest.approx(colour, abs=tolerance)


def corners(image: Image.Image) -> tuple[Any, Any]:
    """The colours near the top left and the bottom right."""
    return (image.getpixel((3, 3)), image.getpixel((image.width - 4, image.height - 4)))


def reason(file: Path) -> Reason:
    with pytest.raises(UnreadableError) as error:
        read_small(file, SIDE)
    return error.value.reason


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.bmp", "a.tiff", "a.ppm", "a.avif"]
)
def test_formats(tmp_path: Path, name: str) -> None:
    small = read_small(saved(tmp_path, halves(), name), SIDE)
    assert (small.mode, small.size) == ("RGB", (SIDE, SIDE // 2))
    assert corners(small) == (about(RED), about(BLUE))


def test_a_name_may_lie_about_the_format(tmp_path: Path) -> None:
    saved(tmp_path, halves(), "a.png").rename(tmp_path / "a.jpg")
    assert read_small(tmp_path / "a.jpg", SIDE).size == (SIDE, SIDE // 2)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((200, 100), (64, 32)),
        ((100, 200), (32, 64)),
        ((30, 20), (30, 20)),
        ((1, 1), (1, 1)),
        ((64, 64), (64, 64)),
    ],
)
def test_a_picture_fits_and_is_never_made_larger(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert read_small(saved(tmp_path, halves(size), "a.png"), SIDE).size == expected


@pytest.mark.parametrize("size", [(4_000, 100), (100, 4_000)])
@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_of_a_panorama_the_middle_is_shown_sharply(
    tmp_path: Path, size: tuple[int, int], name: str
) -> None:
    image = Image.new("RGB", size, RED)
    wide, tall = size
    image.paste(GREEN, (wide // 2 - 40, tall // 2 - 40, wide // 2 + 40, tall // 2 + 40))
    small = read_small(saved(tmp_path, image, name), SIDE)
    assert sorted(small.size) == [29, 64]
    assert small.getpixel((small.width // 2, small.height // 2)) == about(GREEN)
    assert small.getpixel((1, 1)) == about(RED)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tiff"])
def test_a_photo_taken_sideways_is_upright(tmp_path: Path, orientation: int, name: str) -> None:
    upright = Image.new("RGB", (80, 160), RED)
    upright.paste(GREEN, (0, 0, 80, 40))
    upright.paste(BLUE, (0, 40, 20, 160))
    back = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = upright
    for turn in back.get(orientation, []):
        stored = stored.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    small = read_small(saved(tmp_path, stored, name, exif=exif), SIDE)
    assert small.size == (32, 64)
    assert small.getpixel((16, 5)) == about(GREEN, 40)
    assert small.getpixel((3, 40)) == about(BLUE, 40)
    assert small.getpixel((25, 58)) == about(RED, 40)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_data_do_not_hide_a_photo(tmp_path: Path) -> None:
    file = saved(tmp_path, halves(), "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\x7fjunk")
    assert read_small(file, SIDE).size == (SIDE, SIDE // 2)
    # An orientation in letters.
    letters = b"\x01\0\x12\x01\x02\0\x04\0\0\0abc\0\0\0\0\0"
    file = saved(tmp_path, halves(), "b.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0" + letters)
    assert read_small(file, SIDE).size == (SIDE, SIDE // 2)


# Modes


def test_cmyk(tmp_path: Path) -> None:
    file = saved(tmp_path, halves().convert("CMYK"), "a.jpg")
    assert corners(read_small(file, SIDE)) == (about(RED, 25), about(BLUE, 25))


def test_grey_and_black_and_white(tmp_path: Path) -> None:
    grey = read_small(saved(tmp_path, Image.new("L", (90, 90), 77), "a.jpg"), SIDE)
    assert grey.getpixel((9, 9)) == about((77, 77, 77), 3)
    bits = Image.new("1", (90, 90), 1)
    assert read_small(saved(tmp_path, bits, "b.png"), SIDE).getpixel((9, 9)) == WHITE


def test_grey_of_16_bits_keeps_its_brightness(tmp_path: Path) -> None:
    values = np.full((90, 90), 0x8000, dtype=np.uint16)
    small = read_small(saved(tmp_path, Image.fromarray(values), "a.png"), SIDE)
    assert small.getpixel((9, 9)) == about((128, 128, 128), 2)


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_grey_of_other_depths_goes_from_its_darkest_to_its_brightest(
    tmp_path: Path, dtype: Any
) -> None:
    values = np.zeros((90, 180), dtype=dtype)
    values[:, 90:] = 100_000
    small = read_small(saved(tmp_path, Image.fromarray(values), "a.tiff"), SIDE)
    assert corners(small) == ((0, 0, 0), WHITE)
    flat = Image.fromarray(np.full((9, 9), 5, dtype=dtype))
    assert read_small(saved(tmp_path, flat, "b.tiff"), SIDE).getpixel((3, 3)) == (0, 0, 0)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    image = halves().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    image.paste((*RED, 255), (0, 0, 100, 100))
    assert corners(read_small(saved(tmp_path, image, "a.png"), SIDE)) == (about(RED), WHITE)


def test_a_palette_with_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (200, 100), 0)
    image.putpalette([*RED, *BLUE])
    image.paste(1, (100, 0, 200, 100))
    file = saved(tmp_path, image, "a.png", transparency=1)
    assert corners(read_small(file, SIDE)) == (about(RED), WHITE)
    opaque = saved(tmp_path, image, "b.gif")
    assert corners(read_small(opaque, SIDE)) == (about(RED), about(BLUE))


def test_of_an_animation_the_first_frame_is_shown(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (90, 90), colour) for colour in (GREEN, RED)]
    file = saved(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:])
    assert read_small(file, SIDE).getpixel((9, 9)) == about(GREEN)


# What can't be shown


def test_missing(tmp_path: Path) -> None:
    assert reason(tmp_path / "none.jpg") is Reason.MISSING
    (tmp_path / "file").touch()
    assert reason(tmp_path / "file" / "a.jpg") is Reason.MISSING


def test_not_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert reason(tmp_path / "a.jpg") is Reason.NOT_READABLE


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert reason(tmp_path / "a.jpg") is Reason.EMPTY


@pytest.mark.parametrize("content", [b"words, not pixels", b"\xff\xd8\xff", b"\0" * 5_000])
def test_not_an_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert reason(tmp_path / "a.jpg") is Reason.NOT_AN_IMAGE


def test_a_program_s_format_is_not_an_image(tmp_path: Path) -> None:
    """Pillow would start Ghostscript for this one."""
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    assert reason(tmp_path / "a.jpg") is Reason.NOT_AN_IMAGE


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.tiff", "a.bmp"])
def test_a_file_that_breaks_off(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 120, 3), dtype=np.uint8)
    file = saved(tmp_path, Image.fromarray(noise), name)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert reason(file) in {Reason.DAMAGED, Reason.NOT_AN_IMAGE}


def test_a_decoder_may_raise_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(tmp_path, halves(), "a.png")

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(pictures, "_fitted", fail)
    assert reason(file) is Reason.DAMAGED
    monkeypatch.setattr(Image, "open", fail_to_open)
    assert reason(file) is Reason.DAMAGED


def fail_to_open(*_: object, **__: object) -> None:
    raise struct.error("unpack requires a buffer of 4 bytes")


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes that would be unpacked into width x height pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(7_000, 7_000), (50_000, 50_000)])
def test_a_bomb_is_refused_before_it_is_decoded(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(png_that_claims(*size))

    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decode)
    assert reason(tmp_path / "a.png") is Reason.TOO_LARGE


def test_a_large_jpeg_is_decoded_at_a_part_of_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(tmp_path, halves((8_000, 6_000)), "a.jpg")
    loaded = []
    resizable = pictures._resizable

    def watch(image: Image.Image) -> Image.Image:
        loaded.append(image.size)
        return resizable(image)

    monkeypatch.setattr(pictures, "_resizable", watch)
    small = read_small(file, 160)
    assert small.size == (160, 120)
    assert loaded == [(1_000, 750)]
    assert corners(small) == (about(RED), about(BLUE))


# What goes into the page


def decoded(uri: str) -> Image.Image:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_picture_becomes_an_address(tmp_path: Path) -> None:
    uri = data_uri(halves((120, 90)), 60, 60)
    assert decoded(uri).size == (60, 45)
    assert decoded(data_uri(halves((120, 90)), 200, 60)).size == (120, 90)
    assert len(uri) < 1_000


@pytest.mark.parametrize(
    ("colours", "expected"),
    [
        ([RED], [RED, RED, RED]),
        ([RED, GREEN], [RED, GREEN, GREEN]),
        ([RED, GREEN, BLUE], [RED, GREEN, BLUE]),
        ([RED, GREEN, BLUE, WHITE], [RED, GREEN, BLUE]),
    ],
)
def test_a_cover_has_the_first_photo_as_a_square_and_others_beside_it(
    colours: list[tuple[int, int, int]], expected: list[tuple[int, int, int]]
) -> None:
    photos = [Image.new("RGB", (40 + 30 * place, 90), one) for place, one in enumerate(colours)]
    cover = mosaic(photos, (90, 60))
    assert cover.size == (90, 60)
    assert [cover.getpixel(at) for at in ((58, 30), (75, 10), (75, 50))] == expected
