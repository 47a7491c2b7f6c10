"""Messages without what may be an address, which may hold a password."""

import re
from collections.abc import Iterable
from pathlib import Path

PASSWORD_WITHIN = re.compile(r"(pass\w*|pwd|pw|secret)\s*=", re.IGNORECASE)
_ADDRESS_WITHIN = re.compile(rf"://|{PASSWORD_WITHIN.pattern}", re.IGNORECASE)


def conceal(message: str, words: Iterable[str], *, any_at: bool = False) -> str:
    """A message without those words that may be an address, which was given in a wrong place.

    Args:
        message: what is to be shown.
        words: the arguments of the command.
        any_at: whether any word with an @ may be one, or a part of one.
    """
    for word in words:
        if _ADDRESS_WITHIN.search(word) or (any_at and "@" in word):
            value = word.partition("=")[2] if word.startswith("--") else word
            for shown in {word, value, repr(value)[1:-1], str(Path(value))} - {"", "."}:
                message = message.replace(shown, "...")
    return message
