"""Image encoders in ONNX files: a tiny one for each kind of input and output, and what is none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.numpy_helper import from_array, to_array
from PIL import Image

from fluffy_sql.embedding.onnx_file import OnnxFile, OnnxSettings
from fluffy_sql.embedding.preprocessing import CONFIG, Preprocessing
from fluffy_sql.errors import FluffySqlError, ProviderError, SettingsError

SIDE = 16
COLOUR = (255, 51, 102)
SHOWN = [1.0, -1.0, 2.0]  # that colour, by the mean and std below
PREPROCESSOR: dict[str, Any] = {
    "size": SIDE,
    "image_mean": [0.5, 0.4, 0.2],
    "image_std": [0.5, 0.2, 0.1],
}

PIXELS = "float[n,3,h,w] pixel_values"
# The mean of each channel: what every network here makes of a photo, or three times that.
MEANS = "g = GlobalAveragePool(pixel_values) v = Flatten(g) u = Add(v, v) w = Add(u, v)"
PATCH = "one = Constant <value = int64[1] {1}> () p = Unsqueeze(w, one)"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a network, and beside it what it wants to be shown."""

    def write(outputs: str, body: str, inputs: str = PIXELS, **saved: Any) -> Path:
        (tmp_path / CONFIG).write_text(json.dumps(PREPROCESSOR))
        text = f'<ir_version: 8, opset_import: ["": 17]> tiny ({inputs}) => ({outputs}) {body}'
        made, file = onnx.parser.parse_model(text), tmp_path / "model.onnx"
        for weights in made.graph.initializer:  # as bytes, which alone are saved elsewhere
            weights.CopyFrom(from_array(to_array(weights), weights.name))
        onnx.save(made, file, **saved)
        return file

    return write


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    Image.new("RGB", (40, 30), COLOUR).save(file)
    return file


def opened(file: Path, **settings: Any) -> OnnxFile:
    return OnnxFile.open(OnnxSettings(file=str(file), **settings), Path("/nowhere"), 2)


ENCODERS = {
    "one output": ("float[n,3] some", "some = Identity(v)", 1),
    "image_embeds": (
        "float[n,5,3] last_hidden_state, float[n,3] pooler_output, float[n,3] image_embeds",
        f"{PATCH} last_hidden_state = Concat <axis = 1> (p, p, p, p, p)"
        " pooler_output = Identity(w) image_embeds = Identity(v)",
        1,
    ),
    "pooler_output": (
        "float[n,4,3] last_hidden_state, float[n,3] pooler_output",
        f"{PATCH} last_hidden_state = Concat <axis = 1> (p, p, p, p) pooler_output = Identity(v)",
        1,
    ),
    "class token": (
        "float[n,5,3] last_hidden_state",
        f"{PATCH} c = Unsqueeze(v, one) last_hidden_state = Concat <axis = 1> (c, p, p, p, p)",
        1,
    ),
    "patches": (
        "float[n,4,3] last_hidden_state",
        f"{PATCH} c = Unsqueeze(v, one) last_hidden_state = Concat <axis = 1> (c, p, c, p)",
        2,
    ),
    "map": ("float[n,3,h,w] last_hidden_state", "last_hidden_state = Identity(pixel_values)", 1),
    "map of one": ("float[n,3,1,1] out", "out = GlobalAveragePool(pixel_values)", 1),
}


@pytest.mark.parametrize("kind", ENCODERS)
def test_outputs(kind: str, write: Write, photo: Path) -> None:
    outputs, body, times = ENCODERS[kind]
    embedding = opened(write(outputs, f"{{ {MEANS} {body} }}")).embed(photo)
    assert embedding.dtype == np.float32
    assert embedding == pytest.approx(np.multiply(SHOWN, times), abs=1e-5)


TOKENS = ENCODERS["class token"][0], f"{{ {MEANS} {ENCODERS['class token'][1]} }}"


@pytest.mark.parametrize(
    ("settings", "times"),
    [({"pooling": "cls"}, 1), ({"pooling": "mean"}, 3), ({"output": "last_hidden_state"}, 1)],
)
def test_what_is_named_is_taken(
    settings: dict[str, str], times: int, write: Write, photo: Path
) -> None:
    embedding = opened(write(*TOKENS), **settings).embed(photo)
    assert embedding == pytest.approx(np.multiply(SHOWN, times), abs=1e-5)


@pytest.mark.parametrize(
    ("inputs", "first"),
    [
        ("float[n,3,16,16] pixel_values", "x = Identity(pixel_values)"),
        ("float[1,3,h,w] pixels", "x = Identity(pixels)"),
        ("float[2,3,16,16] pixels", "x = Identity(pixels)"),
        ("float16[n,3,h,w] pixels", "x = Cast <to = 1> (pixels)"),
        ("double[n,c,h,w] pixels", "x = Cast <to = 1> (pixels)"),
        ("float[n,16,16,3] pixels", "x = Transpose <perm = [0, 3, 1, 2]> (pixels)"),
        (
            f"int64[b,s] input_ids, {PIXELS}, int64[b,s] attention_mask",
            "x = Identity(pixel_values)",
        ),
    ],
)
def test_inputs(inputs: str, first: str, write: Write, photo: Path) -> None:
    body = f"{{ {first} g = GlobalAveragePool(x) out = Flatten(g) }}"
    embedding = opened(write("float[m,3] out", body, inputs)).embed(photo)
    assert embedding == pytest.approx(SHOWN, abs=2e-3)


def test_a_model_of_photos_and_text(write: Write, photo: Path) -> None:
    """As Optimum writes CLIP; it is given some text, as short as can be."""
    outputs = "float[b,3] text_embeds, float[n,3] image_embeds, float[n,b] logits_per_image"
    of_text = "x = Cast <to = 1> (input_ids) text_embeds = Concat <axis = 1> (x, x, x)"
    body = (
        f"{{ {MEANS} {of_text} image_embeds = Identity(v)"
        " t = Transpose(text_embeds) logits_per_image = MatMul(image_embeds, t) }"
    )
    file = write(outputs, body, f"int64[b,s] input_ids, {PIXELS}, int64[b,s] attention_mask")
    assert opened(file).embed(photo) == pytest.approx(SHOWN, abs=1e-5)


def test_pixels_as_they_are_for_a_network_that_takes_them(write: Write, photo: Path) -> None:
    body = "{ x = Cast <to = 1> (pixels) g = GlobalAveragePool(x) out = Flatten(g) }"
    file = write("float[n,3] out", body, "uint8[n,3,h,w] pixels")
    assert opened(file).embed(photo).tolist() == list(COLOUR)
    assert opened(file, channels="bgr").embed(photo).tolist() == list(COLOUR[::-1])


def test_weights_beside_the_file(write: Write, photo: Path, tmp_path: Path) -> None:
    def weighted(by: int) -> OnnxFile:
        body = f"<float[3] by = {{{by}, {by}, {by}}}> {{ {MEANS} out = Mul(v, by) }}"
        beside = {"save_as_external_data": True, "location": "model.onnx_data"}
        return opened(write("float[n,3] out", body, size_threshold=0, **beside))

    twice = weighted(2)
    assert twice.embed(photo) == pytest.approx(np.multiply(SHOWN, 2), abs=1e-5)
    (tmp_path / "model.onnx_data").unlink()
    assert weighted(3).model != twice.model
    (tmp_path / "model.onnx_data").unlink()
    with pytest.raises(
        ProviderError, match=r"is no ONNX model that can be loaded: .*model.onnx_data"
    ):
        opened(tmp_path / "model.onnx")


def test_the_model_on_record_is_all_that_an_embedding_depends_on(
    write: Write, tmp_path: Path
) -> None:
    file = write(*TOKENS)
    model = opened(file).model
    assert model.startswith("onnx ")
    assert opened(file, pooling="cls").model == model
    assert len({model, opened(file, pooling="mean").model, opened(file, resize=20).model}) == 3
    elsewhere = tmp_path / "onnx" / "other.onnx"  # as hubs have it, one folder below the other file
    elsewhere.parent.mkdir()
    assert opened(file.rename(elsewhere)).model == model


ONE = "float[n,3] a"
SAME = f"{{ {MEANS} a = Identity(v) }}"
OF_NO_USE: dict[str, tuple[str, str, str, dict[str, str], str]] = {
    "several outputs": (
        *("float[n,3] a, float[n,3] b", f"{{ {MEANS} a = Identity(v) b = Identity(w) }}"),
        *(PIXELS, {}, r"has several outputs; set embedding.onnx.output to one of a \(n x 3, .*, b"),
    ),
    "no such output": (
        *(*TOKENS, PIXELS, {"output": "none"}),
        "has no output none; set embedding.onnx.output to one of last_hidden_state",
    ),
    "nothing to pool": (
        *(ONE, SAME, PIXELS, {"pooling": "cls"}),
        "gives 1 x 3 as a, which has no class token and patches; set embedding.onnx.pooling to nu",
    ),
    "takes text": (
        *("float[s,2] a", "{ a = Identity(text) }", "float[s,2] text", {}),
        r"takes text \(s x 2, tensor\(float\)\); an image encoder takes one input of 4 dimensions",
    ),
    "takes more": (
        *(ONE, f"{{ {MEANS} a = Add(v, t) }}", f"{PIXELS}, float[n,3] t", {}),
        "takes pixel_values .*, t .*; an image encoder takes one input",
    ),
    "another size": (
        *(ONE, SAME, "float[n,3,32,32] pixel_values", {}),
        r"takes 3 x 32 x 32 \(channels, height, width\), and would be shown 3 x 16 x 16; set"
        " embedding.onnx.resize and embedding.onnx.crop",
    ),
    "grey": ("float[n,1] a", SAME, "float[n,1,h,w] pixel_values", {}, "takes 1 x h x w"),
    "NaN": (
        *(ONE, f"{{ {MEANS} d = Sub(u, w) e = Add(d, v) a = Div(v, e) }}", PIXELS, {}),
        "gives NaN or infinity for a grey picture as a; take the model in float32",
    ),
    "classes": (
        *("int64[n] a", f"{{ {MEANS} a = ArgMax <axis = 1, keepdims = 0> (v) }}", PIXELS, {}),
        "gives 1 of int64 as a, no embedding; set embedding.onnx.output to another one of a",
    ),
    "fails": (
        "float[n,7] a",
        "{ s = Constant <value = int64[2] {1, 7}> () a = Reshape(pixel_values, s) }",
        *(PIXELS, {}, r"can't be run on 1 x 3 x 16 x 16 of float32: \S"),
    ),
}


@pytest.mark.parametrize("kind", OF_NO_USE)
def test_networks_of_no_use(kind: str, write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    outputs, body, inputs, settings, message = OF_NO_USE[kind]
    file = write(outputs, body, inputs)
    with pytest.raises(ProviderError, match=message) as caught:
        opened(file, **settings)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\0" * 9]
)
def test_files_that_are_no_model(
    content: bytes, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    file = write(*TOKENS)
    file.write_bytes(content)
    with pytest.raises(ProviderError, match=r"is no ONNX model that can be loaded: .+") as caught:
        opened(file)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match=r"there is no such file; check embedding.onnx.file"):
        opened(tmp_path)
    with pytest.raises(SettingsError, match=r"embedding.onnx.file is not set"):
        OnnxFile.open(OnnxSettings(), tmp_path, 1)


IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
IMAGENET_VALUES = (1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
HALVES = ((0.5,) * 3, (0.5,) * 3)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (  # DINOv2
            {
                "do_resize": True,
                "size": {"shortest_edge": 256},
                "do_center_crop": True,
                "crop_size": {"height": 224, "width": 224},
                "rescale_factor": 1 / 255,
                **IMAGENET,
            },
            Preprocessing(256, False, 224, *IMAGENET_VALUES, "rgb"),
        ),
        (  # CLIP, as older versions wrote it
            {"size": 224, "crop_size": 224, "do_center_crop": True, **IMAGENET},
            Preprocessing(224, False, 224, *IMAGENET_VALUES, "rgb"),
        ),
        (  # DINO
            {"size": 224, "do_resize": True, **IMAGENET},
            Preprocessing(224, True, 224, *IMAGENET_VALUES, "rgb"),
        ),
        (  # SigLIP, DINOv3
            {"size": {"height": 256, "width": 256}, "rescale_factor": 0.004, **HALF},
            Preprocessing(256, True, 256, 0.004, *HALVES, "rgb"),
        ),
        (
            {
                "size": [256, 256],
                "crop_size": [224, 224],
                "do_center_crop": False,
                "do_rescale": False,
                "do_flip_channel_order": True,
                **HALF,
            },
            Preprocessing(256, True, 256, 1.0, *HALVES, "bgr"),
        ),
        (
            {"size": {"shortest_edge": 64}, "do_normalize": False},
            Preprocessing(64, False, 64, 1 / 255, (0.0,) * 3, (1.0,) * 3, "rgb"),
        ),
    ],
)
def test_what_a_preprocessor_says(
    config: dict[str, Any], expected: Preprocessing, tmp_path: Path
) -> None:
    (tmp_path / CONFIG).write_text(json.dumps(config))
    assert Preprocessing.of({}, tmp_path / "model.onnx") == expected
    given = {"resize": 300, "squash": None, "std": [1.0, 2.0, 3.0]}
    changed = Preprocessing.of(given, tmp_path / "onnx" / "model.onnx")
    assert (changed.resize, changed.squash, changed.std) == (300, expected.squash, (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"there is no .*preprocessor_config.json; set embedding.onnx.resize, .*mean, .*std"),
        (json.dumps(IMAGENET), "does not say them; set embedding.onnx.resize$"),
        (
            json.dumps({"size": 224}),
            "does not say them; set embedding.onnx.mean, embedding.onnx.std$",
        ),
        ("<html>", "can't be used: Expecting value.*; repair it, or move it away and set"),
        ("[]", "can't be used: it is no JSON object"),
        ('{"size": {"longest_edge": 9}}', r'size is \{"longest_edge": 9\}; allowed: the side of a'),
        ('{"size": {"height": 384, "width": 128}}', "allowed: the side of a square"),
        ('{"size": true}', "size is true; allowed: the side of a square"),
        ('{"image_mean": [0.5]}', r"image_mean is \[0.5\]; allowed: three numbers"),
        ('{"image_std": [1, 1, NaN]}', "image_std is NaN; allowed: a number"),
        (json.dumps({"size": 100, "crop_size": 200, **HALF}), "a photo made 100 px no 200 px"),
        (json.dumps({"size": 99, **HALF, "image_std": [1, 0, 1]}), "std has a zero; set embedding"),
    ],
)
def test_preprocessors_that_say_too_little(
    content: str | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / CONFIG).write_text(content)
    with pytest.raises(FluffySqlError, match=message):
        Preprocessing.of({}, tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("squash", "size", "expected"),
    [
        (False, (400, 200), ((100 + 12.5, 12.5, 300 - 12.5, 187.5), (224, 224))),
        (False, (20, 40), ((1.25, 11.25, 18.75, 28.75), (224, 224))),
        (True, (400, 200), ((25, 12.5, 375, 187.5), (224, 224))),
    ],
)
def test_the_part_of_a_photo_that_is_shown(
    squash: bool, size: tuple[int, int], expected: object
) -> None:
    assert Preprocessing(256, squash, 224, *IMAGENET_VALUES, "rgb").fit(size) == expected
