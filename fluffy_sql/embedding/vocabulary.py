"""Words, and what the text encoder that belongs to a model of photos makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fluffy_sql.errors import MissingExtraError, SettingsError, UsageError

if TYPE_CHECKING:  # the command line loads without NumPy
    import numpy as np
    from numpy.typing import NDArray

# What models of CLIP's kind learned from are captions, not single words.
_CAPTION = "a photo of {}"


@dataclass(frozen=True)
class Vocabulary:
    """Words that clusters may be called.

    Attributes:
        embeddings: a row for each word.
    """

    words: Sequence[str]
    embeddings: "NDArray[np.float32]"


def read_vocabulary(words: Path, model: str | None, folder: Path) -> Vocabulary:
    """Reads a list of words, a line each, and embeds them.

    Args:
        words: a text file; empty lines and those that begin with # are passed over.
        model: the text encoder, an ONNX file with its tokenizer.json beside it or a folder above.
        folder: what the path of the model starts from.

    Raises:
        UsageError: the file can't be read, or there is no word in it.
        SettingsError: no text encoder is named.
        MissingExtraError: a package is not installed.
        ProviderError: it is no text encoder.
    """
    listed = _read_words(words)
    if model is None:
        raise SettingsError(
            "--words needs a text encoder: set embedding.text_model to an ONNX file, the one that"
            " belongs to the model of the photos"
        )
    try:
        from fluffy_sql.embedding.text_network import TextNetwork  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(
            f'{error.name} is not installed; run: pip install "fluffy_sql[words]"'
        ) from None
    network = TextNetwork(folder / Path(model).expanduser())
    return Vocabulary(listed, network.embed([_CAPTION.format(word) for word in listed]))


def _read_words(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(f"--words: {file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--words: {file} is not UTF-8; save it as UTF-8") from None
    stripped = [line.strip() for line in lines]
    words = list(dict.fromkeys(word for word in stripped if word and not word.startswith("#")))
    if not words:
        raise UsageError(f"--words: {file} has no words; write one in each line")
    return words
