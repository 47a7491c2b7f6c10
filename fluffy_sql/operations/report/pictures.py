"""The pictures of a report: photos made small, and as parts of a page."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from fluffy_sql.embedding.pictures import Box, Size, read_fitted

# How long a picture may be for its width; of a longer one the middle is shown.
_LONGEST = 2.2


def read_small(file: Path, side: int) -> Image.Image:
    """A photo that `locate` found, upright and in RGB, so that it fits `side` pixels each way.

    Raises:
        UnreadableError: it is not there, no picture, damaged, or too large to decode.
    """

    def fit(size: Size) -> tuple[Box, Size]:
        middle = left, top, right, bottom = _middle(size)
        scale = min(1.0, side / max(right - left, bottom - top))
        return middle, (round((right - left) * scale), round((bottom - top) * scale))

    return read_fitted(file, fit)


def _middle(size: Size) -> Box:
    """The box in the middle of a picture that is kept if the whole would be a line."""
    width, height = size
    wide, tall = min(width, _LONGEST * height), min(height, _LONGEST * width)
    left, top = (width - wide) / 2, (height - tall) / 2
    return left, top, left + wide, top + tall


def mosaic(photos: Sequence[Image.Image], size: Size) -> Image.Image:
    """Up to three photos as one picture: the first as a square at the left, the others beside it.

    Two thirds as high as wide; a single photo fills it.
    """
    width, height = size
    rest = photos[1:3]
    cover = Image.new("RGB", size)
    boxes = [(0, 0, height if rest else width, height)]
    for place in range(len(rest)):
        top = place * height // len(rest)
        boxes.append((height, top, width, (place + 1) * height // len(rest)))
    for photo, (left, top, right, bottom) in zip(photos[:3], boxes, strict=True):
        fitted = ImageOps.fit(photo, (right - left, bottom - top), Image.Resampling.LANCZOS)
        cover.paste(fitted, (left, top))
    return cover


def data_uri(image: Image.Image, side: int, quality: int) -> str:
    """A picture that fits `side` pixels each way, as the address of a part of the page."""
    if max(image.size) > side:
        image = ImageOps.contain(image, (side, side), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.save(written, "WEBP", quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(written.getvalue()).decode("ascii")
