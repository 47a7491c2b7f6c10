"""Themes of things close by: old town houses, a flower meadow, autumn leaves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.operations.sample_library.colours import BLACK, WHITE, Colour, hsv, mix
from fluffy_sql.operations.sample_library.lines import rolling_line
from fluffy_sql.operations.sample_library.scene import Scene, chance

_FRAME: Colour = (245, 240, 230)

# Flowers smaller than this are too far off to show their petals.
_PETALS_SHOW = 0.012


def draw_old_town(scene: Scene) -> None:
    """A row of gabled, coloured houses on a cobbled street."""
    rng = scene.rng
    light = rng.uniform(0.65, 1)
    sky = hsv(rng.uniform(195, 225), rng.uniform(0.05, 0.6), light * rng.uniform(0.8, 1))
    scene.gradient([sky, mix(sky, WHITE, 0.5)], 0, 0.6)
    scene.clouds(WHITE, 0.6, rng.uniform(0, 0.6))
    street = rng.uniform(0.76, 0.95)
    hue, motley = rng.uniform(0, 50), rng.uniform(0, 0.5)
    scale = rng.uniform(0.65, 1.3)
    x = -rng.uniform(0, 0.15)
    while x < 1:
        tone = rng.uniform(90, 240) if chance(rng, motley) else hue + rng.normal(0, 14)
        wall = hsv(tone, rng.uniform(0.15, 0.65), light * rng.uniform(0.75, 1))
        house = _House(x, rng.uniform(0.2, 0.34) * scale, street, rng.uniform(0.4, 0.6), wall)
        _draw_house(scene, house)
        x += house.width
    scene.gradient([hsv(30, 0.12, 0.45 * light), hsv(30, 0.15, 0.65 * light)], street, 1)
    _cobbles(scene, street, light)
    if chance(rng, 0.4):
        shade = rng.uniform(0.3, 1) + rng.uniform(-1, 1) * (scene.x - 0.5)
        scene.wash(0.45 * np.clip((scene.y - shade) * 40, 0, 1), hsv(235, 0.5, 0.2))
    for lamp in rng.uniform(0.05, 0.95, rng.integers(0, 4)):
        scene.stroke([(lamp, street + 0.06), (lamp, street - 0.25)], 0.01, (35, 35, 40))
        scene.oval(lamp, street - 0.27, (0.02, 0.028), hsv(48, 0.35, 1))


@dataclass(frozen=True)
class _House:
    x: float
    width: float
    street: float
    height: float
    wall: Colour

    @property
    def eaves(self) -> float:
        return self.street - self.height

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def _draw_house(scene: Scene, house: _House) -> None:
    rng = scene.rng
    _roof(scene, house)
    scene.box(house.x, house.eaves, house.width, house.height, house.wall)
    scene.box(house.x, house.eaves, house.width, 0.014, mix(house.wall, WHITE, 0.5))
    edge = house.x + house.width - 0.012
    scene.box(edge, house.eaves, 0.012, house.height, mix(house.wall, BLACK, 0.2))
    floors, columns = int(rng.integers(3, 5)), int(rng.integers(2, 4))
    storey = house.height / floors
    half = min(0.032, 0.13 * house.width)
    shutters = hsv(rng.choice([0, 30, 120, 150, 210]), rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.6))
    shuttered, flowered = chance(rng, 0.6), chance(rng, 0.4)
    for floor, column in np.ndindex(floors - 1, columns):
        x = house.x + house.width * (column + 0.5) / columns
        y = house.eaves + storey * (floor + 0.25)
        if shuttered:
            scene.box(x - 2 * half, y, 4 * half, 0.55 * storey, shutters)
        _window(scene, x, y, half, 0.55 * storey)
        if flowered:
            blossom = hsv(rng.uniform(330, 370), 0.7, 0.85)
            scene.oval(x, y + 0.57 * storey, (1.2 * half, 0.012), blossom)
    _ground_floor(scene, house, 0.75 * storey)


def _roof(scene: Scene, house: _House) -> None:
    """A gable that faces the street, or a slope of tiles with a chimney."""
    rng = scene.rng
    tiles = hsv(rng.uniform(0, 25), rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.65))
    middle, eaves, half = house.middle, house.eaves, house.width / 2
    if chance(rng, 0.5):
        peak = eaves - rng.uniform(0.5, 0.8) * house.width
        scene.taper((middle, peak, 0), (middle, eaves, half + 0.01), tiles)
        scene.taper((middle, peak + 0.03, 0), (middle, eaves, half - 0.02), house.wall)
        scene.oval(middle, eaves - 0.06, (0.02, 0.025), (60, 50, 50))
        return
    ridge = eaves - rng.uniform(0.07, 0.14)
    scene.box(house.x + 0.7 * house.width, ridge - 0.05, 0.04, 0.1, mix(tiles, BLACK, 0.3))
    scene.taper((middle, ridge, half - 0.04), (middle, eaves, half + 0.01), tiles)
    for y in np.arange(ridge + 0.01, eaves, 0.014):
        row = half - 0.04 + 0.05 * (y - ridge) / (eaves - ridge)
        scene.stroke([(middle - row, y), (middle + row, y)], 0.003, mix(tiles, BLACK, 0.25))


def _window(scene: Scene, x: float, y: float, half: float, height: float) -> None:
    glass = mix((55, 70, 90), (170, 195, 215), scene.rng.uniform(0, 0.6))
    scene.box(x - half - 0.005, y - 0.006, 2 * half + 0.01, height + 0.012, _FRAME)
    scene.box(x - half, y, 2 * half, height, glass)
    bar = y + 0.4 * height
    scene.stroke([(x, y), (x, y + height)], 0.005, _FRAME)
    scene.stroke([(x - half, bar), (x + half, bar)], 0.005, _FRAME)


def _ground_floor(scene: Scene, house: _House, height: float) -> None:
    """A door, and a shop window beside it."""
    rng = scene.rng
    wood = hsv(rng.choice([20, 30, 0, 140, 215]), rng.uniform(0.4, 0.7), rng.uniform(0.2, 0.5))
    door = house.x + house.width * rng.uniform(0.1, 0.2)
    top = house.street - height
    scene.disc(door + 0.03, top, 0.03, wood)
    scene.box(door, top, 0.06, height, wood)
    left, width = door + 0.08, house.x + 0.92 * house.width - door - 0.08
    scene.box(left, top, width, 0.7 * height, _FRAME)
    scene.box(left + 0.007, top + 0.02, width - 0.014, 0.7 * height - 0.027, (70, 70, 80))
    if chance(rng, 0.5):
        awning = hsv(rng.choice([0, 130, 210, 40]), 0.65, 0.75)
        shop = left + width / 2
        scene.taper((shop, top - 0.02, width / 2), (shop, top + 0.035, width / 2 + 0.01), awning)


def _cobbles(scene: Scene, street: float, light: float) -> None:
    """Rows of stones that grow towards the viewer."""
    rng = scene.rng
    y, row = street + 0.008, 0.012
    while y < 1:
        for x in np.arange(rng.uniform(-0.05, 0), 1, 2.4 * row):
            stone = hsv(30, 0.15, light * rng.uniform(0.4, 0.75))
            scene.oval(x, y, (1.05 * row, 0.45 * row), stone, 0.7)
        y += row
        row *= 1.22


def draw_flower_meadow(scene: Scene) -> None:
    """Flowers in grass, small far off and large close by."""
    rng = scene.rng
    horizon = rng.uniform(0.1, 0.42) if chance(rng, 0.6) else 0.0
    hue, light = rng.uniform(65, 125), rng.uniform(0.45, 0.9)
    grass = [hsv(hue, 0.45, light), hsv(hue, 0.65, 0.8 * light), hsv(hue + 10, 0.75, 0.45 * light)]
    if horizon:
        sky = hsv(rng.uniform(195, 220), rng.uniform(0.1, 0.65), rng.uniform(0.8, 1))
        scene.gradient([sky, mix(sky, WHITE, 0.6)], 0, horizon)
        scene.clouds(WHITE, horizon, rng.uniform(0.1, 0.6))
        woods = rolling_line(rng, horizon - rng.uniform(0, 0.04), 0.02, rng.uniform(1, 6))
        scene.land(woods, [mix(grass[2], sky, 0.35), grass[0]])
    scene.gradient(grass, horizon, 1)
    scene.wash((scene.noise(5, 9) - 0.4) * 0.8 * (scene.y > horizon + 0.02), grass[2])
    kinds = [_flower_kind(rng) for _ in range(int(rng.integers(1, 5)))]
    growth = rng.uniform(0.7, 1.6)
    nearness = np.sort(rng.random(rng.integers(60, 260)) ** 1.3)
    for step, near in enumerate(nearness):
        if step == nearness.size // 2:
            scene.blur(rng.uniform(0.001, 0.006))
        y = horizon + 0.02 + (1.05 - horizon) * near
        blade = hsv(hue + rng.uniform(-15, 15), 0.7, light * rng.uniform(0.3, 0.95))
        _blades(scene, y, 0.02 + 0.12 * near, blade)
        kind = kinds[int(rng.integers(len(kinds)))]
        radius = growth * (0.006 + 0.045 * near**1.5)
        _flower(scene, (rng.uniform(-0.02, 1.02), y - 0.08 * near), radius, kind)
    if chance(rng, 0.4):
        scene.glow(rng.uniform(0, 1), 0, 0.5, hsv(50, 0.4, 1), 0.5)


@dataclass(frozen=True)
class _FlowerKind:
    petal: Colour
    centre: Colour
    petals: int


def _flower_kind(rng: np.random.Generator) -> _FlowerKind:
    hue = rng.choice([0, 8, 48, 225, 275, 300, 330]) + rng.uniform(-5, 5)
    petal = hsv(hue, rng.uniform(0.6, 0.9), rng.uniform(0.85, 1))
    if chance(rng, 0.3):
        petal = mix(WHITE, petal, 0.1)
    centre = hsv(48, 0.8, 0.95) if chance(rng, 0.6) else hsv(30, 0.4, 0.22)
    return _FlowerKind(petal, centre, petals=int(rng.integers(4, 9)))


def _flower(scene: Scene, place: tuple[float, float], radius: float, kind: _FlowerKind) -> None:
    rng = scene.rng
    x, y = place
    colour = mix(kind.petal, BLACK, rng.uniform(0, 0.25))
    tilt = rng.uniform(0.55, 0.95)
    if radius < _PETALS_SHOW:
        scene.oval(x, y, (radius, radius * tilt), colour)
        return
    scene.stroke([(x, y), (x + rng.normal(0, 0.01), y + 3 * radius)], 0.006, (70, 120, 50))
    for turn in np.linspace(0, 2 * np.pi, kind.petals, endpoint=False) + rng.uniform(0, 1):
        right, down = 0.6 * radius * np.cos(turn), 0.6 * radius * tilt * np.sin(turn)
        petal = mix(colour, WHITE, 0.12 - 0.12 * np.sin(turn))
        scene.oval(x + right, y + down, (0.5 * radius, 0.5 * radius * tilt), petal)
    scene.oval(x, y, (0.3 * radius, 0.3 * radius * tilt), kind.centre)


def _blades(scene: Scene, y: float, height: float, colour: Colour) -> None:
    for x in scene.rng.uniform(0, 1, 3).tolist():
        tip = (x + scene.rng.normal(0, 0.3 * height), y - height, 0)
        scene.taper(tip, (x, y, 0.07 * height + 0.001), colour, 0.9)


def draw_autumn_leaves(scene: Scene) -> None:
    """A floor of fallen leaves, seen from above."""
    rng = scene.rng
    soil = hsv(rng.uniform(15, 35), rng.uniform(0.4, 0.6), rng.uniform(0.1, 0.35))
    scene.gradient([soil, soil])
    hue, spread = rng.uniform(6, 46), rng.uniform(5, 18)
    length = rng.uniform(0.05, 0.16)
    outlines = [_leaf_outline(kind) for kind in rng.permutation(3)[: rng.integers(1, 4)]]
    evergreen = rng.uniform(0, 0.2)
    count = int(np.clip(rng.uniform(0.6, 1.8) / length**2, 50, 260))
    for layer in np.linspace(0, 1, count):
        tone = rng.uniform(75, 110) if chance(rng, evergreen) else max(rng.normal(hue, spread), 0)
        colour = hsv(tone, rng.uniform(0.6, 0.95), rng.uniform(0.65, 1))
        leaf = outlines[int(rng.integers(len(outlines)))]
        _leaf(scene, leaf, length * rng.uniform(0.7, 1.4), mix(soil, colour, 0.35 + 0.65 * layer))
    if chance(rng, 0.6):  # sun through the branches
        dapple = np.clip((scene.noise(3, 3) - 0.5) * 4, 0, 1)
        scene.wash(0.55 * (1 - dapple), mix(soil, BLACK, 0.3))
        scene.shine(0.3 * dapple, hsv(45, 0.5, 1))


def _leaf_outline(kind: int) -> NDArray[np.float64]:
    """The outline of a maple, beech or oak leaf of length 2 around the origin, of shape (40, 2)."""
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    if kind == 0:
        lobes = 0.62 + 0.38 * np.abs(np.cos(2.5 * turn)) ** 0.7 - 0.08 * np.cos(15 * turn)
        return np.stack([lobes * np.cos(turn), lobes * np.sin(turn)], axis=1)
    waviness = 0.0 if kind == 1 else 0.3
    width = 0.48 * np.sin(turn) * (1 + waviness * np.cos(9 * turn)) * (1 - 0.25 * np.cos(turn))
    return np.stack([np.cos(turn), width], axis=1)


def _leaf(scene: Scene, leaf: NDArray[np.float64], length: float, colour: Colour) -> None:
    rng = scene.rng
    angle = rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    side = np.array([-along[1], along[0]]) * rng.uniform(0.7, 1)
    place = rng.uniform(-0.05, 1.05, 2)
    edge = place + length * (leaf @ np.stack([along, side]))
    scene.polygon(edge + 0.12 * length, (20, 10, 5), 0.4)
    scene.polygon(edge, colour)
    scene.polygon(edge[: len(edge) // 2 + 1], mix(colour, WHITE, 0.3), 0.35)
    vein = [place - 1.35 * length * along, place + 0.85 * length * along]
    scene.stroke(vein, 0.004, mix(colour, (60, 20, 0), 0.5))
