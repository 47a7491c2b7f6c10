"""What is done to a photo before a network sees it, as `preprocessor_config.json` says it."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fluffy_sql.errors import ProviderError

CONFIG = "preprocessor_config.json"
CHANNELS = 3


@dataclass(frozen=True)
class Preprocessing:
    """From a photo to what a network is shown: a square in the middle, and its numbers.

    Attributes:
        resize: how long the shorter side is made, in pixels; both sides of a squashed photo.
        squash: whether the whole is made a square, whatever its shape.
        crop: side of the square that is kept.
        rescale: what each channel of a pixel, from 0 to 255, is multiplied by first.
        mean: what is then taken from red, green and blue.
        std: what they are then divided by.
        channels: their order in the network, `rgb` or `bgr`.
    """

    resize: int
    squash: bool
    crop: int
    rescale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: str

    @classmethod
    def of(cls, given: Mapping[str, Any], model: Path) -> Self:
        """What is given, and for what is not (None), what a file of the name CONFIG says.

        Args:
            given: values of attributes.
            model: the file is looked for in its folder, and in the one above.

        Raises:
            ProviderError: the file can't be used, or something is neither given nor in it.
        """
        places = [folder / CONFIG for folder in list(model.parents)[:2]]
        file = next((place for place in places if place.is_file()), None)
        values: dict[str, Any] = {"squash": False, "rescale": 1 / 255, "channels": "rgb"}
        values |= _read(file) if file else {}
        values |= {name: value for name, value in given.items() if value is not None}
        if lacking := [name for name in ("resize", "mean", "std") if name not in values]:
            keys = ", ".join(f"embedding.onnx.{name}" for name in lacking)
            why = f"{file} does not say them" if file else f"there is no {places[0]}"
            raise ProviderError(f"{model}: {why}; set {keys}")
        resize, crop = values["resize"], values.setdefault("crop", values["resize"])
        if crop > resize:
            raise ProviderError(
                f"{model}: of a photo made {resize} px no {crop} px can be kept;"
                " set embedding.onnx.resize and embedding.onnx.crop"
            )
        if not all(values["std"]):
            raise ProviderError(f"{model}: std has a zero; set embedding.onnx.std")
        return cls(**values | {name: tuple(values[name]) for name in ("mean", "std")})

    def fit(
        self, size: tuple[int, int]
    ) -> tuple[tuple[float, float, float, float], tuple[int, int]]:
        """The part of a photo that the network sees, and the size that it is made."""
        seen = size if self.squash else (min(size), min(size))
        width, height = (side * self.crop / self.resize for side in seen)
        left, top = (size[0] - width) / 2, (size[1] - height) / 2
        return (left, top, left + width, top + height), (self.crop, self.crop)


def _read(file: Path) -> dict[str, Any]:
    """Attributes of Preprocessing, as a file for Hugging Face's Transformers says them."""
    try:
        return dict(_values_of(json.loads(file.read_bytes())))
    except (OSError, ValueError) as error:
        raise ProviderError(
            f"{file}: can't be used: {error}; repair it, or move it away and set"
            " embedding.onnx.resize, mean and std"
        ) from None


def _values_of(config: object) -> Iterator[tuple[str, Any]]:
    if not isinstance(config, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - as of JSON that is broken
    crops = config.get("do_center_crop", "crop_size" in config)
    if "size" in config and config.get("do_resize", True):
        size = config["size"]
        yield "resize", _side("size", size)
        # A bare number is the shorter side if something is cut off then, else that of a square.
        keeps_shape = "shortest_edge" in size if isinstance(size, dict) else crops
        yield "squash", not keeps_shape
    if "crop_size" in config and crops:
        yield "crop", _side("crop_size", config["crop_size"])
    if not config.get("do_rescale", True):
        yield "rescale", 1.0
    elif "rescale_factor" in config:
        yield "rescale", _number("rescale_factor", config["rescale_factor"])
    for key, name, unchanged in (("image_mean", "mean", 0.0), ("image_std", "std", 1.0)):
        if not config.get("do_normalize", True):
            yield name, [unchanged] * CHANNELS
        elif key in config:
            yield name, _three_numbers(key, config[key])
    if config.get("do_flip_channel_order"):
        yield "channels", "bgr"


def _side(key: str, value: Any) -> int:
    """A side of a square, in each way in which it is written."""
    sides = value
    if isinstance(value, dict):
        sides = [value[name] for name in ("shortest_edge", "height", "width") if name in value]
    elif not isinstance(value, list):
        sides = [value]
    different = {side if type(side) is int and side > 0 else None for side in sides}
    if len(different) != 1 or None in different:
        raise ValueError(f"{key} is {json.dumps(value)}; allowed: the side of a square, in pixels")
    return int(sides[0])


def _number(key: str, value: Any) -> float:
    if type(value) not in {int, float} or not math.isfinite(value):
        raise ValueError(f"{key} is {json.dumps(value)}; allowed: a number")
    return float(value)


def _three_numbers(key: str, value: Any) -> list[float]:
    if not isinstance(value, list) or len(value) != CHANNELS:
        raise ValueError(f"{key} is {json.dumps(value)}; allowed: three numbers")
    return [_number(key, one) for one in value]
