"""What pages and code refer to is there."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import CHECKOUT, PAGES, anchors_of, name_of, prose_of

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z]+:")
CODE = sorted(
    file
    for pattern in (
        "fluffy_sql/**/*.py",
        "sql/**/*.sql",
        "migrations/*.sql",
        "tests/**/*.py",
        "*.*",
    )
    for file in CHECKOUT.glob(pattern)
    if file.suffix in {".py", ".sql", ".yml", ".yaml", ".toml"}
)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`]*`", "", prose_of(page))
    broken = []
    for link in _LINK.findall(text):
        if _ELSEWHERE.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_linked_to_from_another() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in _LINK.findall(prose_of(page))
        if not _ELSEWHERE.match(link)
    }
    pages = {page for page in PAGES if page.parent != CHECKOUT and page.name != "README.md"}
    assert {name_of(page) for page in pages - linked} == set()


def test_pages_that_code_names_exist() -> None:
    missing = {
        f"{file.relative_to(CHECKOUT)}: {named}"
        for file in CODE
        for named in re.findall(r"docs/[\w/-]+\.(?:md|sql|png)", file.read_text(encoding="utf-8"))
        if not (CHECKOUT / named).exists()
    }
    assert missing == set()
