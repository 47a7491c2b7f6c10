"""Reads photos of any kind as small pictures, without trusting what they claim to be."""

import base64
import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from fluffy_sql.embedding.files import Reason, UnreadableError

# Pillow reads more, some of it through programs that it starts (EPS).
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_DECODED_LARGER = 1.25
# What is decoded whole: 160 MB in RGBA. A JPEG is decoded at an eighth of its sides or more.
_MOST_PIXELS = 40_000_000
# How long a picture may be for its width; of a longer one the middle is shown.
_LONGEST = 2.2
# What turns a photo upright, by the orientation that its EXIF data tell.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PAPER = "white"


def read_small(file: Path, side: int) -> Image.Image:
    """A photo that `locate` found, upright and in RGB, so that it fits `side` pixels each way.

    Raises:
        UnreadableError: it is not there, no picture, damaged, or too large to decode.
    """
    try:
        with file.open("rb") as stream:
            return _read(stream, side)
    except (FileNotFoundError, NotADirectoryError):
        raise UnreadableError(Reason.MISSING) from None
    except OSError:
        raise UnreadableError(Reason.NOT_READABLE) from None


def _read(stream: BinaryIO, side: int) -> Image.Image:
    try:
        with Image.open(stream, formats=_FORMATS) as image:
            return _small(image, side)
    except UnreadableError:
        raise
    except UnidentifiedImageError:
        raise UnreadableError(Reason.NOT_AN_IMAGE) from None
    except Image.DecompressionBombError:
        raise UnreadableError(Reason.TOO_LARGE) from None
    except Exception:  # noqa: BLE001 - what nonsense makes a decoder raise is anyone's guess
        raise UnreadableError(Reason.DAMAGED) from None


def _small(image: Image.Image, side: int) -> Image.Image:
    # A JPEG can be decoded at an eighth of its sides, a quarter or a half.
    scale = _DECODED_LARGER * side / _longest(_middle(image.size))
    image.draft("RGB", (round(image.width * scale) or 1, round(image.height * scale) or 1))
    if image.width * image.height > _MOST_PIXELS:
        raise UnreadableError(Reason.TOO_LARGE)
    image.load()
    middle = _middle(image.size)
    scale = min(1.0, side / _longest(middle))
    left, top, right, bottom = middle
    size = round((right - left) * scale) or 1, round((bottom - top) * scale) or 1
    small = _resizable(image).resize(size, Image.Resampling.LANCZOS, box=middle, reducing_gap=2.0)
    # Asked for once it is loaded, since for some formats that turns a picture upright.
    orientation = _orientation(image)
    small = _on_paper(small)
    return small.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else small


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - broken EXIF data leave a photo that can be looked at
        return 1


def _middle(size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The box in the middle of a picture that is kept if the whole would be a line."""
    width, height = size
    wide, tall = min(width, _LONGEST * height), min(height, _LONGEST * width)
    left, top = (width - wide) / 2, (height - tall) / 2
    return left, top, left + wide, top + tall


def _longest(box: tuple[float, float, float, float]) -> float:
    left, top, right, bottom = box
    return max(right - left, bottom - top)


def _resizable(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be resized smoothly."""
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_in_256_levels(np.asarray(image)))
    return image if image.mode in {"RGB", "L"} else image.convert("RGB")


def _in_256_levels(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey of 16 bits by its upper 8; of other depths from its darkest to its brightest."""
    if values.dtype == np.uint16:
        return (values >> 8).astype(np.uint8)
    darkest, brightest = float(values.min()), float(values.max())
    scaled = (values - darkest) * (255 / max(brightest - darkest, 1e-12))
    return scaled.astype(np.uint8)


def _on_paper(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    paper = Image.new("RGBA", image.size, _PAPER)
    paper.alpha_composite(image)
    return paper.convert("RGB")


def square(image: Image.Image, side: int) -> Image.Image:
    """The middle of a picture, as a square."""
    return ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)


def data_uri(image: Image.Image, height: int, quality: int) -> str:
    """A picture of at most this height, as the address of an image that is part of a page."""
    if image.height > height:
        width = max(1, round(image.width * height / image.height))
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.save(written, "WEBP", quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(written.getvalue()).decode("ascii")
