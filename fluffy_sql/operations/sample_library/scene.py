"""The brushes every theme paints with: gradients, noise, land, glows, reflections.

Places and lengths are shares of the picture's side, so a theme never sees a pixel: x runs from 0
(left) to 1 (right), y from 0 (top) to 1 (bottom). Colours are RGB triples of 0..255. Masks are
arrays of shape (size, size) with values in 0..1; what lies outside is cut off.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from fluffy_sql.operations.sample_library.colours import Colour
from fluffy_sql.operations.sample_library.lines import Field, outline, value_at

# Shapes are painted this many times larger and shrunk at the end, which smooths every edge. Masks
# are soft anyhow, so they are made at the picture's own size, which saves most of the time.
_SUPERSAMPLING = 2


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Whether something happens that happens with this probability."""
    return bool(rng.random() < probability)


@lru_cache(maxsize=4)
def _grid(side: int) -> tuple[Field, Field]:
    """Every pixel's x and y, each of shape (side, side)."""
    along = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y = np.meshgrid(along, along)
    for shared in (x, y):
        shared.setflags(write=False)
    return x, y


class Scene:
    """A square picture in the making.

    Attributes:
        rng: The source of everything random.
        x: Every pixel's x, of shape (size, size).
        y: Every pixel's y, of shape (size, size).
    """

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.rng = rng
        self._size = size
        self._side = size * _SUPERSAMPLING
        self._image = Image.new("RGB", (self._side, self._side))
        self._pen = ImageDraw.Draw(self._image, "RGBA")
        self.x, self.y = _grid(size)

    # --- surfaces

    def gradient(self, colours: Sequence[Colour], top: float = 0, bottom: float = 1) -> None:
        """Fill the rows from `top` to `bottom`, fading through `colours` downwards."""
        first, last = self._pixel(top), self._pixel(bottom)
        ramp = self._ramp(colours, max(last - first, 1))
        self._image.paste(ramp, (0, first))

    def land(self, line: Field, colours: Sequence[Colour]) -> None:
        """Fill everything below a line of heights, fading through `colours` downwards."""
        first = self._pixel(float(line.min()))
        if first >= self._side:
            return
        ramp = self._ramp(colours, self._side - first)
        mask = Image.new("L", (self._side, self._side))
        ground = [*outline(line), (1, 1.01), (0, 1.01)]
        ImageDraw.Draw(mask).polygon(self._points(ground), fill=255)
        self._image.paste(ramp, (0, first), mask.crop((0, first, self._side, self._side)))

    def wash(self, mask: Field, colour: Colour) -> None:
        """Lay a colour over the picture, as thickly as the mask says."""
        thickness = self._enlarged((np.clip(mask, 0, 1) * 255).astype(np.uint8))
        touched = thickness.getbbox()
        if touched:
            thickness = thickness.crop(touched)
            # Pillow pastes a picture through a mask faster than it pastes a bare colour.
            self._image.paste(Image.new("RGB", thickness.size, colour), touched, thickness)

    def shine(self, mask: Field, colour: Colour) -> None:
        """Add light of a colour, as strongly as the mask says; light never darkens."""
        light = np.multiply.outer(np.clip(mask, 0, 1), np.asarray(colour, dtype=np.float32))
        self._image.paste(ImageChops.screen(self._image, self._enlarged(light.astype(np.uint8))))

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float = 1) -> None:
        """Light that fades softly around a place."""
        distance2 = (self.x - x) ** 2 + (self.y - y) ** 2
        self.shine(strength / (1 + 3 * distance2 / radius**2) ** 2, colour)

    def noise(self, across: float, down: float, octaves: int = 3) -> Field:
        """Cloudy noise in 0..1 with about `across` by `down` lumps, finer ones laid over them.

        Returns:
            A mask of shape (size, size).
        """
        total = np.zeros((self._size, self._size), dtype=np.float32)
        for octave in range(octaves):
            shape = (max(round(down * 2**octave), 2), max(round(across * 2**octave), 2))
            lumps = Image.fromarray(self.rng.random(shape, dtype=np.float32))
            whole = lumps.resize((self._size, self._size), Image.Resampling.BICUBIC)
            total += 0.5**octave * np.asarray(whole)
        lowest, highest = float(total.min()), float(total.max())
        return (total - lowest) / (highest - lowest)

    def under(self, line: Field) -> Field:
        """How far below a line of heights every pixel lies: negative above it."""
        return self.y - value_at(line, self.x[0])

    def ground(self, line: Field) -> Field:
        """The mask of everything below a line of heights."""
        return np.asarray(np.clip(self._size * self.under(line) + 0.5, 0, 1))

    def slope(self, line: Field, drift: Field) -> Field:
        """Which way the ground faces below a crest: from -1, climbing to the right, to 1, falling.

        Every pixel takes after the part of the crest that lies `drift` to its right, so that the
        border between a lit face and a shaded one can wind down from a summit.
        """
        facing = np.clip(np.gradient(line) * line.size, -1, 1).astype(np.float32)
        return value_at(facing, self.x + drift)

    def clouds(self, colour: Colour, bottom: float, cover: float, flatness: float = 2.5) -> None:
        """Clouds from the top down to `bottom`; `cover` is roughly the share of sky they hide."""
        across = self.rng.uniform(1.5, 3.5)
        lumps = self.noise(across, across * flatness, 4)
        fade = np.clip((bottom - self.y) / 0.15, 0, 1)
        self.wash(np.clip((lumps - 1 + cover) * 3.5, 0, 0.92) * fade, colour)

    def sunbeams(self, x: float, colour: Colour, strength: float) -> None:
        """Light that fans out from above the upper edge at x and fades downwards."""
        turn = np.arctan2(self.x - x, self.y + 0.3) / np.pi + 0.5
        fan = value_at(self.rng.random(int(self.rng.integers(25, 60))) ** 2, turn)
        self.shine(strength * fan * np.clip(1.1 - self.y, 0, 1), colour)

    # --- shapes

    def polygon(self, points: ArrayLike, colour: Colour, opacity: float = 1) -> None:
        """Fill a polygon of places, an array of shape (n, 2)."""
        self._pen.polygon(self._points(points), fill=(*colour, round(255 * opacity)))

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle that has its upper left corner at (x, y)."""
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        self.polygon(corners, colour)

    def taper(
        self,
        start: tuple[float, float, float],
        end: tuple[float, float, float],
        colour: Colour,
        opacity: float = 1,
    ) -> None:
        """Fill the shape between two level edges, each its middle x, its y and half its width."""
        (x1, y1, half1), (x2, y2, half2) = start, end
        corners = [(x1 - half1, y1), (x1 + half1, y1), (x2 + half2, y2), (x2 - half2, y2)]
        self.polygon(corners, colour, opacity)

    def oval(
        self,
        x: float,
        y: float,
        radii: tuple[float, float],
        colour: Colour,
        opacity: float = 1,
    ) -> None:
        """Fill an ellipse around (x, y); `radii` are half its width and half its height."""
        wide, high = radii
        bounds = [self._side * place for place in (x - wide, y - high, x + wide, y + high)]
        self._pen.ellipse(bounds, fill=(*colour, round(255 * opacity)))

    def stroke(self, points: ArrayLike, width: float, colour: Colour, opacity: float = 1) -> None:
        """Draw a line through places, an array of shape (n, 2)."""
        pixels = max(round(width * self._side), 1)
        fill = (*colour, round(255 * opacity))
        self._pen.line(self._points(points), fill=fill, width=pixels, joint="curve")

    def tiles(self, x: float, y: float, cell: float, colours: NDArray[np.uint8]) -> None:
        """Paste a mosaic with its upper left corner at (x, y).

        Args:
            x: Its left edge.
            y: Its upper edge.
            cell: The side of one tile.
            colours: One colour for each tile, of shape (rows, columns, 3).
        """
        pixels = max(round(cell * self._side), 1)
        mosaic = colours.repeat(pixels, axis=0).repeat(pixels, axis=1)
        self._image.paste(Image.fromarray(mosaic), (self._pixel(x), self._pixel(y)))

    def disc(self, x: float, y: float, radius: float, colour: Colour, opacity: float = 1) -> None:
        """Fill a circle around (x, y)."""
        self.oval(x, y, (radius, radius), colour, opacity)

    def pine(self, x: float, base: float, height: float, colour: Colour) -> None:
        """A conifer that stands on `base`: boughs that widen downwards, tier by tier."""
        tiers = int(self.rng.integers(5, 9))
        down = np.linspace(0, 0.93, tiers + 1)[1:]
        reach = height * 0.21 * down * self.rng.uniform(0.8, 1.2, tiers)
        # Each bough ends low and wide, and the next one starts further in.
        side_y = base - height + height * np.stack([down, down - 0.03], axis=1).ravel()
        side_x = np.stack([reach, reach * 0.45], axis=1).ravel()
        right = np.stack([x + side_x, side_y], axis=1)
        left = np.stack([x - side_x, side_y], axis=1)[::-1]
        self.polygon(np.concatenate([[(x, base - height)], right, left]), colour)
        self.stroke([(x, base - 0.2 * height), (x, base)], 0.04 * height, colour)

    # --- the whole picture

    def blur(self, radius: float) -> None:
        """Put what is painted so far out of focus."""
        self._image.paste(self._blurred(radius))

    def bloom(self, radius: float, strength: float) -> None:
        """Let bright places spill light around themselves."""
        halo = self._blurred(radius).point(lambda value: value * strength)
        self._image.paste(ImageChops.screen(self._image, halo))

    def reflect(self, horizon: float, ripple: float, tint: Colour, depth: float) -> None:
        """Mirror what is above `horizon` in water below it.

        Args:
            horizon: Where the water begins.
            ripple: How far the mirrored rows sway sideways at the lower edge.
            tint: The water's own colour.
            depth: How much of the mirror image the water swallows, 0..1.
        """
        first = self._pixel(horizon)
        below_horizon = np.arange(self._side - first)
        # A lake shows what is above it; if that runs out, its last row is repeated.
        rows = np.maximum(first - 1 - below_horizon, 0)
        nearness = below_horizon / max(self._side - first, 1)
        sway = self.rng.normal(0, 1, below_horizon.size) * ripple * self._side * (0.2 + nearness)
        columns = np.arange(self._side) + np.rint(sway).astype(np.int64)[:, None]
        pixels = np.asarray(self._image)
        mirrored = pixels[rows[:, None], np.clip(columns, 0, self._side - 1)]
        water = Image.blend(
            Image.fromarray(mirrored), Image.new("RGB", (self._side, rows.size), tint), depth
        )
        self._image.paste(water, (0, first))

    def finish(self) -> Image.Image:
        """Develop the picture: shrink it, then vary exposure and warmth, vignette and grain."""
        rng = self.rng
        corner = (self.x - 0.5) ** 2 + (self.y - 0.5) ** 2
        light = rng.uniform(0.93, 1.07) - rng.uniform(0, 0.4) * corner
        warmth = rng.normal(0, 0.02)
        grain = rng.uniform(0.5, 2.5) * rng.standard_normal(light.shape, dtype=np.float32)
        bands = []
        balances = 1 + warmth, 1, 1 - warmth
        for band, balance in zip(self._image.reduce(_SUPERSAMPLING).split(), balances, strict=True):
            developed = np.asarray(band, dtype=np.float32) * (balance * light) + grain
            bands.append(Image.fromarray(np.clip(developed, 0, 255).astype(np.uint8)))
        return Image.merge("RGB", bands)

    # --- pixels

    def _pixel(self, share: float) -> int:
        return round(share * self._side)

    def _points(self, places: ArrayLike) -> list[float]:
        flat: list[float] = (np.asarray(places, dtype=np.float64) * self._side).ravel().tolist()
        return flat

    def _enlarged(self, pixels: NDArray[np.uint8]) -> Image.Image:
        """An array of the picture's own size, at the size that is painted on."""
        return Image.fromarray(pixels).resize(self._image.size, Image.Resampling.NEAREST)

    def _blurred(self, radius: float) -> Image.Image:
        # What is blurred has no detail to lose, and a small picture is blurred far sooner.
        small = self._image.reduce(4).filter(ImageFilter.GaussianBlur(radius * self._side / 4))
        return small.resize(self._image.size, Image.Resampling.BICUBIC)

    def _ramp(self, colours: Sequence[Colour], rows: int) -> Image.Image:
        stops = np.asarray(colours, dtype=np.float64)
        at = np.linspace(0, len(stops) - 1, rows)
        ramp = np.stack([np.interp(at, np.arange(len(stops)), band) for band in stops.T], axis=1)
        column = Image.fromarray(ramp.astype(np.uint8)[:, None, :])
        return column.resize((self._side, rows), Image.Resampling.NEAREST)
