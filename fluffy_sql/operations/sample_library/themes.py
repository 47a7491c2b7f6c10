"""The twelve themes of the sample library, each a function that paints on an empty scene.

Pictures of a theme share what they show. Light, season, palette, composition and the number of
things in them differ.
"""

from collections.abc import Callable

from fluffy_sql.operations.sample_library.close_by import (
    draw_autumn_leaves,
    draw_flower_meadow,
    draw_old_town,
)
from fluffy_sql.operations.sample_library.land import (
    draw_desert,
    draw_forest,
    draw_misty_hills,
    draw_snowy_mountains,
)
from fluffy_sql.operations.sample_library.night import draw_city_at_night, draw_starry_sky
from fluffy_sql.operations.sample_library.scene import Scene
from fluffy_sql.operations.sample_library.water import draw_beach, draw_sunset, draw_underwater

# The order is part of the sample: a picture's random numbers depend on its theme's place here.
THEMES: dict[str, Callable[[Scene], None]] = {
    "forest": draw_forest,
    "city-at-night": draw_city_at_night,
    "beach": draw_beach,
    "snowy-mountains": draw_snowy_mountains,
    "desert": draw_desert,
    "sunset": draw_sunset,
    "starry-sky": draw_starry_sky,
    "flower-meadow": draw_flower_meadow,
    "autumn-leaves": draw_autumn_leaves,
    "underwater": draw_underwater,
    "old-town": draw_old_town,
    "misty-hills": draw_misty_hills,
}
