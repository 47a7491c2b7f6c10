"""The blocks of docs/guides/your-database.md, which tests run."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "guides" / "your-database.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def blocks(title: str, language: str) -> list[str]:
    """The fenced blocks of a section in a language, as they are written."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)


def block(title: str, language: str) -> str:
    """The only one."""
    [only] = blocks(title, language)
    return only


def added(table: str) -> set[str]:
    """What the page says that is added to a table: columns, indexes, keys."""
    [row] = re.findall(rf"^\| `{table}` \|(.*)\|$", section("What is added"), re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row))
