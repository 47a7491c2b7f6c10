"""Text encoders in ONNX files, tiny ones, and lists of words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from fluffy_sql.embedding.text_network import TOKENIZER
from fluffy_sql.embedding.vocabulary import read_vocabulary
from fluffy_sql.errors import FluffySqlError

# Words with an embedding, and what a caption has besides, which has none.
EMBEDDINGS = {"sea": (1, 0), "forest": (0, 1), "a": (0, 0), "photo": (0, 0), "of": (0, 0)}
TEXT = "int64[n,s] input_ids"
SUM = "g = Gather(words, input_ids) one = Constant <value = int64[1] {1}> ()"
SUM += " text_embeds = ReduceSum <keepdims = 0> (g, one)"


def write_text_model(
    folder: Path, inputs: str = TEXT, outputs: str = "float[n,d] text_embeds", body: str = SUM
) -> Path:
    """A network that adds up the embeddings of words, and its tokenizer beside it."""
    vocabulary = {word: place for place, word in enumerate([*EMBEDDINGS, "<pad>"])}
    tokenizer: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<pad>"},
    }
    (folder / TOKENIZER).write_text(json.dumps(tokenizer))
    rows = [*EMBEDDINGS.values(), (0, 0)]
    numbers = ", ".join(str(float(one)) for row in rows for one in row)
    text = (
        f'<ir_version: 8, opset_import: ["": 17]> tiny ({inputs}) => ({outputs})'
        f" <float[{len(rows)},2] words = {{{numbers}}}> {{ {body} }}"
    )
    file = folder / "text_model.onnx"
    onnx.save(onnx.parser.parse_model(text), file)
    return file


def write_words(folder: Path, text: str = "Sea\n\n# none\nforest\nsea forest\nSea\n") -> Path:
    file = folder / "words.txt"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "inputs", [TEXT, f"{TEXT}, int64[n,s] attention_mask", "int32[1,9] input_ids"]
)
def test_each_word_is_embedded_once(tmp_path: Path, inputs: str) -> None:
    write_text_model(tmp_path, inputs)
    read = read_vocabulary(write_words(tmp_path), "text_model.onnx", tmp_path)
    assert read.words == ["Sea", "forest", "sea forest"]
    assert np.array_equal(read.embeddings, [[1, 0], [0, 1], [1, 1]])


def test_the_tokenizer_may_be_a_folder_above(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    model = write_text_model(tmp_path / "onnx")
    (tmp_path / "onnx" / TOKENIZER).rename(tmp_path / TOKENIZER)
    assert len(read_vocabulary(write_words(tmp_path), str(model), tmp_path).embeddings) == 3


def refusal(folder: Path, words: str = "sea", model: str | None = "text_model.onnx") -> str:
    with pytest.raises(FluffySqlError) as caught:
        read_vocabulary(write_words(folder, words), model, folder)
    return str(caught.value)


def test_what_is_no_text_encoder_is_refused(tmp_path: Path) -> None:
    assert "set embedding.text_model to an ONNX file" in refusal(tmp_path, model=None)
    assert "there is no such file; check embedding.text_model" in refusal(tmp_path)
    of_photos = ("float[n,3,h,w] pixel_values", "float[n,3,h,w] o", "o = Identity(pixel_values)")
    file = write_text_model(tmp_path, *of_photos)
    assert "takes pixel_values" in refusal(tmp_path)
    write_text_model(tmp_path, outputs="float[n,s,d] g", body="g = Gather(words, input_ids)")
    assert "gives 1 x 4 x 2 for a text, no embedding" in refusal(tmp_path)
    write_text_model(tmp_path)
    (tmp_path / TOKENIZER).write_text("{}")
    assert "is no tokenizer that can be loaded" in refusal(tmp_path)
    (tmp_path / TOKENIZER).unlink()
    assert f"there is no {tmp_path / TOKENIZER}; put it there" in refusal(tmp_path)
    file.write_bytes(b"junk")
    assert "is no ONNX model that can be loaded" in refusal(tmp_path)


def test_a_list_without_words_is_refused(tmp_path: Path) -> None:
    assert "has no words; write one in each line" in refusal(tmp_path, "\n# sea\n")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    for name, why in (("latin.txt", "is not UTF-8"), ("none.txt", "can't be read: No such file")):
        with pytest.raises(FluffySqlError, match=why):
            read_vocabulary(tmp_path / name, None, tmp_path)
