"""docs/explanation/reliability.md shows every fault there is, as the tests print it."""

import pytest

from tests.faults.faults import FAULTS
from tests.faults.table import BEGIN, DOCUMENT, END, Table


def test_the_document_shows_every_fault_and_no_other(fault_table: Table) -> None:
    if not fault_table.strict:
        pytest.skip("it is being written")
    table = Table.read(DOCUMENT)
    assert set(table.found) == set(FAULTS)
    assert f"{BEGIN}{table.text()}{END}" in DOCUMENT.read_text(encoding="utf-8")


def test_no_fault_is_listed_twice() -> None:
    assert len(set(FAULTS)) == len(FAULTS)
