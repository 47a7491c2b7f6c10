"""Themes of the water: beach, sunset over the sea, underwater."""

import numpy as np

from fluffy_sql.operations.sample_library.colours import BLACK, WHITE, Colour, hsv, mix
from fluffy_sql.operations.sample_library.lines import Field, height_at, outline, rolling_line
from fluffy_sql.operations.sample_library.scene import Scene, chance


def draw_beach(scene: Scene) -> None:
    """Turquoise sea that breaks on sand, with parasols, sails or a palm."""
    rng = scene.rng
    horizon = rng.uniform(0.12, 0.48)
    sky = hsv(rng.uniform(195, 220), rng.uniform(0.15, 0.75), rng.uniform(0.75, 1))
    scene.gradient([sky, mix(sky, WHITE, rng.uniform(0.4, 0.8))], 0, horizon)
    scene.clouds(WHITE, horizon - 0.02, rng.uniform(0.2, 0.7))
    hue, light = rng.uniform(168, 205), rng.uniform(0.75, 1)
    deep, middle = hsv(hue + 15, 0.8, 0.65 * light), hsv(hue, 0.65, 0.85 * light)
    scene.gradient([deep, middle, hsv(hue - 6, 0.35, 0.97 * light)], horizon, 1)
    glints = scene.noise(8, 70, 2)
    scene.shine(np.clip((glints - 0.62) * 4, 0, 0.5) * (scene.y > horizon), WHITE)
    for x, water, height in rng.uniform([0, 0, 0.03], [1, 0.04, 0.1], (rng.integers(0, 4), 3)):
        _sailing_boat(scene, x, horizon + water, height)
    shore = rolling_line(rng, rng.uniform(0.55, 0.75), 0.03, 1)
    shore += np.linspace(-0.5, 0.5, shore.size, dtype=np.float32) * rng.uniform(-0.6, 0.6)
    shore = np.maximum(shore, horizon + 0.05)
    sand = hsv(rng.uniform(28, 46), rng.uniform(0.15, 0.45), rng.uniform(0.8, 1) * light)
    _sand(scene, shore, sand)
    for x in rng.uniform(0.08, 0.92, rng.integers(0, 6)):
        foot = rng.uniform(min(height_at(shore, x) + 0.1, 0.9), 0.97)
        _parasol(scene, x, foot, 0.07 + 0.22 * (foot - 0.6))
    if chance(rng, 0.35):
        _palm(scene, rng.choice([0.08, 0.92]), rng.uniform(0.6, 0.9))


def _sand(scene: Scene, shore: Field, sand: Colour) -> None:
    """Two waves before the water's edge, and wet and dry sand behind it."""
    for out_at_sea, foam in ((0.05, hsv(175, 0.15, 0.95)), (0.02, WHITE)):
        wave = shore - out_at_sea + rolling_line(scene.rng, 0, 0.008, 5)
        scene.stroke(outline(wave), 0.012, foam, 0.8)
    scene.land(shore - 0.006, [WHITE, WHITE])
    scene.land(shore, [mix(sand, hsv(30, 0.5, 0.5), 0.4), sand])
    scene.land(shore + 0.05, [sand, mix(sand, hsv(30, 0.5, 0.6), 0.25)])
    grains = np.clip(scene.noise(30, 60, 2) - 0.45, 0, 0.5)
    scene.wash(0.5 * grains * scene.ground(shore), hsv(28, 0.5, 0.55))


def _sailing_boat(scene: Scene, x: float, water: float, height: float) -> None:
    dyed = hsv(scene.rng.uniform(0, 360), 0.7, 0.95) if chance(scene.rng, 0.4) else WHITE
    boom = water - 0.012
    scene.polygon([(x, water - height), (x, boom), (x + 0.45 * height, boom)], dyed)
    scene.polygon([(x, water - 0.8 * height), (x, boom), (x - 0.3 * height, boom)], WHITE)
    scene.taper((x, water - 0.008, 0.4 * height), (x, water + 0.01, 0.25 * height), (70, 50, 50))


def _parasol(scene: Scene, x: float, foot: float, radius: float) -> None:
    rng = scene.rng
    rim = foot - 1.5 * radius
    cloth = hsv(rng.choice([0, 10, 30, 50, 200, 330]), rng.uniform(0.6, 0.9), 0.95)
    scene.oval(x + 0.6 * radius, foot, (radius, 0.2 * radius), (90, 70, 60), 0.35)
    scene.stroke([(x, rim - 0.5 * radius), (x, foot)], 0.006, (240, 235, 225))
    ribs = np.cos(np.linspace(np.pi, 0, 9)) * radius
    for panel in range(8):
        left, right = ribs[panel], ribs[panel + 1]
        shoulders = [(x + 0.6 * right, rim - 0.45 * radius), (x + 0.6 * left, rim - 0.45 * radius)]
        sides = [(x + left, rim), (x + right, rim), shoulders[0], (x, rim - 0.62 * radius)]
        scene.polygon([*sides, shoulders[1]], WHITE if panel % 2 else cloth)


def _palm(scene: Scene, x: float, height: float) -> None:
    rng = scene.rng
    rise = np.linspace(0, 1, 12)
    spine = np.stack([x + (0.5 - x) * rng.uniform(0.3, 0.7) * rise**2, 1 - height * rise], axis=1)
    for width, bark in ((0.035, (95, 70, 50)), (0.015, (140, 110, 80))):
        scene.stroke(spine, width, bark)
    swelling = np.stack([np.zeros(8), 0.035 * np.sin(np.linspace(0, np.pi, 8))], axis=1)
    for angle in np.linspace(0, 2 * np.pi, int(rng.integers(8, 12)), endpoint=False):
        out = np.linspace(0, rng.uniform(0.2, 0.3), 8)
        droop = 0.6 * out * np.sin(angle) + 3 * out**2
        frond = spine[-1] + np.stack([out * np.cos(angle), droop], axis=1)
        green = hsv(rng.uniform(95, 130), 0.7, rng.uniform(0.3, 0.55))
        scene.polygon([*frond, *(frond + swelling)[::-1]], green)


def draw_sunset(scene: Scene) -> None:
    """A low sun over the sea, with islands, a boat or a jetty in silhouette."""
    rng = scene.rng
    horizon = rng.uniform(0.4, 0.75)
    top = hsv(rng.uniform(190, 345), rng.uniform(0.35, 0.65), rng.uniform(0.25, 0.65))
    middle = hsv(rng.uniform(-30, 25), rng.uniform(0.5, 0.8), rng.uniform(0.7, 0.98))
    low = hsv(rng.uniform(20, 50), rng.uniform(0.45, 0.85), 1)
    scene.gradient([top, middle, low], 0, horizon)
    scene.clouds(mix(top, middle, rng.uniform(0, 0.5)), horizon - 0.05, rng.uniform(0.1, 0.7), 5)
    scene.clouds(mix(low, middle, 0.5), horizon - 0.03, rng.uniform(0.1, 0.5), 7)
    x, radius = rng.uniform([0.15, 0.03], [0.85, 0.09])
    sun_y = horizon - rng.uniform(-0.3, 3) * radius
    scene.glow(x, sun_y, 5 * radius, low, 0.8)
    scene.disc(x, sun_y, radius, mix(low, WHITE, 0.7))
    dark = mix(top, (15, 8, 20), 0.75)
    for island, width, height in rng.uniform(
        [0, 0.1, 0.02], [1, 0.4, 0.12], (rng.integers(0, 4), 3)
    ):
        across = np.linspace(-1, 1, 40)
        ridge = horizon - height * (1 - across**2) * rng.uniform(0.8, 1, 40)
        scene.polygon(np.stack([island + width * across, ridge], axis=1), mix(dark, middle, 0.3))
    scene.reflect(horizon, 0.02, dark, rng.uniform(0.15, 0.5))
    _glitter(scene, x, horizon, mix(low, WHITE, 0.4))
    if chance(rng, 0.45):
        near = rng.uniform(0.03, 0.2)
        _silhouette_boat(scene, rng.uniform(0.15, 0.85), horizon + near, 0.04 + near, dark)
    if chance(rng, 0.3):
        _jetty(scene, rng.uniform(0.2, 0.8), horizon + 0.05, dark)
    for x, y, wing in rng.uniform([0.1, 0.05, 0.01], [0.9, 0.35, 0.025], (rng.integers(0, 7), 3)):
        scene.stroke([(x - wing, y - wing / 2), (x, y), (x + wing, y - wing / 2)], 0.004, dark)


def _glitter(scene: Scene, x: float, horizon: float, colour: Colour) -> None:
    """The path of light from the sun to the viewer."""
    away = np.clip(scene.y - horizon, 0, 1)
    path = np.exp(-(((scene.x - x) / (0.03 + 0.25 * away)) ** 2))
    sparkle = np.clip((scene.noise(12, 60, 2) - 0.45) * 6, 0, 1)
    scene.shine(path * sparkle * (away > 0), colour)


def _silhouette_boat(scene: Scene, x: float, water: float, length: float, dark: Colour) -> None:
    scene.taper((x, water - 0.25 * length, length), (x, water, 0.7 * length), dark)
    scene.stroke([(x, water), (x, water - 2.2 * length)], 0.008, dark)
    if chance(scene.rng, 0.7):
        luff, boom = x + 0.05 * length, water - 0.35 * length
        scene.polygon([(luff, water - 2.2 * length), (x + 0.9 * length, boom), (luff, boom)], dark)


def _jetty(scene: Scene, x: float, end: float, dark: Colour) -> None:
    """Planks that lead out over the water, on posts."""
    lean = scene.rng.uniform(-0.3, 0.3)
    scene.taper((x, end, 0.02), (x + lean, 1.01, 0.16), dark)
    for along in np.linspace(0, 1, 5) ** 1.6:
        y = end + (1 - end) * along
        for side in (-0.02 - 0.14 * along, 0.02 + 0.14 * along):
            post = x + lean * along + side
            ends = [(post, y - 0.03 - 0.1 * along), (post, y + 0.02)]
            scene.stroke(ends, 0.008 + 0.014 * along, dark)


def draw_underwater(scene: Scene) -> None:
    """Light that falls through water on a reef, a shoal or jellyfish."""
    rng = scene.rng
    hue = rng.uniform(172, 218)
    surface = hsv(hue - 10, rng.uniform(0.3, 0.8), rng.uniform(0.6, 1))
    deep = hsv(hue + 15, 0.9, rng.uniform(0.15, 0.6))
    scene.gradient([surface, mix(surface, deep, rng.uniform(0.3, 0.8)), deep])
    scene.sunbeams(rng.uniform(0, 1), mix(surface, WHITE, 0.5), rng.uniform(0, 0.9))
    reef = rng.uniform(0.6, 0.85)
    for nearness in np.linspace(0.3, 1, int(rng.integers(0, 4))):
        seabed = rolling_line(rng, reef + 0.15 * nearness, 0.05, 1.5)
        sand = mix(deep, hsv(190, 0.3, 0.7), 0.4 * nearness)
        scene.land(seabed, [sand, mix(sand, deep, 0.7)])
        for x in rng.uniform(0, 1, rng.integers(2, 10)):
            hue_of_coral = rng.choice([345, 10, 30, 285, 320, 130])
            coral = hsv(hue_of_coral, rng.uniform(0.5, 0.8), rng.uniform(0.6, 0.95))
            height = rng.uniform(0.05, 0.15) * (0.4 + nearness)
            foot = height_at(seabed, x) + 0.02
            _coral(scene, x, foot, height, mix(deep, coral, 0.15 + 0.65 * nearness))
    if chance(rng, 0.3):
        for x, y, radius in rng.uniform([0, 0.1, 0.04], [1, 0.7, 0.13], (rng.integers(1, 7), 3)):
            _jellyfish(scene, x, y, radius)
    else:
        _shoal(scene, deep)
    for x, y, radius in rng.uniform([0, 0, 0.003], [1, 0.9, 0.012], (rng.integers(0, 40), 3)):
        scene.disc(x, y, radius, mix(surface, WHITE, 0.6), 0.45)


def _coral(scene: Scene, x: float, foot: float, height: float, colour: Colour) -> None:
    """A round coral, a branching one or weed."""
    rng = scene.rng
    kind = rng.choice(["dome", "branches", "weed"])
    if kind == "dome":
        scene.oval(x, foot, (height, 0.7 * height), colour)
        for right, down in rng.uniform(-0.65, 0.65, (16, 2)) * height:
            spot = 0.1 * height, 0.08 * height
            scene.oval(x + right, foot + 0.6 * down, spot, mix(colour, WHITE, 0.3), 0.6)
        return
    for angle in rng.normal(0, 0.5, 7):
        rise = np.linspace(0, 1.3 * height, 8)
        sway = 0.012 * np.sin(rise * 60 + angle * 5) if kind == "weed" else 0
        stem = np.stack([x + rise * np.sin(angle) + sway, foot - rise * np.cos(angle)], axis=1)
        scene.stroke(stem, 0.09 * height + 0.004, mix(colour, WHITE, rng.uniform(0, 0.2)))
        if kind == "branches":
            tip_x, tip_y = stem[-1]
            scene.disc(tip_x, tip_y, 0.1 * height, mix(colour, WHITE, 0.25))


def _shoal(scene: Scene, deep: Colour) -> None:
    """Fish of one kind that swim the same way."""
    rng = scene.rng
    scales = hsv(rng.choice([10, 40, 50, 200, 210]), rng.uniform(0.2, 0.9), 1)
    count = int(rng.choice([3, 8, 20, 60]))
    length = rng.uniform(0.25, 0.4) / (count + 8) ** 0.6 * rng.choice([-1, 1])
    middle, spread = rng.uniform(0.25, 0.7, 2), rng.uniform(0.12, 0.28)
    for x, y in rng.normal(middle, [spread, 0.6 * spread], (count, 2)):
        _fish(
            scene, x, y, length * rng.uniform(0.7, 1.2), mix(deep, scales, rng.uniform(0.5, 0.95))
        )


def _fish(scene: Scene, x: float, y: float, length: float, colour: Colour) -> None:
    """A fish half as long as twice `length`; it swims to the left if that is negative."""
    back, end, half = x - 0.8 * length, x - 1.3 * length, abs(length)
    tail = [(back, y), (end, y - 0.35 * half), (end, y + 0.35 * half)]
    scene.polygon(tail, mix(colour, BLACK, 0.2))
    scene.oval(x, y, (half, 0.42 * half), colour)
    scene.oval(x, y + 0.12 * half, (0.8 * half, 0.25 * half), mix(colour, WHITE, 0.4), 0.7)
    scene.disc(x + 0.6 * length, y - 0.08 * half, 0.08 * half, (10, 15, 25))


def _jellyfish(scene: Scene, x: float, y: float, radius: float) -> None:
    rng = scene.rng
    colour = hsv(rng.uniform(260, 380), 0.35, 1)
    scene.glow(x, y, 2 * radius, colour, 0.4)
    for right in np.linspace(-0.8, 0.8, 7) * radius:
        fall = np.linspace(0, rng.uniform(2, 4) * radius, 12)
        sway = 0.2 * radius * np.sin(fall / radius * 3 + rng.uniform(0, 6))
        scene.stroke(np.stack([x + right + sway, y + fall], axis=1), 0.004, colour, 0.5)
    turn = np.linspace(np.pi, 2 * np.pi, 20)
    bell = np.stack([np.cos(turn), 0.9 * np.sin(turn)], axis=1) * radius
    place = np.array([x, y])
    scene.polygon(place + bell, colour, 0.75)
    scene.polygon(place + 0.6 * bell, WHITE, 0.4)
