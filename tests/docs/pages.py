"""The pages that people read: where they are, their blocks, headings and tables."""

import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
PAGES = (
    *(CHECKOUT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted(DOCS.rglob("*.md")),
)

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name_of(page: Path) -> str:
    """As people name it: docs/tutorial.md."""
    return page.relative_to(CHECKOUT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is that of its first line of text."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}, line {self.line}"


def blocks_of(page: Path) -> list[Block]:
    text = text_of(page)
    return [
        Block(page, text.count("\n", 0, found.start()) + 2, found[1], found[2])
        for found in _BLOCK.finditer(text)
    ]


def texts_of_blocks(text: str, language: str) -> list[str]:
    return [found[2] for found in _BLOCK.finditer(text) if found[1] == language]


def prose_of(page: Path) -> str:
    """The text without its blocks."""
    return _BLOCK.sub("", text_of(page))


def anchors_of(page: Path) -> set[str]:
    """The anchors of its headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(prose_of(page))
    }


def sections_of(page: Path) -> dict[str, str]:
    """The text below each heading, to the next heading of any level."""
    # A comment in a block looks like a heading.
    sections: dict[str, str] = {}
    title, in_block = "", False
    for line in text_of(page).splitlines(keepends=True):
        in_block ^= line.startswith("```")
        if not in_block and (found := _HEADING.match(line)):
            title = found[1]
        else:
            sections[title] = sections.get(title, "") + line
    return sections


def rows_of(text: str) -> list[list[str]]:
    """The rows of its tables, without headings: the cells of each."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    ruled = {i for i, line in enumerate(lines) if re.fullmatch(r"[|\-: ]+", line)}
    skipped = ruled | {i - 1 for i in ruled}
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for i, line in enumerate(lines)
        if i not in skipped
    ]


def first_codes_of(text: str) -> list[str]:
    """What stands in backquotes in the first cell of each row of its tables."""
    return [code for row in rows_of(text) for code in re.findall(r"`([^`]+)`", row[0])]
