"""Writes into the docs what their examples print: `python -m tests.docs.write [page...]`.

A block that shows what is printed, but for what varies, stays as it is.
"""

import sys
import tempfile
from pathlib import Path

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
from tests.docs.pages import Block, text_of
from tests.docs.test_examples import RUN_HERE


def main() -> None:
    """Runs the tutorial and the pages that are named; all if none is."""
    named = [Path(name).resolve() for name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder, fresh_clone(Path(folder)) as clone:
        write(TUTORIAL, clone)
        for page in named or RUN_HERE:
            if page != TUTORIAL:
                with reader_of(page, clone) as reader:
                    write(page, reader)


def write(page: Path, reader: Reader) -> None:
    """Runs the blocks of a page, in order, and replaces those that show something else."""
    text = text_of(page)
    for block in blocks_to_run(page):
        printed = run_block(block, reader)
        if block.language == "console":
            text = text.replace(f"```console\n{block.text}```", _rewritten(block, printed), 1)
    page.write_text(text, encoding="utf-8")


def _rewritten(block: Block, printed: list[str]) -> str:
    lines = []
    for example, now in zip(examples_of(block), printed, strict=True):
        shown = example.printed
        if not same(shown, now):
            if "\n...\n" in f"\n{shown}":
                sys.stdout.write(f"{block} leaves lines out, so it is yours to write:\n{now}")
            else:
                shown = "".join(f"{line.rstrip()}\n" for line in now.strip("\n").splitlines())
        lines.append(f"$ {example.command}\n{shown}")
    return "```console\n" + "".join(lines) + "```"


if __name__ == "__main__":
    main()
