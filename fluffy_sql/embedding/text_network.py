"""A neural network that reads text: the other half of CLIP or SigLIP. It needs onnxruntime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from fluffy_sql.embedding.network import listed, load_network, one_line
from fluffy_sql.errors import ProviderError

TOKENIZER = "tokenizer.json"
_SETTING = "check embedding.text_model"
_TOKENS, _MASK = "input_ids", "attention_mask"
# What text encoders call the embedding, the best first.
_OUTPUTS = ("text_embeds", "pooler_output")
# Of CLIP; longer ones are cut.
_LONGEST = 77
# Tokens that fill up a text if a network takes one length only, and tokenizer.json names none.
_FILL = ("<pad>", "[PAD]", "<|endoftext|>")


class TextNetwork:
    """A text encoder, with its tokenizer.

    Args:
        file: the ONNX file; its tokenizer.json is beside it, or a folder above.

    Raises:
        ProviderError: it is no such model, or has no tokenizer.
    """

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise ProviderError(f"{file}: there is no such file; {_SETTING}")
        self._name = str(file)
        self._session = load_network(file, self._name)
        inputs = self._session.get_inputs()
        names = [one.name for one in inputs]
        if _TOKENS not in names or set(names) - {_TOKENS, _MASK}:
            raise ProviderError(
                f"{file}: takes {listed(inputs)}; a text encoder takes {_TOKENS}, and perhaps"
                f" {_MASK}; {_SETTING}"
            )
        self._inputs = {one.name: one for one in inputs}
        outputs = [one.name for one in self._session.get_outputs()]
        known = [name for name in _OUTPUTS if name in outputs] or outputs
        if len(known) > 1 and known[0] not in _OUTPUTS:
            raise ProviderError(
                f"{file}: has several outputs, {', '.join(outputs)}, and none is called"
                f" {_OUTPUTS[0]}; {_SETTING}"
            )
        self._output = known[0]
        self._tokenizer = self._load_tokenizer(file)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row for each text; one at a time, so that none is filled up to the longest.

        Raises:
            ProviderError: the network fails, or gives no embedding.
        """
        return np.stack([self._embed(text) for text in texts])

    def _embed(self, text: str) -> NDArray[np.float32]:
        made = self._tokenizer.encode(text)
        given = {_TOKENS: made.ids, _MASK: made.attention_mask}
        try:
            [found] = self._session.run(
                [self._output],
                {
                    name: np.array([given[name]], _TYPES[one.type])
                    for name, one in self._inputs.items()
                },
            )
        except Exception as error:  # noqa: BLE001 - its exceptions have nothing in common
            raise ProviderError(
                f"{self._name}: can't be run on a text: {one_line(error)}; {_SETTING}"
            ) from None
        embedding = np.asarray(found, np.float32)
        if embedding.ndim != 2 or len(embedding) != 1 or not np.isfinite(embedding).all():  # noqa: PLR2004
            shape = " x ".join(map(str, embedding.shape))
            raise ProviderError(f"{self._name}: gives {shape} for a text, no embedding; {_SETTING}")
        row: NDArray[np.float32] = embedding[0]
        return row

    def _load_tokenizer(self, file: Path) -> Any:
        places = [folder / TOKENIZER for folder in list(file.parents)[:2]]
        place = next((one for one in places if one.is_file()), None)
        if place is None:
            raise ProviderError(f"{file}: there is no {places[0]}; put it there")
        try:
            tokenizer = Tokenizer.from_file(str(place))
        except Exception as error:  # noqa: BLE001 - it raises that itself
            raise ProviderError(
                f"{place}: is no tokenizer that can be loaded: {one_line(error)}"
            ) from None
        length = self._inputs[_TOKENS].shape[-1]
        tokenizer.enable_truncation(length if isinstance(length, int) else _LONGEST)
        if isinstance(length, int):
            found = (tokenizer.token_to_id(token) for token in _FILL)
            fill = next((token for token in found if token is not None), 0)
            tokenizer.enable_padding(
                **{"pad_id": fill, **(tokenizer.padding or {}), "length": length}
            )
        return tokenizer


_TYPES: dict[str, type[np.generic]] = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
