"""Contact sheets: one picture for each cluster, to be looked at by itself."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from fluffy_sql.operations.report.fonts import built_in, font_for
from fluffy_sql.operations.report.words import distance

CELL = 160
_COLUMNS = 6
_GAP = 16
_MARGIN = 40
# How tall the tile of a photo is that can't be shown.
_LOST = 120
_CAPTION = 26
_HEADING = 46
_TITLE = 92
_WIDTH = 2 * _MARGIN + _COLUMNS * CELL + (_COLUMNS - 1) * _GAP

_PAPER, _INK, _SOFT, _EMPTY = "#fbfaf7", "#1d1c1a", "#6b665e", "#ece8df"
# A third of the bytes of full colour, and dithered one can hardly tell.
_COLOURS = 256


@dataclass(frozen=True)
class Tile:
    """A photo on a sheet, or why it is not there.

    Attributes:
        picture: that fits into a square of `CELL` pixels; None if it could not be read.
        trouble: why it could not.
    """

    rank: int
    distance: float | None
    picture: Image.Image | None
    trouble: str = ""


@dataclass(frozen=True)
class Row:
    """A section of a sheet, under its heading."""

    heading: str
    note: str
    tiles: Sequence[Tile]


def draw_sheet(title: str, facts: str, rows: Sequence[Row]) -> Image.Image:
    """Draws the contact sheet of one cluster: a title, its facts on one line, and the sections.

    A section without tiles is left out.
    """
    rows = [row for row in rows if row.tiles]
    height = 2 * _MARGIN + _TITLE + sum(_height(row) for row in rows)
    sheet = Image.new("RGB", (_WIDTH, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    _write(pen, (_MARGIN, _MARGIN), title, 34, _INK)
    _write(pen, (_MARGIN, _MARGIN + 48), facts, 18, _SOFT)
    top = _MARGIN + _TITLE
    for row in rows:
        _draw_row(sheet, pen, row, top)
        top += _height(row)
    # Pillow dithers only to a palette it is given. This way of finding one takes 9 ms, another 300.
    palette = sheet.quantize(_COLOURS, Image.Quantize.FASTOCTREE)
    return sheet.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _height(row: Row) -> int:
    return _HEADING + sum(_line_height(line) for line in _lines(row))


def _lines(row: Row) -> list[Sequence[Tile]]:
    return [row.tiles[start : start + _COLUMNS] for start in range(0, len(row.tiles), _COLUMNS)]


def _line_height(line: Sequence[Tile]) -> int:
    return _tallest(line) + _CAPTION + _GAP


def _tallest(line: Sequence[Tile]) -> int:
    return max(tile.picture.height if tile.picture else _LOST for tile in line)


def _draw_row(sheet: Image.Image, pen: ImageDraw.ImageDraw, row: Row, top: int) -> None:
    pen.line((_MARGIN, top, _WIDTH - _MARGIN, top), fill=_EMPTY, width=2)
    _write(pen, (_MARGIN, top + 13), row.heading, 20, _INK)
    after = _MARGIN + round(built_in(20).getlength(row.heading)) + 12
    _write(pen, (after, top + 16), row.note, 17, _SOFT)
    top += _HEADING
    for line in _lines(row):
        # The photos of a line stand on one line.
        ground = top + _tallest(line)
        for column, tile in enumerate(line):
            _draw_tile(sheet, pen, tile, (_MARGIN + column * (CELL + _GAP), ground))
        top += _line_height(line)


def _draw_tile(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, tile: Tile, place: tuple[int, int]
) -> None:
    """Draws a tile that begins at the left of its place and stands on it."""
    left, ground = place
    right = left + CELL
    if tile.picture is None:
        pen.rectangle((left, ground - _LOST, right - 1, ground - 1), fill=_EMPTY)
        middle = (left + CELL / 2, ground - _LOST / 2)
        pen.text(middle, tile.trouble, font=built_in(17), fill=_SOFT, anchor="mm")
    else:
        sheet.paste(tile.picture, (left, ground - tile.picture.height))
    told = distance(tile.distance)
    pen.text((left, ground + 5), f"{tile.rank:,}", font=built_in(15), fill=_INK)
    pen.text((right, ground + 5), told, font=built_in(15), fill=_SOFT, anchor="ra")


def _write(
    pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, colour: str
) -> None:
    """Writes a line, cut at the right margin."""
    font, text = font_for(text, size)
    room = _WIDTH - _MARGIN - place[0]
    if font.getlength(text) > room:
        too_long = bisect_left(
            range(len(text)), True, key=lambda kept: font.getlength(text[:kept] + "...") > room
        )
        text = text[: too_long - 1] + "..."
    pen.text(place, text, font=font, fill=colour)
