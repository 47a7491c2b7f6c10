"""A neural network that is shown photos, and how any network is loaded, by onnxruntime."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fluffy_sql.embedding.pictures import read_fitted
from fluffy_sql.embedding.preprocessing import CHANNELS, Preprocessing
from fluffy_sql.errors import ProviderError

# What image encoders call the embedding, the best first.
_OUTPUTS = ("image_embeds", "pooler_output", "last_hidden_state")
_TYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}
_OF_TEXT = "tensor(int64)"
_OF_PICTURES = 4  # dimensions: photos, channels, height, width
_ONE, _TOKENS, _MAP = 1, 2, 3  # dimensions of what comes out for a picture
_LONGEST = 300  # letters of what onnxruntime says
_WORST = 4  # of onnxruntime's levels of what is logged: what it raises is told by us
_GREY = 128


@dataclass(frozen=True)
class _Input:
    """What a network is given.

    Attributes:
        name: of the input for pictures.
        kind: type of its numbers.
        channels_last: whether channels come after height and width.
        batch: how many pictures it takes at once.
        text: some for each input for text; no embedding of a photo depends on it.
    """

    name: str
    kind: type[np.generic]
    channels_last: bool
    batch: int
    text: dict[str, NDArray[np.int64]]


class Network:
    """A network, whose input and output are found, and which was tried.

    A photo takes one thread: with several photos at a time that takes half the processor time that
    onnxruntime's own threads take, which wait for each other.

    Attributes:
        output: the name of the output with embeddings.
        pooling: how an output for each patch of a photo becomes one, `cls` or `mean`; None: it is
            one already.
    """

    def __init__(
        self,
        model: bytes | Path,
        name: str,
        preprocessing: Preprocessing,
        output: str | None = None,
        pooling: str | None = None,
    ) -> None:
        """Loads it.

        Args:
            model: an ONNX file, or what is in one.
            name: what messages call it.
            preprocessing: what is done to photos before.
            output: the name of the output with embeddings; None: found.
            pooling: of an output for each patch, the class token (`cls`) or the `mean` of patches;
                None: the class token, if there is one.

        Raises:
            ProviderError: it is no model, or one of no use.
        """
        self._name, self._preprocessing = name, preprocessing
        mean, std = np.array([preprocessing.mean, preprocessing.std], np.float32)
        self._scale, self._shift = preprocessing.rescale / std, mean / std
        self._session = load_network(model, name)
        self._input = self._find_input()
        self.output = self._find_output(output)
        self.pooling = self._find_pooling(pooling)

    def embed(self, photo: Path) -> NDArray[np.float32]:
        """The embedding of a photo.

        Raises:
            PhotoError: it can't be read.
            ProviderError: the network fails.
        """
        picture = read_fitted(photo, self._preprocessing.fit)
        return self._pooled(self._run(np.asarray(picture)))

    def _find_input(self) -> _Input:
        inputs = self._session.get_inputs()
        pictures = [one for one in inputs if len(one.shape) == _OF_PICTURES and one.type in _TYPES]
        others = [one for one in inputs if one not in pictures]
        if len(pictures) != 1 or any(one.type != _OF_TEXT for one in others):
            raise self._error(
                f"takes {listed(inputs)}; an image encoder takes one input of 4 dimensions, pixels"
            )
        [found] = pictures
        channels_last = found.shape[3] == CHANNELS and found.shape[1] != CHANNELS
        batch, *sizes = found.shape
        order = (2, 0, 1) if channels_last else (0, 1, 2)
        needed = (CHANNELS, self._preprocessing.crop, self._preprocessing.crop)
        sizes = [sizes[place] for place in order]
        for size, of in zip(sizes, needed, strict=True):
            if isinstance(size, int) and size != of:
                raise self._error(
                    f"takes {_by(sizes)} (channels, height, width), and would be shown"
                    f" {_by(needed)}; set embedding.onnx.resize and embedding.onnx.crop"
                )
        return _Input(
            found.name,
            _TYPES[found.type],
            channels_last,
            batch if isinstance(batch, int) else 1,
            {
                one.name: np.ones([of if isinstance(of, int) else 1 for of in one.shape], np.int64)
                for one in others
            },
        )

    def _find_output(self, asked: str | None) -> str:
        outputs = self._session.get_outputs()
        names = [one.name for one in outputs]
        known = [name for name in _OUTPUTS if name in names]
        found = [asked] if asked else known or names
        if found[0] not in names or (len(found) > 1 and not known):
            what = f"has no output {asked}" if asked else "has several outputs"
            raise self._error(f"{what}; set embedding.onnx.output to one of {listed(outputs)}")
        return found[0]

    def _find_pooling(self, asked: str | None) -> str | None:
        """How its output is pooled, and whether it has any, by a grey picture."""
        side = self._preprocessing.crop
        made = self._run(np.full((side, side, CHANNELS), _GREY, np.uint8))
        shape = _by((1, *made.shape))
        if made.dtype.kind != "f" or made.ndim > _MAP or not made.size:
            raise self._error(
                f"gives {shape} of {made.dtype} as {self.output}, no embedding; set"
                f" embedding.onnx.output to another one of {listed(self._session.get_outputs())}"
            )
        if not np.isfinite(made).all():
            raise self._error(
                f"gives NaN or infinity for a grey picture as {self.output}; take the model in"
                " float32, or check embedding.onnx.mean and std"
            )
        if asked and (made.ndim == _ONE or (made.ndim == _MAP and asked == "cls")):
            raise self._error(
                f"gives {shape} as {self.output}, which has no class token and patches; set"
                " embedding.onnx.pooling to null"
            )
        if made.ndim == _ONE:
            return None
        has_class_token = made.ndim == _TOKENS and len(made) != _patches(len(made))
        return asked or ("cls" if has_class_token else "mean")

    def _run(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """What comes out for a picture of shape (height, width, red green blue)."""
        given = self._input
        if self._preprocessing.channels == "bgr":
            pixels = pixels[:, :, ::-1]
        shown = pixels if given.kind is np.uint8 else pixels * self._scale - self._shift
        if not given.channels_last:
            shown = shown.transpose(2, 0, 1)
        batch = np.repeat(shown[np.newaxis], given.batch, axis=0).astype(given.kind)
        try:
            [made] = self._session.run([self.output], {given.name: batch, **given.text})
            return np.asarray(made[0])
        except Exception as error:  # noqa: BLE001 - its exceptions have nothing in common
            raise self._error(
                f"can't be run on {_by(batch.shape)} of {batch.dtype}: {one_line(error)}"
            ) from None

    def _pooled(self, made: NDArray[Any]) -> NDArray[np.float32]:
        made = made.astype(np.float32)
        if self.pooling == "cls":
            made = made[0]
        elif self.pooling == "mean" and made.ndim == _TOKENS:
            made = made[-_patches(len(made)) :].mean(axis=0)  # other tokens come first
        elif self.pooling == "mean":
            made = made.mean(axis=(1, 2))  # a map: channels, height, width
        return made

    def _error(self, what: str) -> ProviderError:
        return ProviderError(f"{self._name}: {what}")


def load_network(model: bytes | Path, name: str) -> onnxruntime.InferenceSession:
    """Loads a network that takes one thread.

    Args:
        model: an ONNX file, or what is in one.
        name: what messages call it.

    Raises:
        ProviderError: it is no model.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _WORST
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - its exceptions have nothing in common
        raise ProviderError(
            f"{name}: is no ONNX model that can be loaded: {one_line(error)}"
        ) from None


def _patches(tokens: int) -> int:
    """How many of the tokens are patches, as many in each row as there are rows."""
    return math.isqrt(tokens) ** 2


def listed(arguments: Iterable[Any]) -> str:
    """Inputs or outputs, with their shapes."""
    return ", ".join(f"{one.name} ({_by(one.shape)}, {one.type})" for one in arguments)


def _by(shape: Iterable[object]) -> str:
    return " x ".join(map(str, shape))


def one_line(error: Exception) -> str:
    """What onnxruntime says, which may be long."""
    return " ".join(str(error).split())[:_LONGEST]
