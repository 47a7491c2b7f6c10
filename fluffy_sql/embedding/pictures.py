"""Reads photos of any kind as small pictures, without trusting what they claim to be."""

import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from fluffy_sql.embedding.files import Reason, UnreadableError

Made = TypeVar("Made")
Size: TypeAlias = tuple[int, int]
Box: TypeAlias = tuple[float, float, float, float]

# Pillow reads more, some of it through programs that it starts (EPS).
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_DECODED_LARGER = 1.25
# What decoding takes for each pixel; twice RGBA, or more.
_BYTES_PER_PIXEL = {"AVIF": 9, "JPEG2000": 19, "WEBP": 16}
_OF_OTHERS = 8
# What one picture may take; a JPEG is decoded at an eighth of its sides or more.
_MOST_BYTES = 320_000_000
# Those that take more are decoded one after the other, and in one thread, since each thread keeps
# what memory it had.
_MANY_BYTES = 64_000_000
_one_at_a_time = ThreadPoolExecutor(1)
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
_ON_ITS_SIDE = {5, 6, 7, 8}
_PAPER = "white"


@dataclass(frozen=True)
class PictureFacts:
    """What a file says of its picture.

    Attributes:
        width, height: in pixels, as it is seen upright.
        taken_at: when, by the clock of the camera; None: it does not say.
        latitude, longitude: where, in degrees; both None: it does not say.
    """

    width: int
    height: int
    taken_at: datetime | None
    latitude: float | None = None
    longitude: float | None = None


def read_fitted(file: Path, fit: Callable[[Size], tuple[Box, Size]]) -> Image.Image:
    """A part of a photo in another size, upright and in the colours of sRGB.

    Args:
        file: found by `locate`.
        fit: the part that is wanted and its new size, by the size of the whole; called with the
            size that it is decoded in, too.

    Raises:
        UnreadableError: it is not there, no picture, damaged, or too large to decode.
    """
    return _of_image(file, lambda image: _fitted(image, fit))


def describe_picture(file: Path) -> PictureFacts:
    """What a file says of its picture, which is not decoded.

    Raises:
        UnreadableError: it is not there, or no picture.
    """

    def describe(image: Image.Image) -> PictureFacts:
        width, height = image.size
        # Of a TIFF, Pillow tells the size that it is seen in.
        if _orientation(image) in _ON_ITS_SIDE and image.format != "TIFF":
            width, height = height, width
        return PictureFacts(width, height, _taken_at(image), *_place(image))

    return _of_image(file, describe)


def _of_image(file: Path, make: Callable[[Image.Image], Made]) -> Made:
    try:
        with file.open("rb") as stream:
            return _of_stream(stream, make)
    except (FileNotFoundError, NotADirectoryError):
        raise UnreadableError(Reason.MISSING) from None
    except OSError:
        raise UnreadableError(Reason.NOT_READABLE) from None


def _of_stream(stream: BinaryIO, make: Callable[[Image.Image], Made]) -> Made:
    try:
        with Image.open(stream, formats=_formats()) as image:
            return make(image)
    except UnreadableError:
        raise
    except UnidentifiedImageError:
        empty = not stream.seek(0, io.SEEK_END)
        raise UnreadableError(Reason.EMPTY if empty else Reason.NOT_AN_IMAGE) from None
    except Image.DecompressionBombError:
        raise UnreadableError(Reason.TOO_LARGE) from None
    except Exception:  # noqa: BLE001 - what nonsense makes a decoder raise is anyone's guess
        raise UnreadableError(Reason.DAMAGED) from None


@cache
def _formats() -> tuple[str, ...]:
    try:
        from pillow_heif import register_heif_opener  # noqa: PLC0415 - an extra
    except ImportError:
        return _FORMATS
    register_heif_opener()
    return (*_FORMATS, "HEIF")


def _fitted(image: Image.Image, fit: Callable[[Size], tuple[Box, Size]]) -> Image.Image:
    # A JPEG can be decoded at an eighth of its sides, a quarter or a half.
    (left, top, right, bottom), (width, height) = fit(image.size)
    scale = _DECODED_LARGER * max(width / (right - left), height / (bottom - top))
    image.draft(None, (round(image.width * scale) or 1, round(image.height * scale) or 1))
    of_pixel = _BYTES_PER_PIXEL.get(image.format or "", _OF_OTHERS)
    if (needed := image.width * image.height * of_pixel) > _MOST_BYTES:
        raise UnreadableError(Reason.TOO_LARGE)
    if needed > _MANY_BYTES:
        return _one_at_a_time.submit(_decoded, image, fit).result()
    return _decoded(image, fit)


def _decoded(image: Image.Image, fit: Callable[[Size], tuple[Box, Size]]) -> Image.Image:
    image.load()
    box, (width, height) = fit(image.size)
    size = (max(1, width), max(1, height))
    small = _resizable(image).resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
    # Asked for once it is loaded, since for some formats that turns a picture upright.
    orientation = _orientation(image)
    image.close()  # before the next one is decoded
    small = _in_srgb(_on_paper(small), image.info.get("icc_profile"))
    return small.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else small


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - broken EXIF data leave a photo that can be looked at
        return 1


def _taken_at(image: Image.Image) -> datetime | None:
    try:
        told = image.getexif().get_ifd(ExifTags.IFD.Exif)
    except Exception:  # noqa: BLE001 - as above
        return None
    for tag in (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized):
        try:
            # It has no time zone: it is what the camera's clock showed.
            return datetime.strptime(str(told.get(tag)).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
        except ValueError:
            continue
    return None


def _place(image: Image.Image) -> tuple[float | None, float | None]:
    """Latitude and longitude; what cameras write without a fix, 0 and 0 or none, is no place."""
    try:
        told = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(told[ExifTags.GPS.GPSLatitude], told[ExifTags.GPS.GPSLatitudeRef])
        longitude = _degrees(told[ExifTags.GPS.GPSLongitude], told[ExifTags.GPS.GPSLongitudeRef])
    except Exception:  # noqa: BLE001 - as above
        return None, None
    is_place = abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude or longitude)  # noqa: PLR2004
    return (latitude, longitude) if is_place else (None, None)


def _degrees(parts: Iterable[Any], towards: str) -> float:
    """Degrees, minutes and seconds as one number; to the south and the west it is below 0."""
    degrees, minutes, seconds = map(float, parts)
    angle = degrees + minutes / 60 + seconds / 3600
    return -angle if towards.strip("\0 ") in {"S", "W"} else angle


def _resizable(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be resized smoothly."""
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_in_256_levels(np.asarray(image)))
    return image if image.mode in {"RGB", "L", "CMYK"} else image.convert("RGB")


def _in_256_levels(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey of 16 bits by its upper 8; of other depths from its darkest to its brightest."""
    if values.dtype == np.uint16:
        return (values >> 8).astype(np.uint8)
    darkest, brightest = float(values.min()), float(values.max())
    scaled = (values - darkest) * (255 / max(brightest - darkest, 1e-12))
    return scaled.astype(np.uint8)


def _on_paper(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    paper = Image.new("RGBA", image.size, _PAPER)
    paper.alpha_composite(image)
    return paper.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours that a profile says are meant; without one they are those of sRGB."""
    if profile:
        try:
            meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, meant, _srgb(), outputMode="RGB")
        except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
            pass  # it is broken, or of another kind of colours
        else:
            if converted is not None:
                return converted
    return image.convert("RGB")


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
