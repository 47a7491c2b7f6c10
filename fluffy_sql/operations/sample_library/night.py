"""Themes of the night: a city's lights, a starry sky."""

import numpy as np

from fluffy_sql.operations.sample_library.colours import BLACK, WHITE, Colour, hsv, mix
from fluffy_sql.operations.sample_library.lines import height_at, jagged_line, rolling_line
from fluffy_sql.operations.sample_library.scene import Scene, chance


def draw_city_at_night(scene: Scene) -> None:
    """A skyline of lit windows, behind water that mirrors it or behind street lights."""
    rng = scene.rng
    night = hsv(rng.uniform(205, 275), rng.uniform(0.5, 0.9), rng.uniform(0.05, 0.32))
    haze_hue = rng.choice([22, 35, 300, 330, 250, 210])
    haze = hsv(haze_hue, rng.uniform(0.4, 0.75), rng.uniform(0.2, 0.65))
    water = chance(rng, 0.55)
    base = rng.uniform(0.55, 0.78) if water else rng.uniform(0.78, 0.95)
    scene.gradient([night, mix(night, haze, 0.25), haze], 0, base)
    if chance(rng, 0.4):
        x, y, radius = rng.uniform([0.1, 0.06, 0.02], [0.9, 0.25, 0.05])
        scene.glow(x, y, 4 * radius, hsv(50, 0.2, 1), 0.6)
        scene.disc(x, y, radius, hsv(50, 0.12, 1))
    tallest = rng.uniform(0.35, 0.7)
    pitch = rng.uniform(0.8, 1.5)
    for nearness in np.linspace(0, 1, int(rng.integers(2, 4))):
        wall = mix(mix(night, haze, 0.45), hsv(235, 0.5, 0.07), 0.3 + 0.65 * nearness)
        roofs = base - tallest * (1 - 0.4 * nearness)
        _skyline(scene, (max(roofs, 0.04), base), pitch * (0.009 + 0.009 * nearness), wall)
    if water:
        scene.reflect(base, 0.012, night, rng.uniform(0.1, 0.45))
    else:
        scene.gradient([hsv(250, 0.4, 0.12), hsv(250, 0.4, 0.04)], base, 1)
        _street_lights(scene, base)
    scene.bloom(0.015, rng.uniform(0.5, 0.9))


def _skyline(scene: Scene, span: tuple[float, float], pitch: float, wall: Colour) -> None:
    """A row of towers between the highest roof and the ground, their windows `pitch` apart."""
    rng = scene.rng
    highest, base = span
    lit = rng.uniform(0.25, 0.75)
    x = -rng.uniform(0, 0.1)
    while x < 1:
        columns = int(rng.integers(4, 9))
        rows = int((base - highest) * rng.uniform(0.3, 1) / (1.5 * pitch)) + 1
        width, roof = columns * pitch + pitch, base - rows * 1.5 * pitch
        if chance(rng, 0.2):
            middle = x + width / 2
            scene.stroke([(middle, roof), (middle, roof - 0.07)], 0.004, wall)
            scene.disc(middle, roof - 0.07, 0.005, hsv(0, 0.8, 1))
        scene.box(x, roof - 0.01, width, base - roof + 0.01, wall)
        scene.tiles(x + 0.75 * pitch, roof, pitch / 2, _facade(rng, rows, columns, lit, wall))
        x += width + rng.uniform(-0.01, 0.02)


def _facade(
    rng: np.random.Generator, rows: int, columns: int, lit: float, wall: Colour
) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Tiles of wall and window, a share of them lit, of shape (3 rows, 2 columns, 3)."""
    lamp = hsv(rng.choice([32, 40, 48, 195]), rng.uniform(0.15, 0.65), rng.uniform(0.7, 1))
    on = rng.random((rows, columns, 1)) < lit
    panes = wall + on * rng.uniform(0.3, 1, on.shape) * np.subtract(lamp, wall)
    facade = np.full((3 * rows, 2 * columns, 3), wall, dtype=np.uint8)
    facade[1::3, ::2] = facade[2::3, ::2] = panes.astype(np.uint8)
    return facade


def _street_lights(scene: Scene, top: float) -> None:
    """Head lights and tail lights, out of focus."""
    rng = scene.rng
    for x, y, radius in rng.uniform(
        [0, top - 0.03, 0.006], [1, 1, 0.024], (rng.integers(12, 45), 3)
    ):
        colour = hsv(rng.choice([5, 30, 45, 50, 200]), rng.uniform(0.2, 0.9), 1)
        scene.disc(x, y, radius, colour, rng.uniform(0.3, 0.8))


def draw_starry_sky(scene: Scene) -> None:
    """The Milky Way, northern lights or star trails above a dark land."""
    rng = scene.rng
    hue = rng.uniform(200, 290)
    low = hsv(rng.uniform(180, 380), rng.uniform(0.4, 0.7), rng.uniform(0.15, 0.45))
    scene.gradient([hsv(hue, 0.85, 0.08), hsv(hue, 0.75, rng.uniform(0.12, 0.3)), low])
    kind = rng.choice(["milky way", "northern lights", "trails"], p=[0.6, 0.25, 0.15])
    if kind == "trails":
        _star_trails(scene)
    else:
        if kind == "milky way":
            _milky_way(scene, hue)
        else:
            _northern_lights(scene)
        _stars(scene, int(rng.integers(100, 500)))
    scene.bloom(0.006, 0.6)
    land = hsv(hue, 0.6, 0.045)
    ground = rolling_line(rng, rng.uniform(0.75, 0.95), 0.04, rng.uniform(0.7, 2))
    if chance(rng, 0.3):
        ground = jagged_line(rng, 0.97, rng.uniform(0.15, 0.4), 3)
    scene.land(ground, [land, mix(land, BLACK, 0.5)])
    for x in rng.uniform(0, 1, rng.choice([0, 3, 18])):
        scene.pine(x, height_at(ground, x) + 0.02, rng.uniform(0.06, 0.25), land)
    if chance(rng, 0.35):
        _tent(scene, rng.uniform(0.2, 0.8), rng.uniform(0.93, 0.97))


def _milky_way(scene: Scene, hue: float) -> None:
    rng = scene.rng
    angle = rng.uniform(0.1, 0.9) * np.pi
    x, y = scene.x - rng.uniform(0.3, 0.7), scene.y - rng.uniform(0.2, 0.5)
    across = x * np.sin(angle) - y * np.cos(angle)
    lumps, dust = scene.noise(5, 5, 5), scene.noise(6, 6, 4)
    band = np.exp(-((across / rng.uniform(0.12, 0.24)) ** 2)) * (0.3 + lumps)
    scene.shine(rng.uniform(0.3, 0.7) * band, hsv(hue + rng.uniform(-20, 60), 0.5, 0.8))
    core = np.exp(-((across / 0.07) ** 2)) * np.clip(1.6 * lumps - 0.5, 0, 1)
    scene.shine(rng.uniform(0.4, 0.8) * core, hsv(rng.uniform(10, 50), 0.25, 1))
    lane = np.exp(-(((across - 0.02) / 0.03) ** 2)) * np.clip(3 * dust - 1.4, 0, 1)
    scene.wash(0.6 * lane, hsv(hue, 0.7, 0.1))


def _northern_lights(scene: Scene) -> None:
    rng = scene.rng
    for _ in range(int(rng.integers(1, 4))):
        wave = np.sin(scene.x * rng.uniform(4, 9) + rng.uniform(0, 6))
        foot = rng.uniform(0.35, 0.7) + 0.09 * wave
        up = (foot - scene.y) / rng.uniform(0.25, 0.45)
        folds = 0.35 + 0.65 * scene.noise(14, 2, 3)[0]
        curtain = np.clip(12 * up, 0, 1) * np.exp(-2.5 * np.clip(up, 0, 9)) * folds
        green = rng.uniform(115, 170)
        scene.shine(0.9 * curtain, hsv(green, 0.7, 0.9))
        scene.shine(curtain * np.clip(up, 0, 1), hsv(green + 140, 0.6, 0.9))


def _star_trails(scene: Scene) -> None:
    rng = scene.rng
    pole = rng.uniform(0.2, 0.75, 2)
    length = rng.uniform(0.3, 0.9)
    for radius in rng.uniform(0.02, 1, rng.integers(70, 130)):
        turn = rng.uniform(0, 2 * np.pi) + np.linspace(0, length, 14)
        arc = pole + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        scene.stroke(arc, 0.003, hsv(rng.choice([30, 215]), 0.25, 1), rng.uniform(0.15, 0.8))


def _stars(scene: Scene, count: int) -> None:
    rng = scene.rng
    for x, y, power in rng.random((count, 3)).tolist():
        star = hsv(rng.choice([35, 215]), rng.uniform(0, 0.35), 1)
        scene.disc(x, y, 0.0016 + 0.006 * power**12, star, 0.35 + 0.65 * power)


def _tent(scene: Scene, x: float, foot: float) -> None:
    canvas = hsv(scene.rng.uniform(20, 45), 0.75, 1)
    scene.glow(x, foot - 0.03, 0.12, canvas, 0.7)
    scene.taper((x - 0.01, foot - 0.09, 0), (x, foot, 0.09), canvas)
    scene.taper((x - 0.01, foot - 0.09, 0), (x - 0.005, foot, 0.025), mix(canvas, WHITE, 0.5))
