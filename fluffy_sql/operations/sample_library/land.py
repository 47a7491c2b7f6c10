"""Themes of the land: forest, snowy mountains, desert, misty hills."""

import numpy as np

from fluffy_sql.operations.sample_library.colours import WHITE, Colour, hsv, mix
from fluffy_sql.operations.sample_library.lines import Field, height_at, jagged_line, rolling_line
from fluffy_sql.operations.sample_library.scene import Scene, chance


def draw_forest(scene: Scene) -> None:
    """Trunks or firs that step back into the mist, with light falling in."""
    rng = scene.rng
    hue, light = rng.uniform(65, 160), rng.uniform(0.4, 1)
    mist = hsv(hue - 20, rng.uniform(0.15, 0.5), light)
    dark = hsv(hue + 10, 0.7, rng.uniform(0.06, 0.16))
    scene.gradient([hsv(hue, 0.5, 0.6 * light), mist, hsv(hue, 0.6, 0.4 * light)])
    sun = rng.uniform(0, 1)
    scene.glow(sun, rng.uniform(0.1, 0.4), rng.uniform(0.2, 0.6), hsv(60, 0.3, 1), 0.8 * light)
    floor = rng.uniform(0.6, 0.84)
    firs = chance(rng, 0.4)
    layers = int(rng.integers(3, 5))
    for layer in range(layers):
        nearness = 0.15 + 0.85 * layer / (layers - 1)
        wood = mix(mist, mix(dark, hsv(30, 0.5, 0.2), 0.5), 0.25 + 0.7 * nearness)
        leaf = mix(mist, hsv(hue + rng.uniform(-15, 15), 0.75, 0.45 * light), 0.3 + 0.6 * nearness)
        ground = rolling_line(rng, floor + 0.14 * nearness, 0.02, 1.5)
        if layer == layers - 1:
            scene.blur(0.002)
        if firs:
            for x in rng.uniform(-0.05, 1.05, int(14 - 9 * nearness)):
                height = rng.uniform(0.25, 0.5) + 0.45 * nearness
                scene.pine(x, height_at(ground, x) + 0.01, height, mix(leaf, dark, 0.45))
        else:
            _trunks(scene, ground, nearness, wood)
            _canopy(scene, rng.uniform(0.05, 0.35), mix(leaf, dark, 0.3), mix(leaf, mist, 0.25))
        scene.land(ground, [mix(leaf, dark, 0.2), mix(leaf, dark, 0.75)])
    if chance(rng, 0.55):
        scene.sunbeams(sun, hsv(58, 0.3, 1), rng.uniform(0.3, 0.8))
    _undergrowth(scene, floor + 0.12, hue, light)


def _trunks(scene: Scene, ground: Field, nearness: float, wood: Colour) -> None:
    rng = scene.rng
    for x in rng.uniform(-0.05, 1.05, int(rng.integers(2, 7) + 9 * (1 - nearness))):
        foot = height_at(ground, x) + 0.02
        half = rng.uniform(0.006, 0.014) + 0.035 * nearness**2 * rng.uniform(0.6, 1.4)
        top = x + rng.normal(0, 0.03)
        scene.taper((top, -0.01, 0.6 * half), (x, foot, half), wood)
        lit = mix(wood, WHITE, 0.25)
        scene.taper((top + 0.3 * half, -0.01, 0.3 * half), (x + 0.6 * half, foot, 0.4 * half), lit)
        for _ in range(int(rng.integers(0, 3))):
            start, reach = rng.uniform(0.1, 0.5), rng.uniform(-0.2, 0.2)
            bough = [(x, start), (x + reach / 2, start - 0.06), (x + reach, start - 0.16)]
            scene.stroke(bough, 0.5 * half, wood)


def _canopy(scene: Scene, bottom: float, leaf: Colour, lit_leaf: Colour) -> None:
    """Leaves that hang in clusters from the upper edge down to about `bottom`."""
    clusters = scene.noise(5, 5, 4)
    leaves = scene.noise(35, 35, 2)
    hanging = np.clip((clusters + 0.5 * leaves + 2.2 * (bottom - scene.y) - 0.55) * 9, 0, 0.95)
    scene.wash(hanging * np.clip(2.6 - 2.4 * leaves, 0, 1), leaf)
    scene.wash(hanging * np.clip((leaves + 0.6 * clusters - 0.85) * 6, 0, 0.8), lit_leaf)


def _undergrowth(scene: Scene, top: float, hue: float, light: float) -> None:
    """Blades of grass and fern in the foreground."""
    rng = scene.rng
    for x in rng.uniform(-0.05, 1.05, int(rng.integers(10, 90))):
        y = rng.uniform(top, 1.05)
        green = hsv(hue + rng.uniform(-20, 10), 0.7, light * rng.uniform(0.2, 0.65))
        tip = (x + rng.normal(0, 0.03), y - rng.uniform(0.03, 0.1), 0)
        scene.taper(tip, (x, y, 0.006), green)


def draw_snowy_mountains(scene: Scene) -> None:
    """Ranges of snow and rock, above firs or a lake."""
    rng = scene.rng
    dawn = chance(rng, 0.35)
    sky = hsv(rng.uniform(200, 235), rng.uniform(0.15, 0.75), rng.uniform(0.55, 0.95))
    low_sky = hsv(rng.uniform(-10, 35), 0.35, 0.97) if dawn else mix(sky, WHITE, 0.65)
    scene.gradient([sky, low_sky, low_sky])
    scene.clouds(mix(low_sky, WHITE, 0.7), 0.5, rng.uniform(0, 0.6))
    foot, summit = rng.uniform(0.62, 0.88), rng.uniform(0.35, 0.62)
    snow = mix(WHITE, hsv(18, 0.5, 1), rng.uniform(0.3, 0.7) if dawn else 0)
    shade = mix(sky, hsv(225, 0.45, 0.35), rng.uniform(0.35, 0.7))
    light = float(rng.choice([-1, 1]))
    bareness = rng.uniform(-0.15, 0.3)
    for nearness in np.linspace(0, 1, int(rng.integers(2, 4))):
        height = summit * (1 - 0.5 * nearness)
        crest = jagged_line(rng, foot + 0.02, height, int(rng.integers(1, 4)))
        haze = 0.5 * (1 - nearness)
        colours = mix(snow, low_sky, haze), mix(shade, low_sky, haze)
        _mountains(scene, crest, colours, light, bareness)
    if chance(rng, 0.3):
        scene.reflect(foot, 0.004, hsv(rng.uniform(195, 220), 0.7, 0.4), rng.uniform(0.25, 0.6))
        return
    snowfield = rolling_line(rng, foot, 0.02, 1)
    scene.land(snowfield, [mix(snow, sky, 0.1), mix(snow, sky, rng.uniform(0.2, 0.5))])
    firs = hsv(rng.uniform(140, 215), 0.5, rng.uniform(0.12, 0.3))
    for nearness in np.sort(rng.random(int(rng.integers(0, 60))) ** 2):
        x = rng.uniform(-0.02, 1.02)
        base = height_at(snowfield, x) + 0.01 + 0.2 * nearness
        scene.pine(x, base, 0.05 + 0.22 * nearness, mix(firs, WHITE, 0.2 * (1 - nearness)))


def _mountains(
    scene: Scene, crest: Field, colours: tuple[Colour, Colour], light: float, bareness: float
) -> None:
    """A range below its crest: faces lit or shaded by which way they slope, then bare rock."""
    snow, shade = colours
    scene.land(crest, [shade, mix(shade, snow, 0.3)])
    depth = scene.under(crest)
    rough, fine = scene.noise(5, 5, 4), scene.noise(14, 9, 3)
    facing = scene.slope(crest, (rough - 0.5) * (0.08 + 0.9 * np.clip(depth, 0, 1)))
    lit = np.clip(0.5 + light * facing + 0.8 * (fine - 0.5), 0, 1)
    ground = scene.ground(crest)
    scene.wash(lit * ground, snow)
    rock = np.clip((0.6 * fine + 0.4 * rough + 0.6 * depth + bareness - 0.65) * 7, 0, 0.8)
    scene.wash(rock * ground, mix(shade, (62, 58, 66), 0.6))


def draw_desert(scene: Scene) -> None:
    """Dunes with a lit side and a shaded side, from noon to dusk."""
    rng = scene.rng
    dusk = rng.uniform(0, 1)
    zenith = mix(hsv(208, 0.6, 0.9), hsv(rng.uniform(230, 300), 0.45, 0.5), dusk)
    low_sky = mix(hsv(40, 0.15, 0.97), hsv(rng.uniform(5, 35), 0.55, 0.97), dusk)
    horizon = rng.uniform(0.18, 0.55)
    scene.gradient([zenith, low_sky], 0, horizon + 0.05)
    if chance(rng, 0.6):
        scene.glow(rng.uniform(0, 1), horizon - rng.uniform(0, 0.25), 0.15, hsv(45, 0.3, 1), 0.9)
    hue = rng.uniform(16, 40)
    lit = hsv(hue, rng.uniform(0.4, 0.8), rng.uniform(0.75, 0.98))
    shade = mix(lit, hsv(hue - 15, 0.75, 0.25), rng.uniform(0.5, 0.9))
    light = float(rng.choice([-1, 1]))
    for nearness in np.linspace(0, 1, int(rng.integers(2, 6))):
        level = horizon + 0.04 + (0.75 - horizon) * nearness**1.2
        crest = _dune_crest(rng, level, 0.04 + 0.16 * nearness)
        haze = 0.5 * (1 - nearness)
        _dune(scene, crest, (mix(lit, low_sky, haze), mix(shade, low_sky, haze)), light)
    if chance(rng, 0.3):
        for x in rng.uniform(0.1, 0.9, int(rng.integers(1, 5))):
            _cactus(scene, x, rng.uniform(0.75, 0.98), rng.uniform(0.1, 0.35))


def _dune_crest(rng: np.random.Generator, level: float, height: float) -> Field:
    """A crest with a few sharp summits and soft hollows between them."""
    hollows = np.abs(rolling_line(rng, 0, 1, rng.uniform(0.5, 1.2)))
    return level - height * (1 - hollows) ** 1.3 + rolling_line(rng, 0, 0.01, 2)


def _dune(scene: Scene, crest: Field, colours: tuple[Colour, Colour], light: float) -> None:
    rng = scene.rng
    lit, shade = colours
    scene.land(crest, [mix(lit, WHITE, 0.12), lit, mix(lit, shade, 0.35)])
    depth = np.clip(scene.under(crest), 0, 1)
    winding = 0.05 * np.sin(depth * rng.uniform(15, 30)) + rng.uniform(-1, 1) * depth
    shaded = np.clip(2 + 14 * light * scene.slope(crest, winding), 0, 1)
    ground = scene.ground(crest)
    scene.wash(shaded * ground * np.exp(-((depth / rng.uniform(0.15, 0.5)) ** 2)), shade)
    ripples = np.sin(np.sqrt(depth) * rng.uniform(120, 180) + 9 * scene.noise(2, 3, 2))
    scene.wash(np.clip(ripples, 0, 1) * 0.35 * depth, shade)


def _cactus(scene: Scene, x: float, foot: float, height: float) -> None:
    green = hsv(scene.rng.uniform(95, 130), 0.45, scene.rng.uniform(0.2, 0.4))
    width = 0.14 * height
    scene.stroke([(x, foot), (x, foot - height)], width, green)
    scene.disc(x, foot - height, width / 2, green)
    for side in (-1, 1):
        elbow, tip = foot - height * scene.rng.uniform([0.3, 0.65], [0.5, 0.9])
        arm = x + side * 0.25 * height
        scene.stroke([(x, elbow), (arm, elbow), (arm, tip)], 0.7 * width, green)
        scene.disc(arm, tip, 0.35 * width, green)


def draw_misty_hills(scene: Scene) -> None:
    """Ridge behind ridge, each paler than the one before it."""
    rng = scene.rng
    hue = rng.choice([30, 110, 150, 205, 265, 330]) + rng.uniform(-15, 15)
    saturation = rng.uniform(0.1, 0.4)
    sky = hsv(hue, 0.5 * saturation, rng.uniform(0.75, 0.98))
    sunlight = hsv(rng.uniform(20, 55), rng.uniform(0.15, 0.5), 1)
    upper_sky = mix(sky, hsv(hue, saturation, 0.6), rng.uniform(0, 0.8))
    scene.gradient([upper_sky, mix(sky, sunlight, rng.uniform(0.1, 0.8))], 0, 0.6)
    if chance(rng, 0.5):
        x, y, radius = rng.uniform([0.1, 0.1, 0.03], [0.9, 0.35, 0.06])
        scene.glow(x, y, 4 * radius, sunlight, 0.7)
        scene.disc(x, y, radius, mix(sunlight, WHITE, 0.6), 0.8)
    near = hsv(hue + rng.uniform(-10, 30), saturation + 0.2, rng.uniform(0.12, 0.42))
    highest, waves = rng.uniform(0.15, 0.55), rng.uniform(0.5, 2)
    wooded = chance(rng, 0.6)
    layers = int(rng.integers(3, 9))
    for layer in range(layers):
        nearness = layer / (layers - 1)
        colour = mix(sky, near, 0.15 + 0.85 * nearness**1.3)
        level = highest + (0.92 - highest) * nearness
        ridge = rolling_line(rng, level, 0.05 + 0.04 * nearness, waves)
        if wooded and layer >= layers / 2:
            for x in rng.uniform(0, 1, int(rng.integers(10, 50))):
                height = rng.uniform(0.02, 0.05) * (0.5 + 1.5 * nearness)
                scene.pine(x, height_at(ridge, x) + 0.01, height, colour)
        scene.land(ridge, [colour, mix(colour, sky, 0.55 * (1.1 - nearness))])
        if layer < layers - 1:
            fog = scene.noise(2, 5) * np.exp(-(((scene.y - level - 0.1) / 0.06) ** 2))
            scene.wash(0.7 * fog, mix(sky, sunlight, 0.3))
