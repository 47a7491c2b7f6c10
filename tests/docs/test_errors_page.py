"""docs/guides/errors.md quotes messages as the code has them."""

import ast
import re

import pytest

from tests.docs.pages import CHECKOUT, DOCS, first_codes_of, text_of

PAGE = DOCS / "guides" / "errors.md"


def literals(code: str) -> list[str]:
    """The texts in a module, with three dots for what is filled in."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.JoinedStr):
            parts = [
                str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values
            ]
            found.append("".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


def sql_literals(statement: str) -> list[str]:
    """The texts in a statement, joined where it joins them."""
    joined = re.sub(r"'\s*\|\|\s*'", "", statement.replace("%%", "%"))
    return [text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", joined)]


@pytest.fixture(scope="module")
def messages() -> str:
    texts = [
        text
        for file in (CHECKOUT / "fluffy_sql").rglob("*.py")
        for text in literals(file.read_text(encoding="utf-8"))
    ]
    texts += [
        text
        for file in (CHECKOUT / "sql").rglob("*.sql")
        for text in sql_literals(file.read_text(encoding="utf-8"))
    ]
    return "\n".join(texts)


def test_messages_are_quoted_as_they_are(messages: str) -> None:
    missing = [
        part
        for printed in first_codes_of(text_of(PAGE))
        for part in re.split(r"\.\.\.", printed)
        if part.strip(" ;") not in messages
    ]
    assert missing == []
