"""The blocks of docs/guides/your-database.md, which tests run."""

import re

from tests.docs.pages import DOCS, sections_of, texts_of_blocks

SECTIONS = sections_of(DOCS / "guides" / "your-database.md")


def blocks(title: str, language: str) -> list[str]:
    """The fenced blocks of a section in a language, as they are written."""
    return texts_of_blocks(SECTIONS[title], language)


def block(title: str, language: str) -> str:
    """The only one."""
    [only] = blocks(title, language)
    return only


def added(table: str) -> set[str]:
    """What the page says that is added to a table: columns, indexes, keys."""
    [row] = re.findall(rf"^\| `{table}` \|(.*)\|$", SECTIONS["What is added"], re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row))
