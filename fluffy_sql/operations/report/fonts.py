"""Fonts for contact sheets: the one that comes with Pillow, and others for what it can't write."""

from functools import cache

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

# Pillow's has the letters of English alone. These are used if a system has them.
_BUILT_IN = ""
_FONTS = (
    _BUILT_IN,
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf"),
    *("Arial Unicode.ttf", "NotoSansCJK-Regular.ttc", "PingFang.ttc", "msyh.ttc", "YuGothM.ttc"),
)
# By definition no character, so that no font has a picture of it.
_NO_CHARACTER = "\uffff"


def built_in(size: int) -> FreeTypeFont:
    """The font that looks the same on every machine."""
    font = _font(_BUILT_IN, size)
    assert font is not None  # noqa: S101 - it is a part of Pillow
    return font


def font_for(text: str, size: int) -> tuple[FreeTypeFont, str]:
    """A font that can write a text, and the text without what no font here can write."""
    for name in _FONTS:
        font = _font(name, size)
        if font and all(_has_picture(name, character) for character in text):
            return font, text
    left = (character for character in text if _has_picture(_BUILT_IN, character))
    return built_in(size), " ".join("".join(left).split())


def _has_picture(name: str, character: str) -> bool:
    return _picture(name, character) != _picture(name, _NO_CHARACTER)


@cache
def _picture(name: str, character: str) -> bytes | None:
    font = _font(name, 20)
    return bytes(font.getmask(character)) if font else None


@cache
def _font(name: str, size: int) -> FreeTypeFont | None:
    try:
        font = ImageFont.truetype(name, size) if name else ImageFont.load_default(size)
    except OSError:  # this system does not have it
        return None
    return font if isinstance(font, ImageFont.FreeTypeFont) else None
