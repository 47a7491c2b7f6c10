"""A new statement needs a test."""

from __future__ import annotations

from pathlib import Path

from fluffy_sql.database.statements import statement_names

# Tested with the import that runs them.
TESTED_ELSEWHERE = "import/"


def test_every_statement_is_run_by_a_test_in_this_folder() -> None:
    tests = "".join(
        file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.glob("*.py"))
    )
    untested = [
        name
        for name in statement_names()
        if not name.startswith(TESTED_ELSEWHERE) and f'"{name}"' not in tests
    ]
    assert untested == []
