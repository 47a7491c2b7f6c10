"""Every example prints what its page shows; if it does not: python -m tests.docs.write."""

from difflib import unified_diff
from pathlib import Path

import pytest

from tests.docs.examples import (
    TUTORIAL,
    Reader,
    blocks_to_run,
    examples_of,
    fresh_clone,
    reader_of,
    run_block,
    same,
)
from tests.docs.pages import DOCS, PAGES

# tests/guest/test_guide.py and tests/citus run these.
RUN_ELSEWHERE = {DOCS / "guides" / "your-database.md", DOCS / "explanation" / "scaling.md"}
RUN_HERE = [
    page for page in PAGES if page.exists() and blocks_to_run(page) and page not in RUN_ELSEWHERE
]


@pytest.mark.database
def test_every_example_prints_what_its_page_shows(tmp_path: Path) -> None:
    """One test, since drawing the sample library takes half of its time."""
    with fresh_clone(tmp_path) as clone:
        found = differences(TUTORIAL, clone)
        for page in RUN_HERE:
            if page != TUTORIAL:
                with reader_of(page, clone) as reader:
                    found += differences(page, reader)
    assert not found, "\n".join([*found, "write them: python -m tests.docs.write"])


def differences(page: Path, reader: Reader) -> list[str]:
    """What the examples of a page print, where it is not what the page shows."""
    found = []
    for block in blocks_to_run(page):
        for example, printed in zip(examples_of(block), run_block(block, reader), strict=False):
            if not same(example.printed, printed):
                lines = unified_diff(
                    example.printed.splitlines(), printed.splitlines(), lineterm=""
                )
                found += [f"{block}: {example.command}", *list(lines)[2:]]
    return found
