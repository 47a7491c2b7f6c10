"""The table of faults in docs/explanation/reliability.md: written by the tests, held to it."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Self

from tests.faults.faults import FAULTS, Fault

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "reliability.md"
BEGIN = "<!-- written by: pytest tests/faults --write-fault-table -->\n"
END = "<!-- end of the table -->\n"
_HEAD = (
    "| injected | into | while | times | there of the result | left in work tables | its record |\n"
    "|---|---|---|---:|---|---|---|\n"
)


@dataclass
class Table:
    """What was found after each fault.

    Attributes:
        found: of each fault the last three cells.
        strict: whether a find must be in the table already.
    """

    found: dict[Fault, str]
    strict: bool

    @classmethod
    def read(cls, document: Path) -> Self:
        """The table that a document has."""
        text = document.read_text(encoding="utf-8")
        rows = text.partition(BEGIN)[2].partition(END)[0].splitlines()[2:]
        found: dict[Fault, str] = {}
        for row in rows:
            injected, command, moments, _, *cells = row.strip("| ").split(" | ")
            for moment in moments.split("; "):
                found[Fault(injected, command.strip("`"), moment)] = " | ".join(cells)
        return cls(found, strict=True)

    def add(self, fault: Fault, found: str) -> None:
        """Takes down what was found, or makes sure it is what the document says."""
        if self.strict:
            assert self.found.get(fault) == found, (
                "write it: pytest tests/faults --write-fault-table"
            )
        self.found[fault] = found

    def write(self, document: Path) -> None:
        """Puts the table in place of the one in a document."""
        before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        document.write_text(before + BEGIN + self.text() + END + after, encoding="utf-8")

    def text(self) -> str:
        """The table in Markdown: faults of one kind after which the same was found, in one row."""
        listed = [(fault, self.found[fault]) for fault in FAULTS if fault in self.found]
        rows = []
        for (injected, command, found), alike in groupby(
            listed, key=lambda row: (row[0].injected, row[0].command, row[1])
        ):
            moments = [fault.moment for fault, _ in alike]
            rows.append(
                f"| {injected} | `{command}` | {'; '.join(moments)} | {len(moments)} | {found} |\n"
            )
        return _HEAD + "".join(rows)
