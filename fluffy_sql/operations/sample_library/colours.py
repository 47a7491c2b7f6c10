"""Colours as RGB triples of 0..255, and how they are made and mixed."""

import colorsys

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """The colour of a hue in degrees (any number: it wraps) and two shares, held to 0..1."""
    # NumPy's scalars, with which all that follows would take thrice as long, become floats.
    saturation, value = min(max(float(saturation), 0.0), 1.0), min(max(float(value), 0.0), 1.0)
    red, green, blue = colorsys.hsv_to_rgb(float(hue) / 360 % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` of it replaced by `second`; the share is held to 0..1."""
    share = min(max(float(share), 0.0), 1.0)
    (red1, green1, blue1), (red2, green2, blue2) = first, second
    return (
        round(red1 + share * (red2 - red1)),
        round(green1 + share * (green2 - green1)),
        round(blue1 + share * (blue2 - blue1)),
    )
